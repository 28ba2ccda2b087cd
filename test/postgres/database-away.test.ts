import { setTimeout as sleep } from 'node:timers/promises';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import { StoreView } from '@countersign/projector';
import { openPostgresStore, type PostgresStore } from '@countersign/store-postgres';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { evidenceOutcome } from '../support/evidence-outcome.ts';
import { FoundedLedger, entryOf } from '../support/founded-ledger.ts';
import { startLocalPostgres, type LocalPostgres } from '../support/postgres/local-postgres.ts';
import { newSchema } from '../support/postgres/scratch-schema.ts';
import {
  expectSameRows,
  fillLog,
  startRacers,
  stopRacers,
  type Racer,
} from '../support/projector-race.ts';

const WAIT_MS = 30_000;

/** Of our own: it is stopped and killed. */
let server: LocalPostgres;
let ledger: FoundedLedger;
let stores: PostgresStore[] = [];
let racers: Racer[] = [];

beforeAll(async () => {
  server = await startLocalPostgres();
});

afterAll(async () => {
  await server.stop();
});

beforeEach(async () => {
  const schema = newSchema();
  ledger = await FoundedLedger.create();
  ledger.start();
  stores = await Promise.all([1, 2].map(() => openPostgresStore({ url: server.url, schema })));
});

afterEach(async () => {
  await stopRacers(racers);
  racers = [];
  await Promise.all(stores.map((store) => store.close()));
  await ledger.discard();
});

async function askUntil(stopped: AbortSignal): Promise<void> {
  while (!stopped.aborted) await ledger.bind();
}

describe.each(['down', 'crash'] as const)('a database that goes away (%s)', (how) => {
  it('is waited for in the middle of a projection, visibly, and nothing is lost or doubled', async () => {
    await fillLog(ledger, 6);
    racers = startRacers(ledger, stores);
    const sizes = (): number[] => racers.map(({ projector }) => projector.status.storedSize);
    await expect.poll(() => Math.max(...sizes()), { interval: 1 }).toBeGreaterThan(3);
    await server[how]();
    const { status } = racers[0]?.projector ?? ledger.projector;
    expect(status.state).not.toBe('stopped');
    await fillLog(ledger, 2);
    await expect
      .poll(() => racers.map(({ projector }) => projector.status), { timeout: WAIT_MS })
      .toMatchObject([1, 2].map(() => ({ state: 'waiting-store', code: 'STORE_UNAVAILABLE' })));
    await server.up();
    // No moment is idle, so that the one that comes second stores nothing, and yet is as ready as the other.
    const busy = new AbortController();
    const asking = askUntil(busy.signal);
    await expect
      .poll(() => racers.map(({ projector }) => projector.status.state), { timeout: WAIT_MS })
      .toEqual(['following', 'following']);
    busy.abort();
    await asking;
    const [store = ledger.store] = stores;
    await expectSameRows(ledger, store);
  });

  it('leaves those who wait at a view in their places', async () => {
    const [projected, store] = stores;
    if (projected === undefined || store === undefined) throw new Error('expected two stores');
    racers = startRacers(ledger, [projected]);
    const view = new StoreView({
      ...{ store, signal: store, origin: ledger.origin, descriptors: BUILTIN_DESCRIPTORS },
    });
    const viewing = view.run();
    const asked = await ledger.admit();
    expect(await view.waitForStored(asked.admission.index + 1, WAIT_MS)).toBe(true);
    const { index: since } = asked.admission;
    const news = view.waitForAction({ tenant: 'acme', actionId: asked.actionId, since }, WAIT_MS);
    await server[how]();
    await expect
      .poll(() => view.status, { timeout: WAIT_MS })
      .toMatchObject({ state: 'waiting-store', code: 'STORE_UNAVAILABLE' });
    // Who comes meanwhile waits too, and what is asked for at once is refused at once.
    const size = view.waitForStored(since + 3, WAIT_MS);
    const late = view.waitForAction({ tenant: 'acme', actionId: asked.actionId, since }, WAIT_MS);
    await expect(view.evidence('acme', asked.actionId)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
    });
    const answer = await ledger.decide(asked);
    const { index } = entryOf(answer, 'binding-made');
    await sleep(300);
    await server.up();
    expect(await news).toBeGreaterThan(since);
    expect(await late).toBeGreaterThan(since);
    expect(await size).toBe(true);
    expect(await view.waitForStored(index + 1, WAIT_MS)).toBe(true);
    // The content is on a topic of its own, and may come a moment later.
    await expect
      .poll(() => evidenceOutcome(ledger, asked.actionId, view), { timeout: WAIT_MS })
      .toMatchObject({ outcome: 'VALID' });
    view.stop();
    await viewing;
  });
});
