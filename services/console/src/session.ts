import { digestOf, fromHex, type Json } from '@countersign/canonical';
import { objectIn, objectOf, textIn } from './answer-json.ts';
import { deleteAt, getJson, postJson } from './api.ts';
import { ConsoleError } from './console-error.ts';
import type { Signer } from './decision.ts';
import { assertPasskey } from './passkey.ts';
import { ServerProblem } from './server-problem.ts';

const UNAUTHORIZED = 401;

/** Undefined when nobody is signed in. */
export async function currentSigner(): Promise<Signer | undefined> {
  try {
    return signerOf(await getJson('/v1/session'));
  } catch (error) {
    if (isSignedOut(error)) return undefined;
    throw error;
  }
}

export function isSignedOut(error: unknown): boolean {
  return error instanceof ServerProblem && error.status === UNAUTHORIZED;
}

/**
 * Signs in with any passkey of this site that its person chooses.
 *
 * @throws ServerProblem, ConsoleError PASSKEY_CANCELLED, PASSKEY_UNAVAILABLE, GENESIS_MISMATCH
 */
export async function signIn(ledger: string, rpId: string): Promise<Signer> {
  const statement = objectIn(objectOf(await postJson('/v1/session/options', {})), 'statement');
  // A signature for another ledger could be used there.
  if (textIn(statement, 'ledger') !== ledger) {
    throw new ConsoleError('GENESIS_MISMATCH', 'expected to sign in to the pinned ledger');
  }
  const digest = digestOf('countersign/session/v1', statement);
  const challenge = fromHex(digest.slice('sha256:'.length));
  const proof = await assertPasskey({ challenge, rpId });
  return signerOf(await postJson('/v1/session', { statement, proof: { ...proof } }));
}

export async function signOut(): Promise<void> {
  await deleteAt('/v1/session');
}

function signerOf(json: Json): Signer {
  const from = objectOf(json);
  return { person: textIn(from, 'person'), credential: textIn(from, 'credential') };
}
