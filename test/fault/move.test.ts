import type { Broker, StoredRecord, TopicPartition } from '@countersign/broker';
import { verifySignature } from '@countersign/crypto-node';
import {
  Patience,
  completeMove,
  readPlace,
  takeShard,
  type ClosedLog,
  type Moved,
  type MoveOptions,
} from '@countersign/ledger';
import { encodeLogRecord, type Batch, decodeLogRecord } from '@countersign/wire';
import { afterEach, describe, expect, it } from 'vitest';
import { evidenceOutcome } from '../support/evidence-outcome.ts';
import { FoundedLedger, entryOf, type Admitted, type Bound } from '../support/founded-ledger.ts';
import { auditLog, type Audit } from '../support/log-audit.ts';
import { authorityAction } from '../support/log-key-rotation.ts';
import { successorIn } from '../support/log-successor.ts';
import { TENANT, actionIdOf } from '../support/parties.ts';
import { StepBroker, type Fate } from '../support/step-broker.ts';

const TO = 5;

let ledger: FoundedLedger | undefined;

afterEach(async () => {
  await ledger?.discard();
  ledger = undefined;
});

/** Of a ledger that has just moved: what was open, what was approved, and what nobody had decided yet. */
interface Closed {
  readonly at: FoundedLedger;
  readonly open: Admitted;
  readonly unused: Bound;
  readonly erased: Bound;
  readonly waiting: string;
}

function moveAction(
  at: FoundedLedger,
  from: number,
  to: number,
): ReturnType<typeof authorityAction> {
  return authorityAction(at, 'authority.home', { kind: 'home-moved', tenant: TENANT, from, to });
}

/** Decides the move, and lets an input come after it that nobody decides any more. */
async function closedLedger(): Promise<Closed> {
  const at = await FoundedLedger.create({ tier: 'memory' });
  ledger = at;
  at.start();
  const erased = await at.bind();
  const order = at.parties.erasureFrame(erased.actionId);
  entryOf(await at.ask('erasure', erased.actionId, order), 'content-erased');
  const open = await at.admit();
  const unused = await at.bind();
  const moving = await at.admit(moveAction(at, 0, TO));
  const moved = await at.decide(moving);
  entryOf(moved, 'authority-changed');
  const waiting = at.parties.action();
  const frame = at.parties.requestFrame(waiting);
  await at.router.submit({
    kind: 'request',
    tenant: TENANT,
    actionId: actionIdOf(waiting),
    payload: frame,
  });
  await expect(at.stop()).rejects.toMatchObject({ code: 'LOG_MOVED' });
  return { at, open, unused, erased, waiting: actionIdOf(waiting) };
}

class KeptPositions {
  readonly #kept = new Map<string, number>();

