import { setImmediate } from 'node:timers';
import {
  partitionKey,
  type Appended,
  type NewRecord,
  type TopicPartition,
} from '@countersign/broker';

/** Beyond it a further append begins another group. */
const GROUP_BYTES_MAX = 4_000_000;

/** One append, with values of its own. */
export interface Appending {
  readonly records: readonly NewRecord[];
  readonly resolve: (appended: Appended) => void;
  readonly reject: (reason: unknown) => void;
}

interface Group {
  readonly tp: TopicPartition;
  readonly appends: Appending[];
  bytes: number;
}

/**
 * The appends that were issued in one turn of the event loop, by partition: a partition is extended once for all of
 * them, in the order in which they were issued.
 */
export class AppendGroups {
  readonly #write: (tp: TopicPartition, appends: readonly Appending[]) => void;
  readonly #open = new Map<string, Group>();
  #isDue = false;

  constructor(write: (tp: TopicPartition, appends: readonly Appending[]) => void) {
    this.#write = write;
  }

  add(tp: TopicPartition, records: readonly NewRecord[]): Promise<Appended> {
    const key = partitionKey(tp);
    const bytes = records.reduce((sum, { value }) => sum + value.length, 0);
    const open = this.#open.get(key);
    if (open !== undefined && open.bytes + bytes > GROUP_BYTES_MAX) this.flush();
    const group = this.#open.get(key) ?? { tp, appends: [], bytes: 0 };
    this.#open.set(key, group);
    group.bytes += bytes;
    this.#schedule();
    return new Promise((resolve, reject) => {
      group.appends.push({ records, resolve, reject });
    });
  }

  /** Issues what waits. Whatever must come after it MUST be issued after this. */
  flush(): void {
    const groups = [...this.#open.values()];
    this.#open.clear();
    for (const { tp, appends } of groups) this.#write(tp, appends);
  }

  #schedule(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      this.flush();
    });
  }
}
