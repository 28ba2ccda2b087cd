import type { Command } from 'commander';
import { pino } from 'pino';
import { printBanner, readyFacts } from '../banner.ts';
import { cliError, EXIT } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { dataFolder, readMark } from '../data-folder.ts';
import { dataPath } from '../ledger-access.ts';
import { Narrator } from '../narrator.ts';
import { openData } from '../open-data.ts';
import type { CommandParts } from '../command-parts.ts';
import { assertPortFree, Server } from '../server.ts';
import {
  addFoundingOptions,
  assertSameFounding,
  foundingChoice,
  portOf,
  type FoundingOptions,
} from './founding-options.ts';

interface ServeOptions extends FoundingOptions {
  readonly host: string;
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

export function addServe(program: Command, { context, end }: CommandParts): void {
  addFoundingOptions(program.command('serve'))
    .description('run the whole ledger in this process; founds it on the first start')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .addHelpText(
      'after',
      `
Logs go to stderr as JSON, from the level in COUNTERSIGN_LOG_LEVEL on (default warn). Ctrl-C stops it; starting again
goes on where it was.

Examples:
  $ countersign serve
  $ countersign serve --data ./my-ledger --port 8420
  $ countersign serve --demo --data /tmp/demo`,
    )
    .action(async (options: ServeOptions) => {
      end(await serve(options, context));
    });
}

async function serve(options: ServeOptions, context: CliContext): Promise<number> {
  const { nowMs, randomBytes, version, stdout, stderr } = context;
  const logger = pino(
    { level: logLevel(context) },
    {
      write: (line) => {
        stderr.document(line);
      },
    },
  );
  const folder = dataFolder(dataPath(options, context));
  const mark = await readMark(folder);
  const port = portOf(options, mark);
  const { host } = options;
  if (mark === undefined) await assertPortFree({ host, port });
  else assertSameFounding(options, mark);
  const data = await openData(folder, {
    choice: foundingChoice(options),
    narrator: new Narrator(stderr, options.json === true),
    nowMs,
    randomBytes,
  });
  const server = await Server.start({ data, host, port, version, logger, nowMs, randomBytes });
  if (options.json === true) {
    stdout.json({ event: 'ready', ...readyFacts(data) });
  } else {
    await printBanner(data, context);
  }
  const stop = async (why: string): Promise<void> => {
    await server.stop();
    if (options.json === true) {
      stdout.json({ event: 'stopped', why });
      return;
    }
    stdout.lines(
      `Stopped (${why}). Everything acknowledged is kept; \`${context.command} serve\` goes on from here.`,
    );
  };
  if (context.interrupted.aborted) {
    await stop('interrupted while it started');
    return EXIT.ok;
  }
  context.closeWith(stop);
  try {
    return await server.failed;
  } finally {
    // Only reached when a part has given up.
    await server.stop();
  }
}

function logLevel({ env }: CliContext): string {
  const level = env['COUNTERSIGN_LOG_LEVEL'] ?? 'warn';
  if (LOG_LEVELS.some((known) => known === level)) return level;
  throw cliError('USAGE', `COUNTERSIGN_LOG_LEVEL: expected one of ${LOG_LEVELS.join(', ')}`);
}
