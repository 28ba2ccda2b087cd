import { canonicalBytes, type JsonObject } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import { inputDigest } from '@countersign/ledger';
import { formatCheckpoint, signNote, type NoteSigner } from '@countersign/tlog';
import { createVerifier, parseTrust, type Outcome } from '@countersign/verify';
import { encodeLogRecord } from '@countersign/wire';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { evidenceOutcome } from '../support/evidence-outcome.ts';
import { FoundedLedger, entryOf, type Bound } from '../support/founded-ledger.ts';
import { auditLog } from '../support/log-audit.ts';
import {
  adding,
  changeLogKeys,
  idOf,
  logKeyAction,
  removing,
  signedHeads,
} from '../support/log-key-rotation.ts';
import { noteSigner } from '../support/note-key.ts';
import { TENANT, actionIdOf, entryIn } from '../support/parties.ts';

let at: FoundedLedger;
let oldKey: NoteSigner;
let newKey: NoteSigner;

beforeEach(async () => {
  at = await FoundedLedger.create({ tier: 'sqlite' });
  oldKey = at.signer;
  newKey = noteSigner(at.origin);
  at.start();
});

afterEach(async () => {
  await at.discard();
});

async function restartWith(...signers: NoteSigner[]): Promise<void> {
  await at.stop();
  at.signers = signers;
  at.renewServices();
  at.start();
}

async function overlap(): Promise<void> {
  await restartWith(oldKey, newKey);
  entryOf(await changeLogKeys(at, adding(newKey)), 'authority-changed');
}

/** From the old key to the new one, as docs/cli.md tells it. */
async function rotate(): Promise<void> {
  await overlap();
  entryOf(await changeLogKeys(at, removing(oldKey)), 'authority-changed');
  await restartWith(newKey);
}

async function lastKeys(): Promise<readonly string[]> {
  return (await signedHeads(at)).at(-1)?.keys ?? [];
}

function audit(): ReturnType<typeof auditLog> {
  return auditLog(at.broker, { origin: at.origin, logKeys: [oldKey.vkey] });
}

/** As if somebody who has that key, and may write to the topic, had signed the log as it stands. */
async function publishHead(signer: NoteSigner, root?: Uint8Array): Promise<string> {
  const { size, state } = await audit();
  expect(state.size).toBe(size);
  const checkpoint = await at.store.checkpoint();
  const known = Buffer.from(checkpoint?.note.split('\n')[2] ?? '', 'base64');
  const text = formatCheckpoint({ origin: at.origin, size, root: root ?? new Uint8Array(known) });
  const note = await signNote(text, [signer]);
  const value = encodeLogRecord({ kind: 'checkpoint', size, note });
  await at.broker.append({ topic: 'log', partition: 0 }, [{ key: `checkpoint/${size}`, value }]);
  return note;
}

function verified(
  evidence: JsonObject,
  logKeys: readonly NoteSigner[],
  level: 'sealed' | 'human' = 'human',
): Promise<Outcome> {
  const trust = parseTrust(
    canonicalBytes({
      v: 'countersign.trust.v1',
      origin: at.origin,
      log_keys: logKeys.map(({ vkey }) => vkey),
      genesis: at.genesis,
      accept: { proof_classes: ['uv'], separation: ['full'], demo: false },
    }),
  );
  return createVerifier({ trust, verifySignature }).verifyFile(canonicalBytes(evidence), { level });
}

async function stored(bound: Bound): Promise<void> {
  await at.projector.waitForStored(bound.binding.index + 1, 5_000);
}

