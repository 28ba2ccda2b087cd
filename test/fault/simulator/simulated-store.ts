import { fromHex } from '@countersign/canonical';
import {
  StoreError,
  type ChangeSet,
  type EntryRow,
  type LogPosition,
  type NodeRow,
  type ReadModels,
  type RowChange,
  type SideTopic,
} from '@countersign/store';
import type { World } from './world.ts';

/** What outlives the process that kept it: one store, for one process after the other. */
export class StoredRows {
  readonly rows = new Map<string, RowChange>();
  readonly erased = new Set<string>();
  readonly side = new Map<SideTopic, number>();
  log: LogPosition | undefined;

  /** Everything in it, in one order. */
  dump(): string {
    const texts = [...this.rows].map(([key, change]) => `${key} ${textOf(change)}`);
    return [...texts.sort(), ...[...this.erased].sort()].join('\n');
  }

  /** @throws StoreError STORE_MOVED */
  apply({ rows, log, side = [] }: ChangeSet): void {
    const stands = [
      ...(log === undefined ? [] : [[log.from, this.log?.nextOffset ?? 0]]),
      ...side.map(({ topic, from }) => [from, this.side.get(topic) ?? 0]),
    ];
    for (const [from, at] of stands) {
      if (from !== at) throw new StoreError('STORE_MOVED', `expected ${from}, got ${at}`);
    }
    for (const change of rows) this.#apply(change);
    if (log !== undefined) this.log = log.to;
    for (const { topic, to } of side) this.side.set(topic, to);
  }

  #apply(change: RowChange): void {
    const key = keyOf(change);
    if (change.change === 'member-removed') this.rows.delete(key);
    else if (change.change === 'member-set') this.rows.set(key, change);
    else if (change.change === 'content-erased') this.#erase(actionOf(change));
    else if (change.change === 'content' && this.erased.has(actionOf(change.row))) return;
    else if (!this.rows.has(key)) this.rows.set(key, change);
  }

  #erase(action: string): void {
    this.erased.add(action);
    for (const key of this.rows.keys()) {
      if (key.startsWith(`content ${action} `)) this.rows.delete(key);
    }
  }
}

function actionOf({
  tenant,
  actionId,
}: {
  readonly tenant: string;
  readonly actionId: string;
}): string {
  return `${tenant}/${actionId}`;
}

type KeysOfRows = {
  readonly [K in RowChange['change']]: (change: Extract<RowChange, { change: K }>) => string;
};

const KEYS: KeysOfRows = {
  entry: ({ row }) => `entry ${row.index}`,
  decision: ({ row }) => `decision ${row.index}`,
  decided: ({ row }) => `decided ${row.index}`,
  use: ({ row }) => `use ${row.index}`,
  node: ({ row }) => `node ${row.level} ${row.index}`,
  checkpoint: ({ size }) => `checkpoint ${size}`,
  cosigned: ({ size }) => `cosigned ${size}`,
  input: ({ digest }) => `input ${digest}`,
  document: ({ digest }) => `document ${digest}`,
  quarantined: ({ digest }) => `quarantined ${digest}`,
  'action-opened': ({ row }) => `action ${actionOf(row)} ${row.lastIndex}`,
  'action-moved': (change) => `moved ${actionOf(change)} ${change.index}`,
  'member-set': ({ row }) => `member ${row.kind} ${row.id}`,
  'member-removed': ({ kind, id }) => `member ${kind} ${id}`,
  'former-member': ({ row }) => `former ${row.kind} ${row.removedIndex} ${row.id}`,
  content: ({ row }) => `content ${actionOf(row)} ${row.digest}`,
  'content-erased': (change) => `erased ${actionOf(change)}`,
};

function keyOf<K extends RowChange['change']>(
  change: Extract<RowChange, { change: K }> & { readonly change: K },
): string {
  return KEYS[change.change](change);
}

function textOf(change: RowChange): string {
  return JSON.stringify(change, (_, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
  );
}

/**
 * The read models as the projector writes them: each change set is stored whole or not at all, and what was
 * under way when its process died may be either.
 */
export function simulatedStore(world: World, owner: string, kept: StoredRows): ReadModels {
  const { schedule, random } = world;
  const later = <T>(label: string, call: () => T, onCrash?: () => void): Promise<T> =>
    new Promise((resolve, reject) => {
      schedule.add({
        owner,
        label,
        isReady: () => true,
        run: () => {
          try {
            resolve(call());
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)));
          }
          return 'done';
        },
        ...(onCrash !== undefined && { onCrash }),
      });
    });
  const unused = (): Promise<never> =>
    Promise.reject(new Error('no part of a projector that runs'));
  return {
    apply: (changes) => {
      const store = (): void => {
        kept.apply(changes);
      };
      return later(`store ${changes.rows.length}`, store, () => {
        if (random.chance(0.5)) store();
      });
    },
    logPosition: () => later('position', () => kept.log),
    sidePosition: (topic) => later(`position ${topic}`, () => kept.side.get(topic) ?? 0),
    entriesOfType: (types, upTo, from) =>
      later('entries', () => entriesOfType(kept, types, { upTo, from })),
    nodes: (wanted) => later('nodes', () => wanted.flatMap((place) => nodeAt(kept, place))),
    entries: (start, limit) => later('entries', () => entriesFrom(kept, start, limit)),
    dump: () => Promise.resolve(kept.dump()),
    close: () => Promise.resolve(),
    ...{
      action: unused,
      actions: unused,
      bindings: unused,
      decidedPage: unused,
      typedEntries: unused,
      indexFrom: unused,
      memberPage: unused,
      formerMembers: unused,
      entriesOf: unused,
      entryWithLeaf: unused,
      decisions: unused,
      checkpoint: unused,
      checkpointWithin: unused,
      cosigned: unused,
      usesCalled: unused,
    },
    ...{ member: unused, memberByThumbprint: unused, members: unused, document: unused },
    ...{ content: unused, input: unused, inputs: unused, findings: unused, clear: unused },
  };
}

function entriesOfType(
  kept: StoredRows,
  types: readonly string[],
  { upTo, from = 0 }: { readonly upTo: number; readonly from: number | undefined },
): EntryRow[] {
  return [...kept.rows.values()]
    .flatMap((change) => (change.change === 'entry' ? [change.row] : []))
    .filter(({ type, index }) => types.includes(type) && index <= upTo && index >= from)
    .sort((a, b) => a.index - b.index);
}

function entriesFrom(kept: StoredRows, start: number, limit: number): EntryRow[] {
  const found: EntryRow[] = [];
  for (let index = start; found.length < limit; index += 1) {
    const change = kept.rows.get(`entry ${index}`);
    if (change?.change !== 'entry') break;
    found.push(change.row);
  }
  return found;
}

function nodeAt(kept: StoredRows, { level, index }: { level: number; index: number }): NodeRow[] {
  // Level 0 is the leaves of the entries.
  const change = kept.rows.get(level === 0 ? `entry ${index}` : `node ${level} ${index}`);
  if (change?.change === 'entry') {
    return [{ level, index, hash: fromHex(change.row.leaf.slice('sha256:'.length)) }];
  }
  return change?.change === 'node' ? [change.row] : [];
}
