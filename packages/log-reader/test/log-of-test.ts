import { generateKeyPairSync, sign, verify, createPublicKey } from 'node:crypto';
import { canonicalText, utf8, type VerifySignature } from '@countersign/canonical';
import {
  CompactRange,
  formatCheckpoint,
  formatVerifierKey,
  hashLeaf,
  signNote,
  type NoteSigner,
} from '@countersign/tlog';
import { encodeLogRecord, type Batch } from '@countersign/wire';

export const ORIGIN = 'countersign.test/log';

export const verifySignature: VerifySignature = ({ publicKey, message, signature }) => {
  const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
  return verify(null, message, key, signature);
};

export function signer(name: string = ORIGIN): NoteSigner {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const spki = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }));
  return {
    name,
    vkey: formatVerifierKey({ name, algorithm: 'ed25519', publicKey: spki }),
    sign: (message) => Promise.resolve(new Uint8Array(sign(null, message, privateKey))),
  };
}

/** The records of a log topic, as a writer makes them, and as somebody else might. */
export class LogOfTest {
  readonly key: NoteSigner = signer();
  readonly range: CompactRange = CompactRange.empty();
  readonly values: Uint8Array[] = [];

  /** The next batch of these entries; or what the overrides make of it. Not yet in the log. */
  batch(entries: readonly string[], more: Partial<Batch> = {}): Uint8Array {
    const after = this.range.clone();
    for (const entry of entries) after.append(hashLeaf(utf8(entry)));
    return encodeLogRecord({
      kind: 'batch',
      origin: ORIGIN,
      sizeBefore: this.range.size,
      rootBefore: this.range.root(),
      sizeAfter: after.size,
      rootAfter: after.root(),
      intakeOffsetAfter: after.size,
      epoch: '01ARZ3NDEKTSV4RRFFQ69G5FAV',
      rulesVersion: 1,
      entries: entries.map((entry) => utf8(entry)),
      ...more,
    });
  }

  push(value: Uint8Array): void {
    this.values.push(value);
  }

  grow(...entries: string[]): void {
    this.push(this.batch(entries));
    for (const entry of entries) this.range.append(hashLeaf(utf8(entry)));
  }

  async note(
    head: { size: number; root: Uint8Array } = { size: this.range.size, root: this.range.root() },
    key: NoteSigner = this.key,
  ): Promise<string> {
    return signNote(formatCheckpoint({ origin: ORIGIN, ...head }), [key]);
  }

  async seal(...parts: Parameters<LogOfTest['note']>): Promise<void> {
    const note = await this.note(...parts);
    const size = parts[0]?.size ?? this.range.size;
    this.push(encodeLogRecord({ kind: 'checkpoint', size, note }));
  }
}

const DIGEST = `sha256:${'0'.repeat(64)}`;

/** An entry that changes the authority, as if persons had bound it. */
export function change(effect: Record<string, string | number>): string {
  const action = canonicalText({ params: { change: effect } });
  return canonicalText({
    v: 'countersign.entry.v1',
    type: 'authority-changed',
    at: '2026-11-22T16:00:00.000Z',
    tenant: 'acme',
    change: { change: 'bound', action, binding: DIGEST, binding_index: 1 },
    previous: { index: 0, leaf: DIGEST, root: DIGEST },
    authority_root: DIGEST,
  });
}
