import { afterEach, describe, it } from 'vitest';
import { FoundedLedger, type Tier } from '../support/founded-ledger.ts';
import { expectWayOfOneAction } from '../support/way-of-one-action.ts';

let ledger: FoundedLedger | undefined;

afterEach(async () => {
  await ledger?.discard();
  ledger = undefined;
});

describe.each<Tier>(['memory', 'sqlite'])('the way of one action over a %s broker', (tier) => {
  it('leads from request to report, each with a receipt that verifies offline', async () => {
    ledger = await FoundedLedger.create({ tier });
    ledger.start();
    await expectWayOfOneAction(ledger);
  });
});
