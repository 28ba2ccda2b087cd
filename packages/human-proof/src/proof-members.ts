import { isJsonObject, type Json } from '@countersign/canonical';
import { HumanProofError } from './human-proof-error.ts';

const MAX_PROOF_BYTES = 3_000;

/** The members of a proof: exactly these, all of them texts, and `kind` the one that is asked for. */
export function closedTexts<const N extends string>(
  json: Json,
  kind: string,
  names: readonly N[],
): Record<N, string> {
  if (!isJsonObject(json)) {
    throw new HumanProofError('proof', 'expected a proof object');
  }
  const members = new Map(Object.entries(json));
  if (members.size !== names.length || !names.every((name) => members.has(name))) {
    throw new HumanProofError('proof', `expected exactly the members ${names.join(', ')}`);
  }
  if (members.get('kind') !== kind) {
    throw new HumanProofError('proof', `expected kind ${kind}`);
  }
  // Filled with every name in the loop.
  const texts = {} as Record<N, string>;
  for (const name of names) {
    const value = members.get(name);
    if (typeof value !== 'string') throw new HumanProofError('proof', `expected text in ${name}`);
    texts[name] = value;
  }
  return texts;
}

export function assertProofSize(proof: object): void {
  // All members are ASCII without escapes, so this is the length of the canonical bytes too.
  const size = JSON.stringify(proof).length;
  if (size <= MAX_PROOF_BYTES) return;
  throw new HumanProofError(
    'size',
    `expected a proof of at most ${MAX_PROOF_BYTES} bytes, got ${size}`,
  );
}
