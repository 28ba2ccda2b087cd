import { pino, type Logger } from 'pino';
import { cliError } from './cli-error.ts';
import type { CliContext } from './context.ts';

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** Writes one JSON object a line to stderr. @throws CliError USAGE */
export function loggerOf({ env, stderr }: Pick<CliContext, 'env' | 'stderr'>): Logger {
  return pino(
    { level: logLevel(env) },
    {
      write: (line) => {
        stderr.document(line);
      },
    },
  );
}

function logLevel(env: CliContext['env']): string {
  const level = env['COUNTERSIGN_LOG_LEVEL'] ?? 'warn';
  if (LOG_LEVELS.some((known) => known === level)) return level;
  throw cliError('USAGE', `COUNTERSIGN_LOG_LEVEL: expected one of ${LOG_LEVELS.join(', ')}`);
}
