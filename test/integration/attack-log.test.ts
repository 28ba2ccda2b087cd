import { afterEach, describe, expect, it } from 'vitest';
import {
  decisionChallenge,
  leafHash,
  parseEntry,
  rationaleDigest,
  type Entry,
} from '@countersign/binding';
import { MemoryBroker, type Broker } from '@countersign/broker';
import {
  DIGEST_TAGS,
  canonicalBytes,
  digestOf,
  sha256,
  toHex,
  utf8,
  type Json,
  type JsonObject,
} from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import { verifyAssertion } from '@countersign/human-proof';
import {
  CompactRange,
  hashLeaf,
  parseVerifierKey,
  verifyConsistency,
  verifyTlogProof,
} from '@countersign/tlog';
import { decodeLogRecord, encodeLogRecord, type Batch } from '@countersign/wire';
import { FoundedLedger, entryOf, type Bound } from '../support/founded-ledger.ts';
import { evidenceOutcome } from '../support/evidence-outcome.ts';
import { filesHolding } from '../support/file-scan.ts';
import { auditLog, type Audit } from '../support/log-audit.ts';
import { TENANT, WEB_ORIGIN, actionDigestOf } from '../support/parties.ts';

let ledger: FoundedLedger | undefined;

afterEach(async () => {
  await ledger?.discard();
  ledger = undefined;
});

async function started(): Promise<FoundedLedger> {
  ledger = await FoundedLedger.create({ tier: 'sqlite' });
  ledger.start();
  return ledger;
}

async function audited(at: FoundedLedger, broker: Broker = at.broker): Promise<Audit> {
  return auditLog(broker, { origin: at.origin, logKeys: [at.signer.vkey] });
}

async function stored(at: FoundedLedger): Promise<void> {
  expect(await at.projector.waitForStored(at.writer.status.acceptedSize, 10_000)).toBe(true);
}

/** The log with one thing done to its records, as an operator with the database open could. */
async function tampered(
  at: FoundedLedger,
  change: (values: Uint8Array[]) => Uint8Array[],
): Promise<Broker> {
  const tp = { topic: 'log', partition: 0 } as const;
  const records = await at.broker.read(tp, 0, 1_000);
  const broker = new MemoryBroker({ clock: () => at.clock.nowMs() });
  for (const value of change(records.map((record) => record.value ?? new Uint8Array()))) {
    await broker.append(tp, [{ key: 'log', value }]);
  }
  return broker;
}

function batchOf(value: Uint8Array | undefined): Batch {
  const record = value === undefined ? undefined : decodeLogRecord(value);
  if (record?.kind !== 'batch') throw new Error('expected a batch');
  return record;
}

/** Where the batch with the entry of this index stands. */
function placeOf(values: readonly Uint8Array[], index: number): number {
  return values.findIndex((value) => {
    const record = decodeLogRecord(value);
    return record.kind === 'batch' && record.sizeBefore <= index && index < record.sizeAfter;
  });
}

