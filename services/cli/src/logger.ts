import { activeTrace } from '@countersign/tracing';
import { pino, type Logger } from 'pino';
import { cliError } from './cli-error.ts';
import type { CliContext } from './context.ts';

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** What never stands in a line, should somebody ever log what holds it. */
const SECRET_MEMBERS = [
  'authorization',
  'cookie',
  'password',
  'token',
  'secret',
  'url',
  'link',
  'payload',
  'params',
  'rationale',
  'headers',
];
const REDACTED = SECRET_MEMBERS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);

/** Of our own errors, whose messages hold neither payloads nor secrets. */
const OWN_CODE = /^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$/;
const OWN_ERRORS: ReadonlySet<string> = new Set([
  'BrokerError',
  'CliError',
  'GatewayError',
  'LedgerError',
  'ProjectorError',
  'SignerError',
  'StoreError',
]);
const CAUSES_MAX = 4;

/** Writes one JSON object a line to stderr, with the trace that it belongs to. @throws CliError USAGE */
export function loggerOf(
  { env, stderr, version }: Pick<CliContext, 'env' | 'stderr' | 'version'>,
  service: string,
): Logger {
  return pino(
    {
      level: logLevel(env),
      base: { service, version },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
      redact: { paths: REDACTED, censor: '[redacted]' },
      serializers: { err: describedError },
      mixin: everyLine,
    },
    {
      write: (line) => {
        stderr.document(line);
      },
    },
  );
}

/**
 * What an error may say in a log: its kind, code, and where it came from. The message is told of our own errors only; that of
 * another may quote a query, an address with a password, or what somebody sent.
 */
function describedError(error: unknown): Readonly<Record<string, unknown>> {
  if (!(error instanceof Error)) return { name: typeof error };
  const { name, stack = '' } = error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const isOwn = OWN_ERRORS.has(name) && code !== undefined && OWN_CODE.test(code);
  return {
    name,
    ...(code !== undefined && { code }),
    ...(isOwn && { message: error.message }),
    at: stack
      .split('\n')
      .filter((line) => /^\s+at /.test(line))
      .slice(0, 8)
      .map((line) => line.trim()),
    causes: causesOf(error),
  };
}

function causesOf(error: Error): string[] {
  const causes: string[] = [];
  let { cause } = error;
  while (cause instanceof Error && causes.length < CAUSES_MAX) {
    causes.push('code' in cause ? `${cause.name} ${String(cause.code)}` : cause.name);
    ({ cause } = cause);
  }
  return causes;
}

/** What stands in a line unless it says otherwise. `note`: a line of a library's own. */
function everyLine(): Readonly<Record<string, string>> {
  const [, traceId, spanId] = activeTrace()?.traceparent.split('-') ?? [];
  const ids = traceId === undefined || spanId === undefined ? {} : { traceId, spanId };
  return { event: 'note', ...ids };
}

function logLevel(env: CliContext['env']): string {
  const level = env['COUNTERSIGN_LOG_LEVEL'] ?? 'warn';
  if (LOG_LEVELS.some((known) => known === level)) return level;
  throw cliError('USAGE', `COUNTERSIGN_LOG_LEVEL: expected one of ${LOG_LEVELS.join(', ')}`);
}
