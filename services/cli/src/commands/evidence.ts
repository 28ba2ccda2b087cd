import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { shellWord } from '../banner.ts';
import { cliError, EXIT, isSystemError } from '../cli-error.ts';
import { openReader } from '../ledger-access.ts';
import { Narrator } from '../narrator.ts';
import type { CommandParts } from '../command-parts.ts';
import { addActionId, addReadOptions, type ClientOptions } from './access-options.ts';

interface EvidenceOptions extends ClientOptions {
  readonly output?: string;
  readonly force?: true;
  readonly level: 'human' | 'witnessed';
}

export function addEvidence(program: Command, { context, end }: CommandParts): void {
  addActionId(addReadOptions(program.command('evidence')))
    .description('fetch the evidence of an action; `verify` needs nothing else but a trust file')
    .option('-o, --output <file>', 'write it there instead of to stdout')
    .option('--force', 'write over a file that is there already')
    .addOption(
      new Option(
        '--level <level>',
        'witnessed: under a head that a quorum of witnesses has cosigned; waits for one a few seconds',
      )
        .choices(['human', 'witnessed'])
        .default('human'),
    )
    .addHelpText(
      'after',
      `
Examples:
  $ countersign evidence 01JD3ZQ5Y0W9V8X7T6S5R4Q3P2 -o evidence.json
  $ countersign verify evidence.json --trust countersign-data/trust.json`,
    )
    .action(async (id: string, options: EvidenceOptions) => {
      const client = await openReader(options, context);
      const text = await client.evidence(id, options.level);
      if (options.output === undefined) {
        context.stdout.document(`${text}\n`);
      } else {
        const path = resolve(context.cwd, options.output);
        await writeEvidence(path, text, options.force === true);
        const words = `the evidence of ${id} is in ${path}`;
        new Narrator(context.stderr, options.json === true).say('written', words, { path });
      }
      end(EXIT.ok);
    });
}

/** Evidence that somebody kept may be all that is left of it. @throws CliError FILE_EXISTS, DIRECTORY_NOT_FOUND */
async function writeEvidence(path: string, text: string, mayReplace: boolean): Promise<void> {
  try {
    await writeFile(path, text, { flag: mayReplace ? 'w' : 'wx' });
  } catch (error) {
    if (isSystemError(error, 'EEXIST')) {
      throw cliError('FILE_EXISTS', `expected no file at ${path}`, {
        cause: error,
        hint: `to write over it: --output ${shellWord(path)} --force`,
      });
    }
    if (!isSystemError(error, 'ENOENT', 'ENOTDIR')) throw error;
    throw cliError('DIRECTORY_NOT_FOUND', `expected a folder for --output at ${path}`, {
      cause: error,
    });
  }
}
