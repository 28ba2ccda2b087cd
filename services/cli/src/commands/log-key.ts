import type { Command } from 'commander';
import { parseVerifierKey } from '@countersign/tlog';
import { EXIT } from '../cli-error.ts';
import type { CommandParts } from '../command-parts.ts';
import type { CliContext } from '../context.ts';
import { dataFolder, requireMark } from '../data-folder.ts';
import { dataPath } from '../ledger-access.ts';
import { createNextLogKey, openLogSigners } from '../log-keys.ts';
import { Narrator } from '../narrator.ts';

interface LogKeyOptions {
  readonly data?: string;
  readonly json?: true;
}

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
