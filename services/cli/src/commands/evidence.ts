import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { EXIT } from '../cli-error.ts';
import { openReader } from '../ledger-access.ts';
import type { CommandParts } from '../command-parts.ts';
import { addActionId, addReadOptions, type ClientOptions } from './access-options.ts';

export function addEvidence(program: Command, { context, end }: CommandParts): void {
  addActionId(addReadOptions(program.command('evidence')))
    .description('fetch the evidence of an action; `verify` needs nothing else but a trust file')
    .option('-o, --output <file>', 'write it there instead of to stdout')
    .addHelpText(
      'after',
      `
Examples:
  $ countersign evidence 01JD3ZQ5Y0W9V8X7T6S5R4Q3P2 -o evidence.json
  $ countersign verify evidence.json --trust countersign-data/trust.json`,
    )
    .action(async (id: string, options: ClientOptions & { readonly output?: string }) => {
      const client = await openReader(options, context);
      const text = await client.evidence(id);
      if (options.output === undefined) context.stdout.document(`${text}\n`);
      else await writeFile(resolve(context.cwd, options.output), text);
      end(EXIT.ok);
    });
}
