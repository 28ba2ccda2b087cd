import { SHARD_MAX } from '@countersign/binding';
import { cliError } from './cli-error.ts';

/** Reads the option that names a shard. @throws CliError USAGE */
export function parseShard(text: string): number {
  const shard = Number(text);
  if (/^[0-9]{1,5}$/.test(text) && shard <= SHARD_MAX) return shard;
  throw cliError('USAGE', `expected a shard from 0 to ${SHARD_MAX}`);
}
