import { resolve } from 'node:path';
import { grantDigest } from '@countersign/binding';
import { CanonicalError, fromUtf8, type Json, type JsonObject } from '@countersign/canonical';
import { readBounded } from './bounded-file.ts';
import { cliError } from './cli-error.ts';
import type { CliContext } from './context.ts';

const FILE_BYTES_MAX = 65_536;

/**
 * An action with the chain of a file: one token a line, outermost first. Who acts for whom it says itself, in acting_for; only
 * the digest of each link is put in.
 *
 * @throws CliError USAGE
 */
export async function withDelegation(
  action: JsonObject,
  file: string,
  { cwd }: Pick<CliContext, 'cwd'>,
): Promise<JsonObject> {
  const tokens = (await textOf(resolve(cwd, file), file))
    .split(/\s+/)
    .filter((each) => each !== '');
  const named = action['acting_for'];
  if (!Array.isArray(named) || named.length !== tokens.length || 'delegation' in action) {
    throw cliError(
      'USAGE',
      `the action: expected acting_for with ${tokens.length} elements, one for each token, and no delegation`,
    );
  }
  const linked = (named as Json[]).map((each, index) => ({
    ...(each as JsonObject),
    grant_digest: grantDigest(tokens[index] ?? ''),
  }));
  return { ...action, acting_for: linked, delegation: tokens };
}

async function textOf(path: string, file: string): Promise<string> {
  try {
    const bytes = await readBounded(path, FILE_BYTES_MAX);
    if (bytes !== undefined) return fromUtf8(bytes);
  } catch (error) {
    if (!(error instanceof CanonicalError)) throw error;
  }
  throw cliError('USAGE', `${file}: expected tokens, one a line`);
}
