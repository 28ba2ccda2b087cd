import { afterEach, describe, expect, it } from 'vitest';
import { MemoryBroker } from '@countersign/broker';
import { newUlid, verifySignature } from '@countersign/crypto-node';
import { CLOCK_JUMP_MS, found, inputDigest, runTicker } from '@countersign/ledger';
import { formatCheckpoint, signNote } from '@countersign/tlog';
import { encodeLogRecord } from '@countersign/wire';
import { FoundedLedger, entryOf } from '../support/founded-ledger.ts';
import { auditLog } from '../support/log-audit.ts';
import { noteSigner } from '../support/note-key.ts';
import { TENANT, actionIdOf, commandPolicy, entryIn } from '../support/parties.ts';

let ledger: FoundedLedger | undefined;

afterEach(async () => {
  await ledger?.discard();
  ledger = undefined;
});

async function created(): Promise<FoundedLedger> {
  ledger = await FoundedLedger.create();
  return ledger;
}

/** A log that was grown to some size, and its head. */
async function grown(): Promise<{ at: FoundedLedger; size: number; root: Uint8Array }> {
  const at = await created();
  at.start();
  await at.bind();
  await at.projector.waitForStored(at.writer.status.acceptedSize, 5_000);
  const size = at.projector.status.storedSize;
  const root = await at.projector.proofs.rootAt(size);
  if (root === undefined) throw new Error('expected a root');
  await at.stop();
  return { at, size, root };
}

/** The first records of a log on a broker of its own, as after a restore from an old backup. */
async function truncated(at: FoundedLedger, records: number): Promise<MemoryBroker> {
  const tp = { topic: 'log', partition: 0 } as const;
  const broker = new MemoryBroker({ clock: () => at.clock.nowMs() });
  for (const { key, value } of await at.broker.read(tp, 0, records)) {
    await broker.append(tp, [{ key, value: value ?? new Uint8Array() }]);
  }
  return broker;
}

describe('a writer refuses to start', () => {
  it('on a log that was never founded', async () => {
    const at = await created();
    const broker = new MemoryBroker({ clock: () => at.clock.nowMs() });
    await expect(at.newWriter({ broker }).run()).rejects.toMatchObject({ code: 'NOT_FOUNDED' });
  });

  it('on a log that is shorter than a head it knows', async () => {
    const { at, size, root } = await grown();
    const broker = await truncated(at, 2);
    const writer = at.newWriter({ broker, pinnedHead: { size, root } });
    await expect(writer.run()).rejects.toMatchObject({ code: 'LOG_ROLLBACK' });
    expect(writer.status).toMatchObject({ state: 'stopped', code: 'LOG_ROLLBACK' });
  });

  it('on a log that was rolled back and has grown again', async () => {
    const { at, size, root } = await grown();
    const broker = await truncated(at, 2);
    const sound = at.broker;
    at.broker = broker;
    at.renewServices();
    const writer = at.newWriter();
    const running = writer.run();
    for (let n = 0; n < size; n += 1) {
      const action = at.parties.action();
      await at.submit('request', actionIdOf(action), at.parties.requestFrame(action));
    }
    await expect.poll(() => writer.status.sealedSize, { timeout: 5_000 }).toBeGreaterThan(size);
    writer.stop();
    await running;
    const pinned = at.newWriter({ pinnedHead: { size, root } });
    await expect(pinned.run()).rejects.toMatchObject({ code: 'LOG_ROLLBACK' });
    at.broker = sound;
  });

  it('on a log with the pinned head in it, at the end of a batch or within one, never', async () => {
    const { at, size, root } = await grown();
    for (const pinnedHead of [
      { size, root },
      { size: 1, root: (await at.projector.proofs.rootAt(1)) ?? root },
      { size: size - 1, root: (await at.projector.proofs.rootAt(size - 1)) ?? root },
    ]) {
      const writer = at.newWriter({ pinnedHead });
      const running = writer.run();
      await expect.poll(() => writer.status.state, { timeout: 5_000 }).toBe('running');
      writer.stop();
      await running;
    }
  });

  it('C14: on an intake that ends before what was decided, in which new inputs would be passed over', async () => {
    const { at } = await grown();
    const broker = await truncated(at, 1_000);
    const writer = at.newWriter({ broker });
    await expect(writer.run()).rejects.toMatchObject({ code: 'INTAKE_ROLLBACK' });
    expect(writer.status).toMatchObject({ state: 'stopped', code: 'INTAKE_ROLLBACK' });
  });

  it('on the log of somebody else', async () => {
    const at = await created();
    const genesis = `sha256:${'00'.repeat(32)}`;
    await expect(at.newWriter({ genesis }).run()).rejects.toMatchObject({ code: 'FOREIGN_LEDGER' });
    const { vkey } = noteSigner(at.origin);
    await expect(at.newWriter({ logKeys: [vkey] }).run()).rejects.toMatchObject({
      code: 'FOREIGN_LEDGER',
    });
  });

  it('with the key of another log', async () => {
    const at = await created();
    const signer = noteSigner(at.origin);
    await expect(at.newWriter({ signers: [signer] }).run()).rejects.toMatchObject({
      code: 'SIGNER_FATAL',
    });
    const audit = await auditLog(at.broker, { origin: at.origin, logKeys: [at.signer.vkey] });
    expect(audit.sealedSize).toBe(0);
  });

  it('on a log from the future', async () => {
    const at = await created();
    const clock = { nowMs: () => Date.now() - 2 * CLOCK_JUMP_MS, sleep: () => Promise.resolve() };
    await expect(at.newWriter({ clock }).run()).rejects.toMatchObject({ code: 'CLOCK_JUMP' });
  });
});

