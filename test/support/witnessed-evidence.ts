import { canonicalText } from '@countersign/canonical';
import type { Projector } from '@countersign/projector';
import { expect } from 'vitest';
import type { FoundedLedger } from './founded-ledger.ts';
import { TENANT } from './parties.ts';

type View = Pick<Projector, 'evidence' | 'waitForCosigned'>;

/** Evidence at level witnessed is under a cosigned head alone, and who waits for one is told; `view` is the projector, or one of its store. */
export async function expectWitnessedEvidence(
  at: FoundedLedger,
  view: View,
  noteCosigned: (size: number) => void,
): Promise<void> {
  const { actionId, binding } = await at.bind();
  const size = binding.index + 1;
  expect(await at.projector.waitForStored(size, 5_000)).toBe(true);
  const isRefused = { code: 'NOT_WITNESSED' };
  await expect(view.evidence(TENANT, actionId, 'witnessed')).rejects.toMatchObject(isRefused);
  const waiting = view.waitForCosigned(size, 10_000);
  const note = await cosign(at, size);
  noteCosigned(size);
  expect(await waiting).toBe(size);
  // A longer log has a newer head, under which evidence is as ever.
  await at.bind();
  expect(await at.projector.waitForStored(size + 3, 5_000)).toBe(true);
  const head = JSON.stringify(note).slice(1, -1);
  const texts = await Promise.all(
    (['witnessed', 'human'] as const).map(async (level) =>
      canonicalText(await view.evidence(TENANT, actionId, level)),
    ),
  );
  expect(texts.map((text) => text.includes(head))).toEqual([true, false]);
  expect(await view.waitForCosigned(size + 1, 0)).toBeUndefined();
}

async function cosign(at: FoundedLedger, size: number): Promise<string> {
  const head = await at.store.checkpoint(size);
  if (head?.size !== size) throw new Error('expected a head of the binding');
  const cosignature = Buffer.alloc(4 + 8 + 64, 7).toString('base64');
  const note = `${head.note}— witness.test ${cosignature}\n`;
  await at.store.apply({ rows: [{ change: 'cosigned', size, note }] });
  return note;
}
