import { verifySignature } from '@countersign/crypto-node';
import { inputDigest } from '@countersign/ledger';
import { openKmsSigner } from '@countersign/signer-kms';
import { FakeKms, kmsException } from '@countersign/signer-kms/testing';
import { parseVerifierKey, verifyNote } from '@countersign/tlog';
import { decodeLogRecord } from '@countersign/wire';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FoundedLedger, entryOf, type Admitted } from '../support/founded-ledger.ts';
import { auditLog } from '../support/log-audit.ts';
import { expectRotation } from '../support/log-key-rotation.ts';
import { actionIdOf } from '../support/parties.ts';

const ALIAS = 'alias/ledger';
const REQUEST_TIMEOUT_MS = 200;
const SOON = { timeout: 10_000 };

let kms: FakeKms;
let keyId: string;
let ledger: FoundedLedger;

beforeEach(async () => {
  kms = new FakeKms();
  keyId = kms.createKey('ECC_NIST_EDWARDS25519');
  kms.pointAlias(ALIAS, keyId);
  ledger = await FoundedLedger.create({
    openSigner: (name) =>
      openKmsSigner({ keyId: ALIAS, name, client: kms, timeoutMs: REQUEST_TIMEOUT_MS }),
  });
  ledger.start();
});

afterEach(async () => {
  await ledger.discard();
});

/** Its batch gets into the log, which needs no signer; what follows from it needs one. */
async function decided(asked: Admitted): Promise<Uint8Array> {
  const frame = ledger.parties.decisionFrame(asked.admission);
  await ledger.submit('decision', asked.actionId, frame);
  return frame;
}

async function boundAfter(frame: Uint8Array): Promise<void> {
  const answer = await ledger.projector.waitForInput(inputDigest(frame), 20_000);
  if (answer === undefined) throw new Error('expected an answer');
  entryOf(answer, 'binding-made');
}

interface Published {
  /** Checkpoints in the log topic. */
  readonly notes: readonly string[];
  readonly bindings: number;
}

async function published(): Promise<Published> {
  const records = await ledger.broker.read({ topic: 'log', partition: 0 }, 0, 1_000);
  const decoded = records.flatMap(({ value }) => (value === null ? [] : decodeLogRecord(value)));
  return {
    notes: decoded.flatMap((record) => (record.kind === 'checkpoint' ? record.note : [])),
    bindings: decoded.filter(({ kind }) => kind === 'binding').length,
  };
}

/** Every note in the log verifies with the key of the founding, and the log is whole. */
async function assertOnlyOurKey(): Promise<void> {
  const verifier = parseVerifierKey(ledger.signer.vkey);
  for (const note of (await published()).notes) {
    const { verified, unverified } = await verifyNote(note, [verifier], verifySignature);
    expect([verified.length, unverified.length]).toEqual([1, 0]);
  }
  await auditLog(ledger.broker, { origin: ledger.origin, logKeys: [ledger.signer.vkey] });
}

describe('G08: KMS is', () => {
  it.each<[string, string, () => void]>([
    [
      'throttled',
      'SIGNER_THROTTLED',
      () => (kms.failure = () => kmsException('ThrottlingException', 400)),
    ],
    [
      'down',
      'SIGNER_UNAVAILABLE',
      () => (kms.failure = () => Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })),
    ],
    [
      'out of order',
      'SIGNER_UNAVAILABLE',
      () => (kms.failure = () => kmsException('KMSInternalException', 500)),
    ],
    ['slow', 'SIGNER_TIMEOUT', () => (kms.delayMs = 60_000)],
  ])('G08: %s: nothing binds, requests wait, the status says %s', async (_, code, fail) => {
    const asked = await ledger.admit();
    const before = await published();
    fail();
    const frame = await decided(asked);
    await expect.poll(() => ledger.writer.status.state, SOON).toBe('waiting-signer');
    expect(ledger.writer.status.code).toBe(code);
    expect(await ledger.projector.waitForInput(inputDigest(frame), 500)).toBeUndefined();
    // Asked again and again, with pauses that grow, and by nobody else.
    const asksBefore = kms.signRequests;
    await expect.poll(() => kms.signRequests, SOON).toBeGreaterThan(asksBefore);
    expect(kms.signRequests).toBeLessThan(40);
    expect(await published()).toEqual(before);
    kms.failure = undefined;
    kms.delayMs = 0;
    await boundAfter(frame);
    expect(ledger.writer.status).toMatchObject({ state: 'running' });
    expect((await published()).bindings).toBe(before.bindings + 1);
    await assertOnlyOurKey();
  });
});