describe('a writer stops', () => {
  it('when the time of the broker jumps', async () => {
    const at = await created();
    const real = { nowMs: () => Date.now(), sleep: (ms: number) => at.clock.sleep(ms) };
    const writer = at.newWriter({ clock: real });
    const running = writer.run();
    await expect.poll(() => writer.status.state, { timeout: 5_000 }).toBe('running');
    at.clock.forward(2 * CLOCK_JUMP_MS);
    const action = at.parties.action();
    await at.submit('request', actionIdOf(action), at.parties.requestFrame(action));
    await expect(running).rejects.toMatchObject({ code: 'CLOCK_JUMP' });
    const audit = await auditLog(at.broker, { origin: at.origin, logKeys: [at.signer.vkey] });
    expect(audit.size).toBe(1);
  });

  it('when it finds two heads of one size signed by the log key', async () => {
    const { at } = await grown();
    const text = formatCheckpoint({ origin: at.origin, size: 1, root: new Uint8Array(32).fill(7) });
    const note = await signNote(text, [at.signer]);
    const value = encodeLogRecord({ kind: 'checkpoint', size: 1, note });
    await at.broker.append({ topic: 'log', partition: 0 }, [{ key: 'checkpoint/1', value }]);
    await expect(at.newWriter().run()).rejects.toMatchObject({ code: 'EQUIVOCATION' });
    await expect(at.newProjector(await at.newStore()).run()).rejects.toMatchObject({
      code: 'EQUIVOCATION',
    });
  });
});

describe('while the signer is away', () => {
  it('nothing binds, the wait is visible, and nothing is lost', async () => {
    const at = await created();
    let isAway = false;
    const signer = {
      ...at.signer,
      sign: (message: Uint8Array) =>
        isAway
          ? Promise.reject(Object.assign(new Error('away'), { code: 'KMS_UNAVAILABLE' }))
          : at.signer.sign(message),
    };
    at.writer = at.newWriter({ signers: [signer] });
    at.start();
    const asked = await at.admit();
    isAway = true;
    const frame = at.parties.decisionFrame(asked.admission);
    await at.submit('decision', asked.actionId, frame);
    await expect.poll(() => at.writer.status.state, { timeout: 5_000 }).toBe('waiting-signer');
    expect(at.writer.status.code).toBe('KMS_UNAVAILABLE');
    expect(await at.projector.waitForInput(inputDigest(frame), 200)).toBeUndefined();
    isAway = false;
    const answer = await at.projector.waitForInput(inputDigest(frame), 10_000);
    if (answer === undefined) throw new Error('expected an answer');
    entryOf(answer, 'binding-made');
    expect(at.writer.status.state).toBe('running');
  });

  it('a stop does not wait for it', async () => {
    const at = await created();
    const signer = { ...at.signer, sign: () => Promise.reject(new Error('away')) };
    const writer = at.newWriter({ signers: [signer] });
    const running = writer.run();
    await expect.poll(() => writer.status.state, { timeout: 5_000 }).toBe('waiting-signer');
    writer.stop();
    await running;
    expect(writer.status.state).toBe('stopped');
  });
});

describe('an idle ledger', () => {
  it('expires what is due by a tick, and names nobody', async () => {
    ledger = await FoundedLedger.create({ policy: commandPolicy({ decide_within_s: 10 }) });
    const at = ledger;
    at.start();
    let isStopped = false;
    const ticking = runTicker({
      broker: at.broker,
      clock: at.clock,
      partition: 0,
      nextDeadlineMs: () => at.writer.nextDeadlineMs,
      isStopped: () => isStopped,
    });
    const asked = await at.admit();
    at.clock.forward(10_001);
    const since = asked.admission.index;
    const { actionId } = asked;
    await at.projector.waitForAction({ tenant: TENANT, actionId, since }, 10_000);
    expect(await at.store.action(TENANT, actionId)).toMatchObject({ status: 'expired' });
    const [last] = (await at.store.entriesOf(TENANT, actionId)).slice(-1);
    const entry = entryIn(Buffer.from(last?.bytes ?? []).toString(), 'request-expired');
    expect(JSON.stringify(entry)).not.toContain('prs_');
    const late = await at.decide(asked);
    expect(entryOf(late, 'decision-refused').text).toContain('"code":"EXPIRED"');
    isStopped = true;
    await ticking;
  });
});

describe('founding', () => {
  it('is done once, whoever tries again', async () => {
    const at = await created();
    const again = await found({
      broker: at.broker,
      entry: at.parties.founding([at.signer.vkey]),
      epoch: newUlid(Date.now()),
      verifySignature,
    });
    expect(again).toEqual({ genesis: at.genesis, isNew: false });
  });
});
