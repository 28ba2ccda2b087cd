import { isUlid } from '@countersign/canonical';
import { cliError } from './cli-error.ts';
import { requireMark } from './data-folder.ts';
import type { LedgerAccess } from './ledger-access.ts';

/** For the option that names a person. @throws CliError USAGE */
export function personParser(option: string): (text: string) => string {
  return (text) => {
    if (/^prs_/.test(text) && isUlid(text.slice('prs_'.length))) return text;
    const expected = 'expected the id of a person, like prs_01JD3ZQ5Y0W9V8X7T6S5R4Q3P2';
    throw cliError('USAGE', `${option}: ${expected}`);
  };
}

/** Who founded the ledger of the data folder; `option` names somebody else. @throws CliError USAGE */
export async function founderOf(
  { folder }: Pick<LedgerAccess, 'folder'>,
  option: string,
): Promise<string> {
  if (folder === undefined) throw cliError('USAGE', `expected ${option} together with --url`);
  return (await requireMark(folder)).founder;
}