describe('G07: the key of the log is', () => {
  it.each<[string, string, () => void]>([
    [
      'disabled',
      'SIGNER_KEY_STATE',
      () => {
        kms.setState(keyId, 'Disabled');
      },
    ],
    [
      'about to be deleted',
      'SIGNER_KEY_STATE',
      () => {
        kms.setState(keyId, 'PendingDeletion');
      },
    ],
    [
      'taken away from the ledger',
      'SIGNER_DENIED',
      () => (kms.failure = () => kmsException('AccessDeniedException', 400)),
    ],
    [
      'replaced: another key answers',
      'SIGNER_SIGNATURE',
      () => (kms.impostor = kms.createKey('ECC_NIST_EDWARDS25519')),
    ],
    [
      'right, and its signature is wrong',
      'SIGNER_SIGNATURE',
      () => (kms.tamper = (signature) => signature.with(0, (signature[0] ?? 0) ^ 1)),
    ],
  ])('G07: %s: the ledger stops, and nothing unverified leaves it', async (_, code, fail) => {
    const asked = await ledger.admit();
    const before = await published();
    fail();
    const frame = await decided(asked);
    await expect.poll(() => ledger.writer.status.state, SOON).toBe('stopped');
    expect(ledger.writer.status.code).toBe('SIGNER_FATAL');
    expect(await published()).toEqual(before);
    await expect(ledger.stop()).rejects.toMatchObject({ code: 'SIGNER_FATAL', cause: { code } });
    // Put right, and nothing was lost by it.
    kms.setState(keyId, 'Enabled');
    kms.failure = undefined;
    kms.impostor = undefined;
    kms.tamper = undefined;
    ledger.renewServices();
    ledger.start();
    await boundAfter(frame);
    expect((await published()).bindings).toBe(before.bindings + 1);
    await assertOnlyOurKey();
  });

  it('G07: rotated behind its alias: the old one signs on, and a start with the new one is refused', async () => {
    kms.pointAlias(ALIAS, kms.createKey('ECC_NIST_EDWARDS25519'));
    await ledger.bind();
    await ledger.stop();
    const before = await published();
    const signer = await openKmsSigner({ keyId: ALIAS, name: ledger.origin, client: kms });
    expect(signer.vkey).not.toBe(ledger.signer.vkey);
    // Whatever the configuration says, the log names its keys itself.
    const logKeys = [signer.vkey];
    await expect(ledger.newWriter({ signers: [signer], logKeys }).run()).rejects.toMatchObject({
      code: 'FOREIGN_LEDGER',
    });
    const action = ledger.parties.action();
    await ledger.submit('request', actionIdOf(action), ledger.parties.requestFrame(action));
    await expect(ledger.newWriter({ signers: [signer] }).run()).rejects.toMatchObject({
      code: 'SIGNER_FATAL',
    });
    expect((await published()).notes).toEqual(before.notes);
    await assertOnlyOurKey();
  });

  it('G07: rotated by persons: both sign, then the new one alone, and the old one is refused', async () => {
    const newId = kms.createKey('ECC_NIST_EDWARDS25519');
    const newSigner = await openKmsSigner({ keyId: newId, name: ledger.origin, client: kms });
    await expectRotation(ledger, newSigner);
    // Whatever becomes of the old key now, the ledger does not need it.
    kms.setState(keyId, 'PendingDeletion');
    await ledger.bind();
    expect(ledger.writer.status.state).toBe('running');
  });
});
