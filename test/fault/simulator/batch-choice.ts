import { batchItemOf, type Batch, type BatchItem } from '@countersign/binding';
import type { JsonObject } from '@countersign/canonical';
import { BUILTIN_DESCRIPTORS, type Action, type Descriptor } from '@countersign/descriptors';
import type { SeededChoice } from './seeded-choice.ts';

export const BATCH_TYPE = 'batch.generic.command';

export function batchDescriptor(): Descriptor {
  const found = BUILTIN_DESCRIPTORS.find(({ type }) => type === BATCH_TYPE);
  if (found === undefined) throw new Error(`expected the built-in type ${BATCH_TYPE}`);
  return found;
}

/** Two to four of these commands, in any order or as a plan. */
export function someBatch(random: SeededChoice, params: JsonObject): JsonObject {
  const count = random.between(2, 4);
  const items = Array.from({ length: count }, (_, i) => ({
    params: { ...params, argv: ['restart', `unit-${i}`] },
  }));
  return {
    type: BATCH_TYPE,
    params: { order: random.of(['any', 'listed']), items },
    // Now and then as many uses as there are no items.
    max_uses: random.chance(0.05) ? count + 1 : count,
  };
}

/** Which item a claim names: mostly the next one, or any, and sometimes what is none. */
export function someItem(
  random: SeededChoice,
  batch: Batch,
  { action, used }: { readonly action: Action; readonly used: number },
): JsonObject {
  const index = random.chance(0.6) ? used % batch.count : random.below(batch.count);
  const item = batchItemOf(batchDescriptor(), action, index);
  return jsonOf(spoilt(random, batch, item));
}

function spoilt(random: SeededChoice, batch: Batch, item: BatchItem): BatchItem {
  const strange = `sha256:${'5a'.repeat(32)}` as const;
  switch (random.weighted({ kept: 12, digest: 2, index: 1, root: 1, path: 1 })) {
    case 'kept':
      return item;
    case 'digest':
      return { ...item, digest: strange };
    case 'index':
      return { ...item, index: random.of([batch.count, (item.index + 1) % batch.count]) };
    case 'root':
      return { ...item, root: strange };
    case 'path':
      return { ...item, path: item.path.slice(1) };
  }
}

function jsonOf({ root, index, digest, path }: BatchItem): JsonObject {
  return { root, index, digest, path: [...path] };
}
