import { openCheckpoint, type OpenedCheckpoint } from './checkpoint.ts';
import { TlogError } from './error.ts';
import type { VerifySignature } from './signature-check.ts';
import { parseVerifierKey, type NoteVerifier } from './verifier-key.ts';

/** Which heads a key of a log may sign. */
export interface KeySpan {
  readonly vkey: string;
  /** The smallest size. */
  readonly from: number;
  /** The largest size; null while it is a key of the log. */
  readonly until: number | null;
}

interface KnownKey {
  readonly span: KeySpan;
  readonly verifier: NoteVerifier;
}

/**
 * The keys of a log over all its sizes: schemas/formats/authority.md §8. A value: changes make a new one.
 */
export class KeyHistory {
  readonly #keys: readonly KnownKey[];

  private constructor(keys: readonly KnownKey[]) {
    this.#keys = keys;
  }

  /** @throws TlogError `VKEY_FORMAT` */
  static of(spans: readonly KeySpan[]): KeyHistory {
    return new KeyHistory(spans.map((span) => ({ span, verifier: parseVerifierKey(span.vkey) })));
  }

  /** Keys that may sign every head. @throws TlogError `VKEY_FORMAT` */
  static founding(vkeys: readonly string[]): KeyHistory {
    return KeyHistory.of(vkeys.map((vkey) => ({ vkey, from: 0, until: null })));
  }

  get spans(): readonly KeySpan[] {
    return this.#keys.map(({ span }) => span);
  }

  /** With a key that the entry at this index adds: it may sign the heads that hold that entry. @throws TlogError `VKEY_FORMAT` */
  with(vkey: string, index: number): KeyHistory {
    const span = { vkey, from: index + 1, until: null };
    return new KeyHistory([...this.#keys, { span, verifier: parseVerifierKey(vkey) }]);
  }

  /** Without the key that the entry at this index removes: it may sign no head that holds that entry. */
  without(keyIdHex: string, index: number): KeyHistory {
    return new KeyHistory(
      this.#keys.map((key) => {
        const isIt = key.verifier.keyIdHex === keyIdHex && key.span.until === null;
        return isIt ? { ...key, span: { ...key.span, until: index } } : key;
      }),
    );
  }

  /** The keys that may sign a head of this size, of those that were keys of the log at size `knownAt` already. */
  validAt(size: number, knownAt: number = size): readonly NoteVerifier[] {
    return this.#keys
      .filter(({ span }) => span.from <= Math.min(size, knownAt) && size <= (span.until ?? size))
      .map(({ verifier }) => verifier);
  }

  /** Whether this was a key of the log at any size. */
  knows(vkey: string): boolean {
    return this.#keys.some(({ span }) => span.vkey === vkey);
  }

  get verifiers(): readonly NoteVerifier[] {
    return this.#keys.map(({ verifier }) => verifier);
  }
}

export interface HistoricTrust {
  readonly origin: string;
  readonly keys: KeyHistory;
  readonly verifySignature: VerifySignature;
  /** Counts only keys that were keys of the log at this size; all of them unless given. */
  readonly knownAt?: number;
  /** Whose cosignatures are looked at; none unless given. */
  readonly witnesses?: readonly NoteVerifier[];
}

/**
 * Opens a signed checkpoint as `openCheckpoint` does, and requires that one of the keys that signed it may sign a head of its size.
 *
 * @throws TlogError as `openCheckpoint`; `SIGNING_KEY_NOT_VALID_AT` when keys of the log have signed it, and none that may
 */
export async function openCheckpointAt(
  note: string,
  trust: HistoricTrust,
): Promise<OpenedCheckpoint> {
  const { origin, keys, verifySignature, witnesses = [] } = trust;
  const verifiers = [...keys.verifiers, ...witnesses];
  const opened = await openCheckpoint(note, { origin, verifiers, verifySignature });
  const valid = keys.validAt(opened.size, trust.knownAt);
  const isValid = opened.signers.some(({ verifier: { vkey } }) =>
    valid.some((key) => key.vkey === vkey),
  );
  if (isValid) return opened;
  throw new TlogError(
    'SIGNING_KEY_NOT_VALID_AT',
    `size ${opened.size}: expected a signature by ${keyIds(valid)}, got one by ${keyIds(logSigners(opened))}`,
  );
}

function logSigners({ signers }: OpenedCheckpoint): NoteVerifier[] {
  return signers.map(({ verifier }) => verifier).filter(({ type }) => type !== 4);
}

/** Key ids for a message. */
export function keyIds(keys: readonly { readonly keyIdHex: string }[]): string {
  return keys.length === 0 ? 'no key' : keys.map(({ keyIdHex }) => keyIdHex).join(' or ');
}
