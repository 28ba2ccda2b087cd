import { openPostgresStore, type PostgresStore } from '@countersign/store-postgres';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { FoundedLedger } from '../support/founded-ledger.ts';
import { dropSchema, newSchema } from '../support/postgres/scratch-schema.ts';
import {
  expectRaceToEndAsOne,
  expectSameRows,
  fillLog,
  startRacers,
  stopRacers,
} from '../support/projector-race.ts';

const url = inject('postgresUrl');
const RACERS = 3;

let schema: string;
let ledger: FoundedLedger;
let stores: PostgresStore[] = [];

beforeEach(async () => {
  schema = newSchema();
  ledger = await FoundedLedger.create();
  ledger.start();
  // All at once, and the tables are not there yet.
  stores = await Promise.all(
    Array.from({ length: RACERS }, () => openPostgresStore({ url, schema })),
  );
});

afterEach(async () => {
  await Promise.all(stores.map((store) => store.close()));
  await ledger.discard();
  await dropSchema(url, schema);
});

describe('several projectors of one log on PostgreSQL', () => {
  it('end with the rows that one alone makes, though one is paused and too late', async () => {
    await expectRaceToEndAsOne(ledger, stores);
  });

  it('end with the same rows when they race from nothing, with one stopped on the way', async () => {
    await fillLog(ledger, 8);
    const racers = startRacers(ledger, stores);
    await expect
      .poll(() => racers.some(({ projector }) => projector.status.storedSize > 3))
      .toBe(true);
    const worker = racers.findIndex(({ projector }) => projector.status.storedSize > 3);
    await stopRacers(racers.slice(worker, worker + 1));
    await fillLog(ledger, 2);
    await expectSameRows(ledger, stores[0] ?? ledger.store);
    await stopRacers(racers);
  });

  it('build again what one of them drops', async () => {
    const racers = startRacers(ledger, stores);
    await fillLog(ledger, 3);
    await expectSameRows(ledger, stores[0] ?? ledger.store);
    await stores[1]?.clear();
    await fillLog(ledger, 1);
    await expectSameRows(ledger, stores[0] ?? ledger.store);
    await stopRacers(racers);
  });
});
