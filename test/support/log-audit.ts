import { LedgerState, parseEntry, type Entry } from '@countersign/binding';
import type { Broker } from '@countersign/broker';
import { toHex } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import { LogReader, type LogCounts } from '@countersign/log-reader';
import { WireError, decodeLogRecord } from '@countersign/wire';
import { POLICY_ENGINE } from './policy-engine.ts';

export interface Audit {
  readonly entries: readonly Entry[];
  readonly size: number;
  readonly sealedSize: number;
  readonly counts: LogCounts;
  /** Bindings that were published, by index; doubled ones once. */
  readonly published: ReadonlySet<number>;
  /** Of the fold of all entries. */
  readonly state: LedgerState;
}

/**
 * Reads a whole log as anybody may: every batch recomputed, every signed head checked against it, every
 * entry folded in again. Fails for a fork, a gap, two bindings of one action, or two uses too many.
 */
export async function auditLog(
  broker: Broker,
  identity: {
    readonly origin: string;
    readonly logKeys: readonly string[];
    readonly partition?: number;
  },
): Promise<Audit> {
  const { partition = 0 } = identity;
  const reader = new LogReader({ ...identity, verifySignature });
  const state = LedgerState.empty({
    descriptors: BUILTIN_DESCRIPTORS,
    policyEngine: POLICY_ENGINE,
  });
  const entries: Entry[] = [];
  const published = new Set<number>();
  const tp = { topic: 'log', partition } as const;
  for (;;) {
    const records = await broker.read(tp, reader.nextOffset, 1_000);
    if (records.length === 0) break;
    for (const record of records) {
      const event = await reader.read(record);
      const bound = publishedBinding(record.value);
      if (bound !== undefined) published.add(bound);
      if (event?.kind !== 'batch') continue;
      for (const { bytes, index, leafHash } of event.entries) {
        const entry = parseEntry(bytes);
        state.evolve(entry, { index, leaf: `sha256:${toHex(leafHash)}` });
        entries.push(entry);
      }
    }
  }
  assertOnce(entries);
  const { size } = reader.head;
  return { entries, size, sealedSize: reader.sealedSize, counts: reader.counts, published, state };
}

function assertOnce(entries: readonly Entry[]): void {
  const seen = new Set<string>();
  for (const entry of entries) {
    const once =
      entry.type === 'binding-made' || entry.type === 'request-admitted'
        ? `${entry.type} ${entry.action_id}`
        : entry.type === 'binding-used'
          ? `${entry.type} ${entry.action_id} ${entry.use_number}`
          : undefined;
    if (once === undefined) continue;
    if (seen.has(once)) throw new Error(`the log holds twice: ${once}`);
    seen.add(once);
  }
}

/** Which binding a record publishes; anybody may have written something else there. */
function publishedBinding(value: Uint8Array | null): number | undefined {
  try {
    const record = value === null ? undefined : decodeLogRecord(value);
    return record?.kind === 'binding' ? record.index : undefined;
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}
