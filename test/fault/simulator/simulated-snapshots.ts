import { canonicalBytes, fromHex, fromUtf8, toBase64, type Json } from '@countersign/canonical';
import { SnapshotError, type SnapshotStore } from '@countersign/ledger';
import { CompactRange } from '@countersign/tlog';
import { WireError, decodeLogRecord } from '@countersign/wire';
import type { SeededChoice } from './seeded-choice.ts';
import type { World } from './world.ts';

export interface Copy {
  head: Uint8Array;
  readonly actions: Map<string, Uint8Array>;
}

/** What outlives the process that kept it: its snapshot, and copies of what it once was. */
export class KeptSnapshots {
  newest: Copy | undefined;
  readonly older: Copy[] = [];
  /** How far into the log the last one that was loaded goes back. */
  loadedFrom = 0;
}

type Document = Record<string, Json> & {
  readonly state: Record<string, Json>;
  readonly resume: Record<string, Json>;
};

/** A store that fails, that loses what was under way, and that others use at the same time. */
export function simulatedSnapshots(
  world: World,
  owner: string,
  kept: KeptSnapshots,
): SnapshotStore {
  const { schedule, random } = world;
  const later = <T>(label: string, call: () => T, onCrash?: () => void): Promise<T> =>
    new Promise((resolve, reject) => {
      schedule.add({
        owner,
        label,
        isReady: () => true,
        run: () => {
          if (random.chance(0.05)) {
            reject(new SnapshotError('SNAPSHOT_UNREADABLE', 'the simulation keeps it'));
            return 'unreadable';
          }
          resolve(call());
          return 'done';
        },
        ...(onCrash !== undefined && { onCrash }),
      });
    });
  return {
    load: () =>
      later('load snapshot', () => {
        const copy = kept.newest;
        kept.loadedFrom = copy === undefined ? 0 : sizeClaimedBy(copy.head);
        return copy && { head: copy.head, actions: inParts([...copy.actions.values()]) };
      }),
    save: ({ head, isWhole, actions }) => {
      const texts = [...actions];
      const store = (): void => {
        const before = isWhole ? [] : (kept.newest?.actions ?? []);
        const copy = { head, actions: new Map(before) };
        for (const [id, text] of texts) {
          if (text === undefined) copy.actions.delete(id);
          else copy.actions.set(id, text);
        }
        if (kept.newest !== undefined) kept.older.push(kept.newest);
        kept.newest = copy;
        world.count('snapshots');
      };
      return later(`save ${texts.length}`, store, () => {
        if (random.chance(0.5)) store();
      });
    },
  };
}

async function* inParts(texts: readonly Uint8Array[]): AsyncGenerator<readonly Uint8Array[]> {
  for (let at = 0; at < texts.length; at += 3) yield Promise.resolve(texts.slice(at, at + 3));
}

/** Somebody who can write the file writes what could serve him. */
export function forge(world: World, kept: KeptSnapshots): void {
  const { newest } = kept;
  if (newest === undefined) return;
  const copy = { head: newest.head, actions: new Map(newest.actions) };
  const what = world.random.weighted({
    bytes: 3,
    older: 2,
    mixed: 1,
    action: 4,
    place: 4,
    state: 3,
  });
  world.count(`forged ${what}`);
  world.trace.note(`forge ${what}`);
  switch (what) {
    case 'bytes':
      copy.head = flipped(copy.head, world.random);
      break;
    case 'older':
      kept.newest = world.random.ofOrNone(kept.older) ?? newest;
      return;
    case 'mixed':
      copy.head = (world.random.ofOrNone(kept.older) ?? newest).head;
      break;
    case 'action':
      forgeAction(world, copy);
      break;
    case 'place':
      copy.head = forgePlace(world, copy.head);
      break;
    case 'state':
      copy.head = forgeState(world, copy.head);
  }
  kept.newest = copy;
}

function flipped(bytes: Uint8Array, random: SeededChoice): Uint8Array {
  const other = bytes.slice();
  const at = random.below(other.length);
  other[at] = (other[at] ?? 0) ^ (1 << random.below(8));
  return other;
}

/** Forgets an action, or makes one again what it was before: bound and never used, or open. */
function forgeAction({ random }: World, { actions }: Copy): void {
  const id = random.ofOrNone([...actions.keys()]);
  const text = id === undefined ? undefined : actions.get(id);
  if (id === undefined || text === undefined) return;
  const record = JSON.parse(fromUtf8(text)) as Record<string, Json>;
  const changes: readonly (Record<string, Json> | null)[] = [
    null,
    { uses: [], status: record['binding'] === null ? 'expired' : 'bound', revocation: null },
    { erased: null, action_is_erased: false },
    { max_uses: 9 },
    { admission_index: 0 },
    { decide_by_ms: Number(record['decide_by_ms']) + 3_600_000 },
  ];
  const change = random.of(changes);
  if (change === null) actions.delete(id);
  else actions.set(id, canonicalBytes({ ...record, ...change }));
}

function sizeClaimedBy(head: Uint8Array): number {
  return Number(/"resume":{[^}]*"size":(\d+)/.exec(Buffer.from(head).toString('latin1'))?.[1]);
}

/** Undefined of a copy in which a bit was turned before, where that is seen. */
function documentIn(head: Uint8Array): Document | undefined {
  try {
    const document = JSON.parse(Buffer.from(head).toString()) as Partial<Document>;
    const { resume, state } = document;
    const isWhole = resume !== undefined && Array.isArray(state?.['members']);
    return isWhole ? (document as Document) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Any batch of the log, the accepted ones and the others, with the subtrees of the log at its place. */
function forgePlace({ random, disk, log }: World, head: Uint8Array): Uint8Array {
  const record = random.ofOrNone(disk.recordsOf('log').filter(({ value }) => isBatch(value)));
  const [, sizeText] = record?.key.split('/') ?? [];
  const size = Math.min(Number(sizeText ?? 0), log.entries.length);
  const range = CompactRange.empty();
  for (const { leaf } of log.entries.slice(0, size)) {
    range.append(fromHex(leaf.slice('sha256:'.length)));
  }
  const hashes = range.hashes.map((hash) => toBase64(hash));
  const document = documentIn(head);
  if (document === undefined) return head;
  const { resume, ...rest } = document;
  const place: readonly Record<string, Json>[] = [
    { size, hashes, batch_offset: record?.offset ?? 0 },
    { size, hashes },
    { batch_offset: record?.offset ?? 0 },
  ];
  return canonicalBytes({ ...rest, resume: { ...resume, ...random.of(place) } });
}

function isBatch(value: Uint8Array | null): boolean {
  try {
    return value !== null && decodeLogRecord(value).kind === 'batch';
  } catch (error) {
    if (error instanceof WireError) return false;
    throw error;
  }
}

function forgeState({ random }: World, head: Uint8Array): Uint8Array {
  const document = documentIn(head);
  if (document === undefined) return head;
  const { state } = document;
  const members = state['members'] as readonly Json[];
  const changes: readonly Record<string, Json>[] = [
    { at_ms: Number(state['at_ms']) - 600_000 },
    { size: Number(state['size']) + random.between(-3, 3) },
    { members: members.filter(() => random.chance(0.9)) },
    { counters: [] },
    { bindings: 0 },
  ];
  return canonicalBytes({ ...document, state: { ...state, ...random.of(changes) } });
}
