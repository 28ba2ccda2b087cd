import { setTimeout as sleep } from 'node:timers/promises';
import type { Broker } from '@countersign/broker';
import { utf8 } from '@countersign/canonical';
import type { Projector } from '@countersign/projector';
import { StoreError, type ChangeSet, type ReadModels } from '@countersign/store';
import { expect } from 'vitest';
import type { FoundedLedger } from './founded-ledger.ts';

const PAGE_RECORDS = 3;
const CAUGHT_UP_MS = 30_000;

/** A store under a projector: it counts what is taken and refused, and can hold a change set back on its way. */
export class WatchedStore {
  taken = 0;
  refused = 0;
  readonly models: ReadModels;
  #gate: Promise<void> = Promise.resolve();
  #open: () => void = () => undefined;
  #held = 0;

  constructor(models: ReadModels) {
    this.models = { ...models, apply: (changes) => this.#apply(models, changes) };
  }

  /** As SIGSTOP would right before a transaction is sent. */
  pause(): void {
    this.#gate = new Promise((resolve) => (this.#open = resolve));
  }

  get isHolding(): boolean {
    return this.#held > 0;
  }

  goOn(): void {
    this.#open();
  }

  async #apply(models: ReadModels, changes: ChangeSet): Promise<void> {
    this.#held += 1;
    await this.#gate;
    this.#held -= 1;
    try {
      await models.apply(changes);
      this.taken += 1;
    } catch (error) {
      if (error instanceof StoreError && error.code === 'STORE_MOVED') this.refused += 1;
      throw error;
    }
  }
}

/** Gives few records at a time, so that a log is many change sets. */
export function pagedBroker(broker: Broker): Broker {
  return {
    append: (...given) => broker.append(...given),
    read: (tp, from, max) => broker.read(tp, from, Math.min(max, PAGE_RECORDS)),
    waitBeyond: (...given) => broker.waitBeyond(...given),
    end: (...given) => broker.end(...given),
    erase: (...given) => broker.erase(...given),
    close: () => broker.close(),
  };
}

/** A log with something of everything that changes read models. */
export async function fillLog(at: FoundedLedger, bindings: number): Promise<void> {
  for (let n = 0; n < bindings; n += 1) {
    const bound = await at.bind();
    if (n % 2 === 0) await at.use(bound);
    if (n % 3 === 0) {
      await at.ask('erasure', bound.actionId, at.parties.erasureFrame(bound.actionId));
    }
    await at.ask('use', '', utf8(`{"nobody":"${n}"}`));
  }
  await at.decide(await at.admit(), { verdict: 'deny' });
}

export interface Racer {
  readonly projector: Projector;
  readonly running: Promise<void>;
}

export function startRacers(at: FoundedLedger, stores: readonly ReadModels[]): Racer[] {
  return stores.map((store) => {
    const projector = at.newProjector(store, pagedBroker(at.broker));
    const running = projector.run();
    running.catch(() => undefined);
    return { projector, running };
  });
}

export async function stopRacers(racers: readonly Racer[]): Promise<void> {
  for (const { projector } of racers) projector.stop();
  for (const { running } of racers) await running;
}

/** What the ledger's own projector has made of the log, alone, once it has read all of it. */
export async function expectSameRows(at: FoundedLedger, store: ReadModels): Promise<void> {
  const size = at.writer.status.acceptedSize;
  expect(await at.projector.waitForStored(size, CAUGHT_UP_MS)).toBe(true);
  await expect
    .poll(async () => (await store.dump()) === (await at.store.dump()), { timeout: CAUGHT_UP_MS })
    .toBe(true);
}

/**
 * Projectors race over one log into one store; one is paused within its work, is passed by the others, and is too late
 * when it wakes. The end is what one alone makes of it.
 */
export async function expectRaceToEndAsOne(
  at: FoundedLedger,
  stores: readonly ReadModels[],
): Promise<void> {
  const watched = stores.map((store) => new WatchedStore(store));
  const [first] = watched;
  if (first === undefined) throw new Error('expected a store');
  await fillLog(at, 4);
  first.pause();
  const racers = startRacers(
    at,
    watched.map(({ models }) => models),
  );
  await expect.poll(() => first.isHolding, { timeout: CAUGHT_UP_MS }).toBe(true);
  await fillLog(at, 4);
  await expectSameRows(at, first.models);
  expect([first.taken, first.refused]).toEqual([0, 0]);
  first.goOn();
  await expect.poll(() => first.refused, { timeout: CAUGHT_UP_MS }).toBeGreaterThan(0);
  await fillLog(at, 4);
  await expectSameRows(at, first.models);
  // Those that lost a race stood back: nobody repeats what another one does.
  const taken = watched.reduce((sum, one) => sum + one.taken, 0);
  const refused = watched.reduce((sum, one) => sum + one.refused, 0);
  expect(taken).toBeGreaterThan(20);
  expect(refused).toBeLessThan(taken / 2);
  await sleep(0);
  await stopRacers(racers);
  for (const { projector } of racers) expect(projector.status.state).toBe('stopped');
}
