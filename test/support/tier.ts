import type { Broker } from '@countersign/broker';
import type { ReadModels } from '@countersign/store';
import type { NoteSigner } from '@countersign/tlog';
import type { ShiftedClock } from './shifted-clock.ts';

/** Where the ledgers of a test run, when that is not on this machine's files. */
export interface TierOfTests {
  /** For a ledger in the test's own process. */
  place(): Promise<TierPlace>;
  /** For the `countersign` command: its cluster.json, on topics of its own. */
  clusterFile(folder: string, topics?: { readonly partitions: number }): Promise<string>;
  /** What a command needs to reach it. */
  readonly env: Readonly<Record<string, string>>;
}

export interface TierPlace {
  connect(clock: ShiftedClock): Promise<Broker>;
  openSigner(origin: string): Promise<NoteSigner>;
  /** Empty ones, each time. */
  openStore(): Promise<ReadModels>;
}

let chosen: TierOfTests | undefined;

/** The same tests on another tier: said by the set-up of a test project, never by a test. */
export function useTier(tier: TierOfTests): void {
  chosen = tier;
}

/** undefined: files of this machine. */
export function tierOfTests(): TierOfTests | undefined {
  return chosen;
}
