import { isUlid } from '@countersign/canonical';
import { cliError } from './cli-error.ts';
import { requireMark } from './data-folder.ts';
import type { LedgerAccess } from './ledger-access.ts';

/** Of an option that names a person. @throws CliError USAGE */
export function parsePerson(text: string): string {
  if (/^prs_/.test(text) && isUlid(text.slice('prs_'.length))) return text;
  throw cliError('USAGE', 'expected the id of a person, like prs_01JD3ZQ5Y0W9V8X7T6S5R4Q3P2');
}

/** Who founded the ledger of the data folder. @throws CliError USAGE */
export async function founderOf({ folder }: Pick<LedgerAccess, 'folder'>): Promise<string> {
  if (folder === undefined) throw cliError('USAGE', 'expected the person together with --url');
  return (await requireMark(folder)).founder;
}
