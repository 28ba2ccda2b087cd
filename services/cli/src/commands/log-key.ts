import type { Command } from 'commander';
import { parseVerifierKey } from '@countersign/tlog';
import { cliError, EXIT } from '../cli-error.ts';
import type { CommandParts } from '../command-parts.ts';
import type { CliContext } from '../context.ts';
import { backendsOf } from '../data-backends.ts';
import { dataFolder, requireMark } from '../data-folder.ts';
import { dataPath } from '../ledger-access.ts';
import { createNextLogKey, openLogSigners } from '../log-keys.ts';
import { Narrator } from '../narrator.ts';
import { certifyPromiseKey } from '../promise-key.ts';

interface LogKeyOptions {
  readonly data?: string;
  readonly json?: true;
}

interface PromiseOptions extends LogKeyOptions {
  readonly days: number;
}

const DAYS = 90;
const DAYS_MAX = 366;

/** Changes nothing in the log: which keys sign it is for persons to decide. */
export function addLogKey(program: Command, { context, end }: CommandParts): void {
  const logKey = program.command('log-key').description('the files of the keys that sign the log');
  const add = (name: string): Command =>
    logKey
      .command(name)
      .option('--data <dir>', 'data folder (COUNTERSIGN_DATA_DIR)')
      .option('--json', 'print one JSON object');
  add('new')
    .description('make the file of another key, and print the action that lets it sign the log')
    .addHelpText('after', '\nExample:\n  $ countersign log-key new > add-key.json')
    .action(async (options: LogKeyOptions) => {
      end(await makeKey(options, context));
    });
  add('list')
    .description('id and verifier key of each key file')
    .addHelpText('after', '\nExample:\n  $ countersign log-key list')
    .action(async (options: LogKeyOptions) => {
      end(await listKeys(options, context));
    });
  add('promises')
    .description('let a key promise arrivals for the log, for gateways that have no key of it')
    .option('--days <number>', 'for how many days', daysOf, DAYS)
    .addHelpText(
      'after',
      `
Makes keys/promises.key and keys/promises.certificate where the key of the log can be used; copy both into the data folder of
each gateway. Run it again before the time is over: the key stays.

Example:
  $ countersign log-key promises --days 90`,
    )
    .action(async (options: PromiseOptions) => {
      end(await certify(options, context));
    });
}

function daysOf(text: string): number {
  const days = /^[0-9]{1,4}$/.test(text) ? Number(text) : 0;
  if (days >= 1 && days <= DAYS_MAX) return days;
  throw cliError('USAGE', `--days: expected 1 to ${DAYS_MAX}`);
}

async function certify(options: PromiseOptions, context: CliContext): Promise<number> {
  const folder = dataFolder(dataPath(options, context));
  const mark = await requireMark(folder);
  const { origin } = mark;
  const backends = await backendsOf(folder, mark, context);
  try {
    const { nowMs } = context;
    const at = { origin, nowMs, days: options.days };
    const made = await certifyPromiseKey(folder, await backends.openSigners(), at);
    const { keyFile, certificateFile, notAfter } = made;
    new Narrator(context.stdout, options.json === true).say(
      'certified',
      `${keyFile} may promise arrivals until ${notAfter}, by ${certificateFile}`,
      { key_file: keyFile, certificate_file: certificateFile, not_after: notAfter },
    );
  } finally {
    backends.routing.close();
  }
  return EXIT.ok;
}

async function makeKey(options: LogKeyOptions, context: CliContext): Promise<number> {
  const folder = dataFolder(dataPath(options, context));
  const { origin } = await requireMark(folder);
  const { keyFile, id, vkey } = await createNextLogKey(folder, origin);
  const said = new Narrator(context.stderr, options.json === true);
  said.say('made', `made ${keyFile}; it signs nothing before the action below is approved`, {
    key_file: keyFile,
    id,
    vkey,
  });
  context.stdout.json({
    type: 'authority.logkey',
    params: { change: { kind: 'log-key-added', vkey } },
  });
  return EXIT.ok;
}

async function listKeys(options: LogKeyOptions, context: CliContext): Promise<number> {
  const folder = dataFolder(dataPath(options, context));
  const { origin } = await requireMark(folder);
  for (const { vkey } of await openLogSigners(folder, origin)) {
    const { keyIdHex: id } = parseVerifierKey(vkey);
    if (options.json === true) context.stdout.json({ id, vkey });
    else context.stdout.lines(`${id}  ${vkey}`);
  }
  return EXIT.ok;
}
