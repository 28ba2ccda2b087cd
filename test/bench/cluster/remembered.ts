import { LedgerState, leafOf, parseEntry } from '@countersign/binding';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import { decodeLogRecord, isBindingSealed } from '@countersign/wire';
import { heapBytes } from '../heap.ts';
import type { Lane } from './bare-copy.ts';
import { POLICY_ENGINE } from '../../support/policy-engine.ts';

/**
 * Heap of a writer for each action of the records after `from`: what its fold remembers of them, and the answers of the last
 * ten minutes.
 */
export function rememberedBytes(log: Lane, from: number, actions: number): number {
  const state = LedgerState.empty({
    descriptors: BUILTIN_DESCRIPTORS,
    policyEngine: POLICY_ENGINE,
  });
  fold(state, log.messages.slice(0, from));
  const before = heapBytes();
  fold(state, log.messages.slice(from));
  const bytes = heapBytes() - before;
  // Used after the measurement, or it would be garbage within it.
  if (state.size === 0) throw new Error('expected a log with entries');
  return Math.round(bytes / actions);
}

function fold(state: LedgerState, messages: Lane['messages']): void {
  for (const { value } of messages) {
    if (isBindingSealed(value)) continue;
    const record = decodeLogRecord(value);
    if (record.kind !== 'batch') continue;
    for (const [at, bytes] of record.entries.entries()) {
      state.evolve(parseEntry(bytes), { index: record.sizeBefore + at, leaf: leafOf(bytes) });
    }
  }
}