describe('the key of the log is rotated', () => {
  it('both keys sign each head while both are keys of the log, and one before and after', async () => {
    await at.bind();
    expect(await lastKeys()).toEqual([idOf(oldKey)]);
    await restartWith(oldKey, newKey);
    await at.bind();
    expect(await lastKeys()).toEqual([idOf(oldKey)]);
    const added = entryOf(await changeLogKeys(at, adding(newKey)), 'authority-changed');
    await at.bind();
    const removed = entryOf(await changeLogKeys(at, removing(oldKey)), 'authority-changed');
    await at.bind();
    await restartWith(newKey);
    await at.bind();
    for (const { size, keys } of await signedHeads(at)) {
      const expected = [
        ...(size <= removed.index ? [idOf(oldKey)] : []),
        ...(size > added.index ? [idOf(newKey)] : []),
      ];
      expect([size, keys]).toEqual([size, expected]);
    }
    const { sealedSize, size, counts } = await audit();
    expect(sealedSize).toBe(size);
    expect(counts).toMatchObject({ notValidCheckpoints: 0, unsignedCheckpoints: 0 });
  });

  it('evidence from before, within and after it is VALID for who pins the founding alone', async () => {
    const bindings = [await at.bind()];
    await stored(bindings[0] as Bound);
    expect((await at.projector.evidence(TENANT, bindings[0]?.actionId ?? ''))['v']).toBe(
      'countersign.evidence.v1',
    );
    await overlap();
    bindings.push(await at.bind());
    entryOf(await changeLogKeys(at, removing(oldKey)), 'authority-changed');
    await restartWith(newKey);
    bindings.push(await at.bind());
    for (const bound of bindings) {
      await stored(bound);
      expect(await evidenceOutcome(at, bound.actionId)).toMatchObject({ outcome: 'VALID' });
      const evidence = await at.projector.evidence(TENANT, bound.actionId);
      expect(evidence['v']).toBe('countersign.evidence.v2');
      expect(await verified(evidence, [oldKey], 'sealed')).toMatchObject({ outcome: 'VALID' });
      expect(await verified(evidence, [newKey])).toMatchObject({ outcome: 'VALID' });
    }
  });

  it('an executor that pins the founding key claims a use under the new one', async () => {
    const bound = await at.bind();
    await rotate();
    const use = entryOf(await at.use(bound), 'binding-used');
    await stored(bound);
    const trust = parseTrust(
      canonicalBytes({
        v: 'countersign.trust.v1',
        origin: at.origin,
        log_keys: [oldKey.vkey],
        genesis: at.genesis,
        accept: { proof_classes: ['uv'], separation: ['full'], demo: false },
      }),
    );
    const verifier = createVerifier({ trust, verifySignature });
    const entry = entryIn(bound.binding.text, 'binding-made');
    const claimed = {
      entry: use.text,
      receipt: use.receipt,
      binding: { entry, leaf: bound.binding.leaf },
      useId: entryIn(use.text, 'binding-used').use_id,
      nowMs: at.clock.nowMs(),
    };
    expect(await verifier.verifyUse(claimed)).toMatchObject({ code: 'LOG_KEY_UNKNOWN' });
    const evidence = await at.projector.evidence(TENANT, bound.actionId);
    await verifier.verifyFile(canonicalBytes(evidence), { level: 'human' });
    expect(await verifier.verifyUse(claimed)).toMatchObject({ outcome: 'VALID' });
  });

  it('read models are the same when they are built anew, and go on after every start', async () => {
    await at.bind();
    await rotate();
    const bound = await at.bind();
    await stored(bound);
    const before = await at.store.dump();
    await at.stop();
    const store = await at.newStore();
    const projector = at.newProjector(store);
    const running = projector.run();
    await expect.poll(() => projector.status.storedSize).toBe(bound.binding.index + 1);
    expect((await store.members('log-key')).map(({ id }) => id)).toEqual([idOf(newKey)]);
    projector.stop();
    await running;
    expect(await store.dump()).toBe(before);
    await store.close();
  });
});

