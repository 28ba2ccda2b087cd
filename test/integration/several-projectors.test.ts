import { afterEach, describe, it } from 'vitest';
import { FoundedLedger } from '../support/founded-ledger.ts';
import { expectRaceToEndAsOne } from '../support/projector-race.ts';

let ledger: FoundedLedger | undefined;

afterEach(async () => {
  await ledger?.discard();
  ledger = undefined;
});

describe('several projectors of one log on SQLite', () => {
  it('end with the rows that one alone makes, though one is paused and too late', async () => {
    ledger = await FoundedLedger.create();
    ledger.start();
    const store = await ledger.newStore();
    await expectRaceToEndAsOne(ledger, [store, store, store]);
    await store.close();
  });
});