  load({ topic, partition }: TopicPartition): Promise<number> {
    return Promise.resolve(this.#kept.get(`${topic}/${partition}`) ?? 0);
  }

  save({ topic, partition }: TopicPartition, next: number): Promise<void> {
    this.#kept.set(`${topic}/${partition}`, next);
    return Promise.resolve();
  }
}

function moveOptions(at: FoundedLedger, broker: Broker, positions: KeptPositions): MoveOptions {
  const patience = new Patience({
    clock: at.clock,
    isStopped: () => false,
    onWait: () => undefined,
    onDone: () => undefined,
  });
  const { origin, signer } = at;
  const logKeys = [signer.vkey];
  return { broker, patience, origin, logKeys, verifySignature, tenant: TENANT, positions };
}

async function closedLog(options: MoveOptions, shard = 0): Promise<ClosedLog> {
  const place = await readPlace(options, shard);
  if (place.movedTo === undefined) throw new Error('expected a log that has moved');
  return place;
}

async function move(
  at: FoundedLedger,
  broker: Broker = at.broker,
  positions = new KeptPositions(),
): Promise<Moved> {
  const options = moveOptions(at, broker, positions);
  return completeMove(options, await closedLog(options));
}

async function audit(at: FoundedLedger, partition: number): Promise<Audit> {
  return auditLog(at.broker, { origin: at.origin, logKeys: [at.signer.vkey], partition });
}

async function recordsOf(at: FoundedLedger, tp: TopicPartition): Promise<StoredRecord[]> {
  return at.broker.read(tp, 0, 10_000);
}

/** Services on the new shard, with read models of their own. */
async function goOn(at: FoundedLedger): Promise<void> {
  at.shard = TO;
  at.store = await at.newStore();
  at.renewServices();
  at.start();
}

/** Everything goes on, nothing is there twice, and evidence of before and after is valid. */
async function expectWhole({ at, open, unused, erased, waiting }: Closed): Promise<void> {
  const before = await audit(at, 0);
  await goOn(at);
  const used = await at.use(unused);
  entryOf(used, 'binding-used');
  const bound = await at.decide(open);
  entryOf(bound, 'binding-made');
  const { entries, size, sealedSize, counts, state } = await audit(at, TO);
  expect(entries.slice(0, before.size)).toEqual(before.entries);
  expect(sealedSize).toBe(size);
  expect(counts).toMatchObject({
    closedBatches: 0,
    notValidCheckpoints: 0,
    unsignedCheckpoints: 0,
  });
  expect(state.action(waiting)?.status).toBe('pending');
  await at.projector.waitForStored(size, 5_000);
  for (const { actionId } of [open, unused, erased]) {
    expect(await evidenceOutcome(at, actionId)).toMatchObject({ outcome: 'VALID' });
  }
  const content = await recordsOf(at, { topic: 'content', partition: TO });
  expect(content.filter(({ key }) => key.endsWith(erased.actionId))).toEqual([]);
  // The old shard has not changed.
  expect((await audit(at, 0)).size).toBe(before.size);
}

describe('a ledger that moves to another shard', () => {
  it('goes on there with everything that was open, approved, erased or waiting', async () => {
    const closed = await closedLedger();
    expect(await move(closed.at)).toMatchObject({ wasComplete: false, inputs: 1 });
    expect(await move(closed.at)).toMatchObject({ wasComplete: true });
    await expectWhole(closed);
  });

  it('moves on again from there, and never back', async () => {
    const closed = await closedLedger();
    const { at } = closed;
    await move(at);
    await expectWhole(closed);
    const back = await at.ask('request', 'any', at.parties.requestFrame(moveAction(at, TO, 0)));
    expect(entryOf(back, 'request-refused').text).toContain('MEMBER_EXISTS');
    entryOf(await at.decide(await at.admit(moveAction(at, TO, 7))), 'authority-changed');
    await expect(at.stop()).rejects.toMatchObject({ code: 'LOG_MOVED' });
    const options = moveOptions(at, at.broker, new KeptPositions());
    await completeMove(options, await closedLog(options, TO));
    at.shard = 7;
    at.store = await at.newStore();
    at.renewServices();
    at.start();
    const { binding } = await at.bind();
    expect((await audit(at, 7)).size).toBeGreaterThan(binding.index);
    expect((await audit(at, TO)).size).toBeLessThanOrEqual(binding.index);
  });

  it('is whole after a mover was killed at each of its steps, or lost the answer to it', async () => {
    for (const fate of ['kill-before', 'kill-after', 'lose-reply', 'fail'] as const) {
      for (let step = 0; ; step += 1) {
        const closed = await closedLedger();
        const positions = new KeptPositions();
        const isStruck = await struckAt({ closed, positions, step, fate });
        await move(closed.at, closed.at.broker, positions);
        await expectWhole(closed);
        await closed.at.discard();
        ledger = undefined;
        if (!isStruck) break;
      }
    }
  }, 240_000);

  it('is whole after two movers at once, and after positions were lost', async () => {
    const closed = await closedLedger();
    await Promise.all([move(closed.at), move(closed.at)]);
    await expectWhole(closed);
  });
});

/** Runs a mover that meets its fate at that step. @returns false when it has not so many */
async function struckAt(at: {
  readonly closed: Closed;
  readonly positions: KeptPositions;
  readonly step: number;
  readonly fate: Fate;
}): Promise<boolean> {
  let steps = 0;
  let isStruck = false;
  let onStruck: () => void = () => undefined;
  const struck = new Promise<void>((resolve) => {
    onStruck = resolve;
  });
  const broker = new StepBroker(sipping(at.closed.at.broker), () => {
    const isNow = steps === at.step;
    steps += 1;
    if (!isNow) return 'go';
    isStruck = true;
    // A dead one never answers: the test goes on after what it did.
    setTimeout(onStruck, 20);
    return at.fate;
  });
  const moving = move(at.closed.at, broker, at.positions).catch(() => undefined);
  const isDeadly = at.fate.startsWith('kill');
  await Promise.race([moving, ...(isDeadly ? [struck] : [])]);
  return isStruck;
}

describe('a writer that does not know of the move', () => {
  it('in the old shard: seals what closed it, and then writes and signs nothing', async () => {
    const { at } = await closedLedger();
    const before = await recordsOf(at, { topic: 'log', partition: 0 });
    await expect(at.newWriter({ partition: 0 }).run()).rejects.toMatchObject({ code: 'LOG_MOVED' });
    await expect(at.newProjector().run()).rejects.toMatchObject({ code: 'LOG_MOVED' });
    expect(await recordsOf(at, { topic: 'log', partition: 0 })).toHaveLength(before.length);
  });

  it('C15: in the shard that was left, with an exact successor of its head: nobody accepts it', async () => {
    const closed = await closedLedger();
    const { at } = closed;
    const { size } = await audit(at, 0);
    await at.broker.append({ topic: 'log', partition: 0 }, [
      { key: 'batch/any', value: await successorIn(at.broker, 0) },
    ]);
    const { size: sizeAfter, counts } = await audit(at, 0);
    expect([sizeAfter, counts.closedBatches]).toEqual([size, 1]);
    await move(at);
    await expectWhole(closed);
  });

  it('in the new shard, before the log has arrived: does not begin', async () => {
    const { at } = await closedLedger();
    const early = at.newWriter({ partition: TO });
    await expect(early.run()).rejects.toMatchObject({ code: 'NOT_FOUNDED' });
  });

  it('C15: in a third shard, with a copy of the whole log: does not begin', async () => {
    const { at } = await closedLedger();
    await copy(at, 9);
    await expect(at.newWriter({ partition: 9 }).run()).rejects.toMatchObject({
      code: 'NOT_ITS_SHARD',
    });
  });

  it('a log that has not moved is not brought anywhere', async () => {
    const at = await FoundedLedger.create({ tier: 'memory' });
    ledger = at;
    at.start();
    await at.bind();
    const options = moveOptions(at, at.broker, new KeptPositions());
    expect(await readPlace(options, 0)).toEqual({ movedTo: undefined, home: undefined });
    await expect(readPlace(options, 1)).rejects.toMatchObject({ code: 'NOT_FOUNDED' });
  });

  it('a shard with another log on it is not moved to', async () => {
    const { at } = await closedLedger();
    const [founding] = await recordsOf(at, { topic: 'log', partition: 0 });
    const batch = batchIn(founding);
    const value = encodeLogRecord({ ...batch, origin: 'countersign.test/another/5' });
    await at.broker.append({ topic: 'log', partition: TO }, [{ key: 'batch/0', value }]);
    await expect(move(at)).rejects.toMatchObject({ code: 'SHARD_TAKEN' });
  });

  it('a shard that was taken for it is nobody else’s, and only the beginning of its log', async () => {
    const { at } = await closedLedger();
    const options = moveOptions(at, at.broker, new KeptPositions());
    await takeShard(options, { from: 0, to: TO });
    await takeShard(options, { from: 0, to: TO });
    expect(await audit(at, TO)).toMatchObject({ size: 1, sealedSize: 0 });
    const other = { ...options, origin: 'countersign.test/another/3' };
    await expect(takeShard(other, { from: 3, to: TO })).rejects.toMatchObject({
      code: 'SHARD_TAKEN',
    });
    await move(at);
    expect((await audit(at, TO)).size).toBe((await audit(at, 0)).size);
    await expect(takeShard(options, { from: TO, to: 0 })).rejects.toMatchObject({
      code: 'SHARD_TAKEN',
    });
  });

  it('a head that nobody has signed yet is not moved', async () => {
    const { at } = await closedLedger();
    const records = await recordsOf(at, { topic: 'log', partition: 0 });
    for (const { key, value } of records.slice(0, -1)) {
      if (value !== null) await at.broker.append({ topic: 'log', partition: 8 }, [{ key, value }]);
    }
    const at8 = moveOptions(at, shifted(at.broker, 8), new KeptPositions());
    await expect(readPlace(at8, 0)).rejects.toMatchObject({ code: 'NOT_SEALED' });
  });
});

/** Reads little at a time, so that what is copied goes in many steps. */
function sipping(broker: Broker): Broker {
  return { ...shifted(broker), read: (tp, from, max) => broker.read(tp, from, Math.min(max, 6)) };
}

/** The same broker, with another partition of the log in the place of the first. */
function shifted(broker: Broker, partition?: number): Broker {
  const of = (tp: TopicPartition): TopicPartition =>
    partition === undefined ? tp : { ...tp, partition };
  return {
    append: (tp, records) => broker.append(of(tp), records),
    read: (tp, from, max) => broker.read(of(tp), from, max),
    end: (tp) => broker.end(of(tp)),
    waitBeyond: (tp, offset, timeoutMs) => broker.waitBeyond(of(tp), offset, timeoutMs),
    erase: (topic, key) => broker.erase(topic, key),
    close: () => broker.close(),
  };
}

async function copy(at: FoundedLedger, partition: number): Promise<void> {
  for (const { key, value } of await recordsOf(at, { topic: 'log', partition: 0 })) {
    if (value !== null) await at.broker.append({ topic: 'log', partition }, [{ key, value }]);
  }
}

function batchIn(record: StoredRecord | undefined): Batch {
  const batch = record?.value ? decodeLogRecord(record.value) : undefined;
  if (batch?.kind !== 'batch') throw new Error('expected a batch');
  return batch;
}
