/** What is written of a run, in this order. schemas/formats/run-record.md */
export type RunPart = 'claim' | 'start' | 'report' | 'sent';

export const RUN_PARTS: readonly RunPart[] = ['claim', 'start', 'report', 'sent'];

export interface RunLock {
  release(): Promise<void>;
}

/**
 * Where a guard remembers its runs, so that a process which starts again knows what it may have done. A run is named
 * `ACTION_ID.NAME`, of `[0-9A-Z]{26}`, a dot and `[a-z0-9-]{1,32}`.
 *
 * MUST be durable: what `create` wrote is there after a crash of the machine. MUST be exclusive: of all processes that
 * create the same part of the same run, one is told true. Every part is written once and never changed.
 */
export interface RunStore {
  /** Keeps everybody else from a run until it is released or this process ends; undefined when somebody else has it. */
  lock(run: string): Promise<RunLock | undefined>;
  /** False when that part is there already. */
  create(run: string, part: RunPart, text: string): Promise<boolean>;
  read(run: string, part: RunPart): Promise<string | undefined>;
  /** Takes away a claim that the ledger refused. */
  forget(run: string): Promise<void>;
  /** Runs that were claimed and of which no report is known to have arrived. */
  open(): Promise<readonly string[]>;
}

/** Remembers for as long as this process lives: enough for bindings of one use, which the ledger itself lets run once. */
export function memoryRunStore(): RunStore {
  const parts = new Map<string, string>();
  const locked = new Set<string>();
  const at = (run: string, part: RunPart): string => `${run}/${part}`;
  return {
    lock(run) {
      if (locked.has(run)) return Promise.resolve(undefined);
      locked.add(run);
      const release = (): Promise<void> => {
        locked.delete(run);
        return Promise.resolve();
      };
      return Promise.resolve({ release });
    },
    create(run, part, text) {
      const isNew = !parts.has(at(run, part));
      if (isNew) parts.set(at(run, part), text);
      return Promise.resolve(isNew);
    },
    read: (run, part) => Promise.resolve(parts.get(at(run, part))),
    forget(run) {
      for (const part of RUN_PARTS) parts.delete(at(run, part));
      return Promise.resolve();
    },
    open() {
      const claimed = [...parts.keys()].flatMap((key) => key.match(/^(.*)\/claim$/)?.[1] ?? []);
      return Promise.resolve(claimed.filter((run) => !parts.has(at(run, 'sent'))));
    },
  };
}
