import { resolve } from 'node:path';
import { verifySignature } from '@countersign/crypto-node';
import { openCheckpoint, TlogError, type OpenedCheckpoint } from '@countersign/tlog';
import type { Trust } from '@countersign/verify';
import type { Command } from 'commander';
import { CliError, cliError, EXIT } from '../cli-error.ts';
import type { CommandParts } from '../command-parts.ts';
import type { CliContext } from '../context.ts';
import { readGivenFile, readTrust } from '../ledger-access.ts';

interface CompareOptions {
  readonly trust: string;
  readonly json?: true;
}

export function addCompare(command: Command, { context, end }: CommandParts): void {
  command
    .description('whether two signed heads prove that the log’s key has signed two logs')
    .argument('<note>', 'signed note of a head')
    .argument('<other>', 'another one of the same size')
    .requiredOption('--trust <file>', 'trust file: what you pin')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Opens no network connection and no data folder. Exit codes: 0 they are the same head, 1 EQUIVOCATION.

Example:
  $ countersign log compare one.note other.note --trust trust.json`,
    )
    .action(async (one: string, other: string, options: CompareOptions) => {
      await compare([one, other], options, context);
      end(EXIT.ok);
    });
}

/** @throws CliError EQUIVOCATION, CHECKPOINT_INVALID, USAGE */
async function compare(
  paths: readonly [string, string],
  options: CompareOptions,
  { cwd, stdout }: CliContext,
): Promise<void> {
  const trust = await readTrust(resolve(cwd, options.trust));
  const one = await opened(resolve(cwd, paths[0]), trust);
  const other = await opened(resolve(cwd, paths[1]), trust);
  const { size } = one;
  if (other.size !== size) {
    throw cliError('USAGE', `expected two heads of one size, got ${size} and ${other.size}`, {
      hint: 'heads of different sizes prove something with a consistency proof only: `countersign log consistency`',
    });
  }
  if (Buffer.compare(one.root, other.root) !== 0) {
    throw new CliError('EQUIVOCATION', `two signed heads of size ${size} with different roots`, {
      hint: 'the key of this log has signed both: keep the two notes',
    });
  }
  if (options.json === true) stdout.json({ outcome: 'VALID', size });
  else stdout.lines(`both are the head of size ${size}`);
}

async function opened(path: string, trust: Trust): Promise<OpenedCheckpoint> {
  const note = Buffer.from(await readGivenFile(path, 'signed note')).toString('utf8');
  const { origin, logKeys: verifiers } = trust;
  try {
    return await openCheckpoint(note, { origin, verifiers, verifySignature });
  } catch (error) {
    if (!(error instanceof TlogError)) throw error;
    throw new CliError('CHECKPOINT_INVALID', `${path}: ${error.message}`, { cause: error });
  }
}