describe('G07: a key that is no key of the log any more', () => {
  it('G07: signs a head after its removal: readers count it, and evidence with it is refused', async () => {
    await rotate();
    const bound = await at.bind();
    await stored(bound);
    const note = await publishHead(oldKey);
    const { counts } = await audit();
    expect(counts.notValidCheckpoints).toBe(1);
    const evidence = await at.projector.evidence(TENANT, bound.actionId);
    const { entry, receipt } = evidence['binding'] as { entry: string; receipt: string };
    const [proof = ''] = receipt.split('\n\n');
    const forged = { ...evidence, binding: { entry, receipt: `${proof}\n\n${note}` } };
    for (const level of ['sealed', 'human'] as const) {
      expect(await verified(forged, [oldKey, newKey], level)).toMatchObject({
        outcome: 'REFUSED',
        code: 'SIGNING_KEY_NOT_VALID_AT',
      });
    }
    // Nobody is stopped by it.
    await stored(await at.bind());
    expect(at.writer.status.state).toBe('running');
  });

  it('G07: signs another root of a size that is not its own: nobody is stopped by it', async () => {
    await rotate();
    await stored(await at.bind());
    await publishHead(oldKey, new Uint8Array(32).fill(7));
    await stored(await at.bind());
    expect((await audit()).counts.notValidCheckpoints).toBe(1);
  });

  it('G07: signs another root of a size that was its own: EQUIVOCATION', async () => {
    await at.bind();
    const root = new Uint8Array(32).fill(7);
    const { size } = await audit();
    const note = await signNote(formatCheckpoint({ origin: at.origin, size, root }), [oldKey]);
    await rotate();
    const value = encodeLogRecord({ kind: 'checkpoint', size, note });
    await at.broker.append({ topic: 'log', partition: 0 }, [{ key: 'checkpoint', value }]);
    await expect(audit()).rejects.toMatchObject({ code: 'EQUIVOCATION' });
  });

  it('G07: is all that a writer has: it stops and says which one it needs, and nothing is lost', async () => {
    await rotate();
    await at.stop();
    const action = at.parties.action();
    const frame = at.parties.requestFrame(action);
    await at.submit('request', actionIdOf(action), frame);
    const before = await signedHeads(at);
    await expect(at.newWriter({ signers: [oldKey] }).run()).rejects.toMatchObject({
      code: 'SIGNING_KEY_NOT_VALID_AT',
      message: expect.stringContaining(
        `expected a signer of the key ${idOf(newKey)}, got ${idOf(oldKey)}`,
      ) as string,
    });
    expect(await signedHeads(at)).toEqual(before);
    at.renewServices();
    at.start();
    const answer = await at.projector.waitForInput(inputDigest(frame), 20_000);
    if (answer === undefined) throw new Error('expected an answer');
    entryOf(answer, 'request-admitted');
  });

  it('G07: is all that a writer has when the removal comes: it stops, and one with the new key goes on', async () => {
    await overlap();
    await restartWith(oldKey);
    const asked = await at.admit(logKeyAction(at, removing(oldKey)));
    const frame = at.parties.decisionFrame(asked.admission);
    await at.submit('decision', asked.actionId, frame);
    await expect.poll(() => at.writer.status.state, { timeout: 5_000 }).toBe('stopped');
    expect(at.writer.status.code).toBe('SIGNING_KEY_NOT_VALID_AT');
    await expect(at.stop()).rejects.toMatchObject({ code: 'SIGNING_KEY_NOT_VALID_AT' });
    at.signers = [newKey];
    at.renewServices();
    at.start();
    const answer = await at.projector.waitForInput(inputDigest(frame), 20_000);
    if (answer === undefined) throw new Error('expected an answer');
    entryOf(answer, 'authority-changed');
    await at.bind();
    expect(await lastKeys()).toEqual([idOf(newKey)]);
  });

  it('G07: never comes back as a key of the log', async () => {
    await rotate();
    const answer = await at.ask('request', ...requested(logKeyAction(at, adding(oldKey))));
    expect(entryIn(entryOf(answer, 'request-refused').text, 'request-refused').code).toBe(
      'MEMBER_EXISTS',
    );
  });

  it('G07: the last key of the log is not removed: WOULD_LOCK_OUT', async () => {
    const answer = await at.ask('request', ...requested(logKeyAction(at, removing(oldKey))));
    expect(entryIn(entryOf(answer, 'request-refused').text, 'request-refused').code).toBe(
      'WOULD_LOCK_OUT',
    );
  });
});

describe('G07: a key that is no key of the log yet', () => {
  it('G07: is all that a writer has: it signs nothing', async () => {
    await at.bind();
    await at.stop();
    const before = await signedHeads(at);
    await expect(at.newWriter({ signers: [newKey] }).run()).rejects.toMatchObject({
      code: 'SIGNER_FATAL',
    });
    expect(await signedHeads(at)).toEqual(before);
  });

  it('G07: does not sign the head that makes it one without a key that was one before', async () => {
    await at.bind();
    const asked = await at.admit(logKeyAction(at, adding(newKey)));
    await at.stop();
    // A writer that dies as soon as its batch is in the log, before it has signed it.
    const silent = { ...oldKey, sign: () => new Promise<never>(() => undefined) };
    const dying = at.newWriter({ signers: [silent] });
    dying.run().catch(() => undefined);
    const frame = at.parties.decisionFrame(asked.admission);
    await at.submit('decision', asked.actionId, frame);
    await expect
      .poll(() => dying.status.acceptedSize, { timeout: 5_000 })
      .toBeGreaterThan(asked.admission.index + 3);
    await expect(at.newWriter({ signers: [newKey] }).run()).rejects.toMatchObject({
      code: 'SIGNING_KEY_NOT_VALID_AT',
      message: expect.stringContaining(`the key ${idOf(oldKey)}, got ${idOf(newKey)}`) as string,
    });
    at.signers = [oldKey];
    at.renewServices();
    at.start();
    const answer = await at.projector.waitForInput(inputDigest(frame), 20_000);
    if (answer === undefined) throw new Error('expected an answer');
    entryOf(answer, 'authority-changed');
    dying.stop();
  });
});

function requested(action: JsonObject): [actionId: string, frame: Uint8Array] {
  return [actionIdOf(action), at.parties.requestFrame(action)];
}
