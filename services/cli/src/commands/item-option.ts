import { cliError } from '../cli-error.ts';

/** Which item of a batch, from 1. @throws CliError USAGE */
export function parseItem(text: string): number {
  if (/^[1-9][0-9]?$/.test(text)) return Number(text);
  throw cliError('USAGE', '--item: expected the number of an item, from 1');
}
