import { leafHash } from '@countersign/binding';
import { verifySignature } from '@countersign/crypto-node';
import { parseVerifierKey, verifyTlogProof } from '@countersign/tlog';
import { expect } from 'vitest';
import { evidenceOutcome } from './evidence-outcome.ts';
import { entryOf, type FoundedLedger } from './founded-ledger.ts';
import { actionDigestOf, entryIn } from './parties.ts';

/** From request to report, each with a receipt that verifies offline, and evidence that a stranger accepts. */
export async function expectWayOfOneAction(at: FoundedLedger): Promise<void> {
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
  expect(await evidenceOutcome(at, bound.actionId)).toMatchObject({ outcome: 'VALID' });
}
