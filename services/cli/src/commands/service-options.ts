import type { Command } from 'commander';
import { cliError } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { dataFolder, type DataFolder } from '../data-folder.ts';
import { dataPath } from '../ledger-access.ts';
import { Narrator } from '../narrator.ts';
import type { OpenParts } from '../open-data.ts';
import type { Listening } from '../service.ts';

export interface ServiceOptions {
  readonly data?: readonly string[];
  readonly probe?: Listening;
  readonly json?: true;
}

/** Of a process that runs a part of one or several ledgers. */
export function addServiceOptions(command: Command): Command {
  return command
    .option('--data <dir...>', 'data folder of each ledger (COUNTERSIGN_DATA_DIR)')
    .option(
      '--probe <host:port>',
      'address for /healthz, /readyz and /metrics (default none)',
      parseListening,
    )
    .option('--json', 'print JSON');
}

export function parseListening(text: string): Listening {
  const found = /^(?<host>[^\s:/]+|\[[0-9a-fA-F:]+\]):(?<port>[0-9]{1,5})$/.exec(text);
  const port = Number(found?.groups?.['port']);
  const host = found?.groups?.['host']?.replaceAll(/[[\]]/g, '');
  if (host !== undefined && port >= 1 && port <= 65_535) return { host, port };
  throw cliError('USAGE', 'expected an address like 127.0.0.1:9464');
}

export function foldersOf(
  { data }: ServiceOptions,
  context: CliContext,
): readonly [DataFolder, ...DataFolder[]] {
  const [first, ...more] = data ?? [undefined];
  return [
    dataFolder(dataPath(first === undefined ? {} : { data: first }, context)),
    ...more.map((each) => dataFolder(dataPath({ data: each ?? '' }, context))),
  ];
}

export function openParts(context: CliContext, options: ServiceOptions): OpenParts {
  return { ...context, narrator: new Narrator(context.stderr, options.json === true) };
}

/** Says that it runs, and later that it was stopped. */
export function saying(
  name: string,
  { stdout }: CliContext,
  { json }: ServiceOptions,
): {
  ready: (facts: readonly Readonly<Record<string, unknown>>[]) => void;
  stopped: (why: string) => void;
} {
  return {
    ready: (ledgers) => {
      if (json === true) stdout.json({ event: 'ready', service: name, ledgers });
      else stdout.lines(...ledgers.map((facts) => `${name}: ${Object.values(facts).join('  ')}`));
    },
    stopped: (why) => {
      if (json === true) stdout.json({ event: 'stopped', service: name, why });
      else stdout.lines(`${name}: stopped (${why})`);
    },
  };
}

export function factsOf({
  mark,
}: {
  readonly mark: { readonly tenant: string; readonly shard: number; readonly origin: string };
}): Readonly<Record<string, unknown>> {
  const { tenant, shard, origin } = mark;
  return { tenant, shard, origin };
}