/** One letter of one entry, so that the text stays an entry. */
function edited(batch: Batch): Batch {
  const [first, ...rest] = batch.entries;
  const text = new TextDecoder().decode(first);
  const other = text.replace(/"at":"20(..)/, (_, year: string) => `"at":"20${Number(year) - 1}`);
  expect(other).not.toBe(text);
  return { ...batch, entries: [utf8(other), ...rest] };
}

/** The same with the root that it really has: what an operator writes who knows the format. */
function rerooted(batch: Batch, before: readonly Uint8Array[]): Batch {
  const range = CompactRange.empty();
  for (const entry of before) range.append(hashLeaf(entry));
  for (const entry of batch.entries) range.append(hashLeaf(entry));
  return { ...batch, rootAfter: range.root() };
}

describe('G01: an operator who rewrites the log', () => {
  const BAD = 3;
  const cases: readonly [string, string, (values: Uint8Array[]) => Uint8Array[]][] = [
    [
      'edits an old entry',
      'LOG_ROLLBACK',
      (values) => {
        const at = placeOf(values, BAD);
        return values.with(at, encodeLogRecord(edited(batchOf(values[at]))));
      },
    ],
    [
      'edits an old entry, and its root with it',
      'EQUIVOCATION',
      (values) => {
        const at = placeOf(values, BAD);
        const before = values
          .slice(0, at)
          .map((value) => decodeLogRecord(value))
          .flatMap((record) => (record.kind === 'batch' ? record.entries : []));
        return values.with(at, encodeLogRecord(rerooted(edited(batchOf(values[at])), before)));
      },
    ],
    ['deletes an old batch', 'LOG_ROLLBACK', (values) => values.toSpliced(placeOf(values, BAD), 1)],
    [
      'inserts an entry',
      'LOG_ROLLBACK',
      (values) => {
        const at = placeOf(values, BAD);
        const batch = batchOf(values[at]);
        const extra = { ...batch, entries: [...batch.entries, utf8('{}')] };
        return values.with(at, encodeLogRecord({ ...extra, sizeAfter: batch.sizeAfter + 1 }));
      },
    ],
    [
      'puts two batches into another order',
      'LOG_ROLLBACK',
      (values) => {
        const [one, two] = [placeOf(values, BAD), placeOf(values, BAD + 2)];
        const [first, second] = [values[one], values[two]];
        if (first === undefined || second === undefined) throw new Error('expected two batches');
        return values.with(one, second).with(two, first);
      },
    ],
  ];

  it.each(cases)(
    'G01: %s: the audit ends with %s at the first bad index',
    async (_, code, change) => {
      const at = await started();
      for (let n = 0; n < 3; n += 1) await at.decide(await at.admit(), { verdict: 'deny' });
      await at.stop();
      expect((await audited(at)).sealedSize).toBe(10);
      const batch = batchOf(
        (await at.broker.read({ topic: 'log', partition: 0 }, 0, 1_000))
          .map(({ value }) => value ?? new Uint8Array())
          .find((value, index, all) => index === placeOf(all, BAD) && value.length > 0),
      );
      const broker = await tampered(at, change);
      const failing = audited(at, broker);
      await expect(failing).rejects.toMatchObject({ code });
      // What is before that index still adds up; what comes from there on does not.
      const named = code === 'EQUIVOCATION' ? batch.sizeAfter : batch.sizeBefore;
      await expect(failing).rejects.toThrow(new RegExp(`(ends at|size) ${named}\\b`));
      await expect(at.newWriter({ broker }).run()).rejects.toMatchObject({ code });
    },
  );

  it('G03: rolls it back and grows it again, with the real key: the old head and the old receipts say so', async () => {
    const at = await started();
    const kept = await at.bind();
    await stored(at);
    const size = at.projector.status.storedSize;
    const fromRoot = await at.projector.proofs.rootAt(size);
    await at.stop();
    const { broker } = at;
    at.broker = await tampered(at, (values) => values.slice(0, 2));
    at.renewServices();
    at.projector = at.newProjector(await at.newStore());
    at.start();
    while (at.writer.status.sealedSize <= size) await at.admit();
    await stored(at);
    const to = at.projector.status.storedSize;
    const toRoot = await at.projector.proofs.rootAt(to);
    if (fromRoot === undefined || toRoot === undefined) throw new Error('expected both roots');
    const proof = await at.projector.proofs.consistency(size, to);
    expect(() => {
      verifyConsistency({ from: size, to, fromRoot, toRoot, proof });
    }).toThrow(expect.objectContaining({ code: 'PROOF_ROOT' }) as Error);
    const pinned = at.newWriter({ pinnedHead: { size, root: fromRoot } });
    await expect(pinned.run()).rejects.toMatchObject({ code: 'LOG_ROLLBACK' });
    const receipt = await at.projector.proofs.receipt(kept.binding.index);
    await expect(proven(at, kept.binding.leaf, receipt)).rejects.toMatchObject({
      code: 'PROOF_ROOT',
    });
    await broker.close();
  });
});

async function proven(at: FoundedLedger, leaf: `sha256:${string}`, receipt: string): Promise<void> {
  await verifyTlogProof({
    text: receipt,
    leafHash: leafHash(leaf),
    origin: at.origin,
    verifiers: [parseVerifierKey(at.signer.vkey)],
    verifySignature,
  });
}

/** Every passkey assertion in the log, against the key that the log itself has enrolled. */
async function provenHumans(at: FoundedLedger, entries: readonly Entry[]): Promise<number> {
  let count = 0;
  for (const entry of entries) {
    if (entry.type !== 'decision-accepted' && entry.type !== 'binding-revoked') continue;
    const people = [at.parties.owner, at.parties.alice, at.parties.bob];
    const person = people.find(({ id }) => id === entry.statement.person);
    if (person === undefined) throw new Error('expected a founder');
    const { proof } = entry;
    if (proof.kind !== 'webauthn') throw new Error('expected passkeys alone');
    await verifyAssertion(
      proof,
      {
        challenge: decisionChallenge(entry.statement),
        origins: [WEB_ORIGIN],
        rpIds: ['localhost'],
        credential: person.passkey.credentialKey,
        requireUserVerification: true,
      },
      verifySignature,
    );
    count += 1;
  }
  return count;
}

describe('G14: an erasure', () => {
  it('G14: takes the content, and every receipt and every human proof still verifies', async () => {
    const at = await started();
    const marker = 'the-name-of-a-patient-0123456789';
    const params = (at.parties.action()['params'] ?? {}) as JsonObject;
    const action = at.parties.action({ params: { ...params, argv: ['open', marker] } });
    const bound: Bound = await at.bind(action);
    const used = entryOf(await at.use(bound), 'binding-used');
    const report = at.parties.reportFrame(used, actionDigestOf(bound.action));
    await at.ask('report', bound.actionId, report);
    await at.decide(bound, { person: at.parties.bob, verdict: 'revoke', text: `for ${marker}` });
    await stored(at);
    expect(await filesHolding(at.folder, marker)).not.toEqual([]);
    const order = at.parties.erasureFrame(bound.actionId);
    entryOf(await at.ask('erasure', bound.actionId, order), 'content-erased');
    await stored(at);
    const { entries } = await audited(at);
    expect(entries.map(({ type }) => type)).toEqual([
      'ledger-founded',
      'request-admitted',
      'decision-accepted',
      'binding-made',
      'binding-used',
      'execution-reported',
      'binding-revoked',
      'content-erased',
    ]);
    const rows = await at.store.entries(0, 100);
    const receipts = await at.projector.proofs.receipts(rows.map(({ index }) => index));
    for (const [place, row] of rows.entries()) {
      expect(parseEntry(row.bytes).type).toBe(row.type);
      await proven(at, row.leaf as `sha256:${string}`, receipts[place] ?? '');
    }
    expect(rows).toHaveLength(entries.length);
    expect(await provenHumans(at, entries)).toBe(2);
    const outcome = await evidenceOutcome(at, bound.actionId);
    expect(outcome).toMatchObject({ outcome: 'VALID', facts: { is_content_erased: true } });
    await at.stop();
    expect(await filesHolding(at.folder, marker)).toEqual([]);
  });
});

const ZERO_SALT = 'A'.repeat(22);

/** Every digest that a reader of the log could compute for a guess, without knowing its salt. */
function guessesOf(guess: Json): string[] {
  return [
    ...DIGEST_TAGS.map((tag) => digestOf(tag, guess)),
    `sha256:${toHex(sha256(canonicalBytes(guess)))}`,
    `sha256:${toHex(sha256(utf8(typeof guess === 'string' ? guess : '')))}`,
  ];
}

describe('G15: a dictionary', () => {
  it('G15: tried on every digest of the log finds neither the action nor the reason; with the salt it does', async () => {
    const at = await started();
    const words = [
      'ok',
      'yes',
      'fine',
      'checked',
      'looks good',
      'approved',
      'checked with the team',
    ];
    const asked = await at.admit();
    await at.decide(asked, { text: 'ok' });
    const { entries } = await audited(at);
    const digests = new Set(JSON.stringify(entries).match(/sha256:[0-9a-f]{64}/g));
    expect(digests.size).toBeGreaterThan(10);
    const guesses = words.flatMap((text) => [
      ...guessesOf(text),
      ...guessesOf({ text }),
      rationaleDigest({ text, salt: ZERO_SALT }),
    ]);
    // Whoever knows all of the action but its nonce, which is its salt, does not recognise it either.
    const known = { ...asked.action };
    const { nonce, ...bare } = known;
    guesses.push(...guessesOf(bare), ...guessesOf({ ...bare, nonce: ZERO_SALT }));
    guesses.push(...guessesOf(known['params'] ?? null));
    expect(guesses.filter((digest) => digests.has(digest))).toEqual([]);
    expect(nonce).not.toBe(ZERO_SALT);
    expect(digests.has(actionDigestOf(known))).toBe(true);
    await stored(at);
    const content = await at.store.content(TENANT, asked.actionId);
    const salt = content.find(({ kind }) => kind === 'rationale')?.salt ?? '';
    const informed = words.filter((text) => digests.has(rationaleDigest({ text, salt })));
    expect(informed).toEqual(['ok']);
  });
});
