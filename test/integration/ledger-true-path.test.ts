import { afterEach, describe, expect, it } from 'vitest';
import { leafHash } from '@countersign/binding';
import { parseVerifierKey, verifyTlogProof } from '@countersign/tlog';
import { verifySignature } from '@countersign/crypto-node';
import { FoundedLedger, entryOf, type Tier } from '../support/founded-ledger.ts';
import { actionDigestOf, entryIn } from '../support/parties.ts';

let ledger: FoundedLedger | undefined;

afterEach(async () => {
  await ledger?.discard();
  ledger = undefined;
});

async function started(tier: Tier): Promise<FoundedLedger> {
  ledger = await FoundedLedger.create({ tier });
  ledger.start();
  return ledger;
}

describe.each<Tier>(['memory', 'sqlite'])('the way of one action over a %s broker', (tier) => {
  it('leads from request to report, each with a receipt that verifies offline', async () => {
    const at = await started(tier);
    const bound = await at.bind();
    const use = entryOf(await at.use(bound), 'binding-used');
    const report = await at.ask(
      'report',
      bound.actionId,
      at.parties.reportFrame(use, actionDigestOf(bound.action)),
    );
    const entries = [
      bound.admission,
      bound.decision,
      bound.binding,
      use,
      entryOf(report, 'execution-reported'),
    ];
    for (const { leaf, index, receipt } of entries) {
      const proven = await verifyTlogProof({
        text: receipt,
        leafHash: leafHash(leaf),
        origin: at.origin,
        verifiers: [parseVerifierKey(at.signer.vkey)],
        verifySignature,
      });
      expect(proven.index).toBe(index);
    }
    expect(entryIn(bound.binding.text, 'binding-made').action_id).toBe(bound.actionId);
    await at.projector.waitForStored(6, 5_000);
    const row = await at.store.action('acme', bound.actionId);
    expect(row).toMatchObject({ status: 'used', uses: 1, result: 'succeeded' });
  });
});
