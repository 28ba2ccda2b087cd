import { StoreError, type ReadModels } from '@countersign/store';
import { actionIdOf, type SealedEntry } from './row-changes.ts';
import type { InputAnswer } from './sealed-answer.ts';
import { WaitingRoom } from './waiting-room.ts';

export interface ActionWait {
  readonly tenant: string;
  readonly actionId: string;
  /** An entry is waited for that is newer than the one of this index. */
  readonly since: number;
}

/** Who waits for what of a log. Each looks once by itself, and is told from then on. */
export class LogWaiters {
  readonly #inputs = new WaitingRoom<InputAnswer>();
  readonly #actions = new WaitingRoom<number>();
  readonly #stored = new WaitingRoom<number>();
  readonly #cosigned = new WaitingRoom<number>();
  readonly #onMissed: () => void;

  /** `onMissed`: somebody could not look, and MUST be told also what there is already. */
  constructor(onMissed: () => void = () => undefined) {
    this.#onMissed = onMissed;
  }

  get count(): number {
    const others = this.#actions.count + this.#stored.count + this.#cosigned.count;
    return this.#inputs.count + others;
  }

  get hasCosigned(): boolean {
    return this.#cosigned.count > 0;
  }

  get inputs(): readonly string[] {
    return this.#inputs.keys;
  }

  get actions(): readonly { readonly tenant: string; readonly actionId: string }[] {
    return this.#actions.keys.map((key) => {
      const [tenant = '', actionId = ''] = key.split('/');
      return { tenant, actionId };
    });
  }

  hasInput(digest: string): boolean {
    return this.#inputs.has(digest);
  }

  /** @throws ProjectorError TOO_MANY_WAITERS */
  async waitForInput(
    digest: string,
    timeoutMs: number,
    look: (digest: string) => Promise<InputAnswer | undefined>,
  ): Promise<InputAnswer | undefined> {
    const { arrived, leave } = this.#inputs.join(digest, timeoutMs);
    try {
      return (await this.#looked(() => look(digest))) ?? (await arrived);
    } finally {
      leave();
    }
  }

  /** @throws ProjectorError TOO_MANY_WAITERS */
  async waitForAction(
    { tenant, actionId, since }: ActionWait,
    timeoutMs: number,
    store: Pick<ReadModels, 'action'>,
  ): Promise<number | undefined> {
    const isNewer = (index: number): boolean => index > since;
    const { arrived, leave } = this.#actions.join(keyOf(tenant, actionId), timeoutMs, isNewer);
    try {
      const row = await this.#looked(() => store.action(tenant, actionId));
      return row !== undefined && isNewer(row.lastIndex) ? row.lastIndex : await arrived;
    } finally {
      leave();
    }
  }

  /** @throws ProjectorError TOO_MANY_WAITERS */
  async waitForStored(size: number, timeoutMs: number, storedSize: () => number): Promise<boolean> {
    const { arrived, leave } = this.#stored.join(String(size), timeoutMs);
    try {
      return storedSize() >= size || (await arrived) !== undefined;
    } finally {
      leave();
    }
  }

  /** @throws ProjectorError TOO_MANY_WAITERS */
  async waitForCosigned(
    size: number,
    timeoutMs: number,
    store: Pick<ReadModels, 'cosigned'>,
  ): Promise<number | undefined> {
    const { arrived, leave } = this.#cosigned.join(String(size), timeoutMs);
    try {
      const newest = (await this.#looked(() => store.cosigned()))?.size ?? 0;
      return newest >= size ? newest : await arrived;
    } finally {
      leave();
    }
  }

  settleInput(digest: string, answer: InputAnswer): void {
    this.#inputs.settle(digest, answer);
  }

  settleAction(tenant: string, actionId: string, index: number): void {
    this.#actions.settle(keyOf(tenant, actionId), index);
  }

  settleEntries(sealed: readonly SealedEntry[]): void {
    for (const { entry, index } of sealed) {
      const actionId = actionIdOf(entry);
      if (actionId !== null) this.settleAction(entry.tenant, actionId, index);
      // It may be a freeze, which ends what waits without an entry of each action.
      if (entry.type === 'authority-changed' && entry.change.change === 'bound') {
        for (const each of this.actions) this.settleAction(each.tenant, each.actionId, index);
      }
    }
  }

  settleStored(storedSize: number): void {
    for (const size of this.#stored.keys) {
      if (Number(size) <= storedSize) this.#stored.settle(size, storedSize);
    }
  }

  settleCosigned(cosignedSize: number): void {
    for (const size of this.#cosigned.keys) {
      if (Number(size) <= cosignedSize) this.#cosigned.settle(size, cosignedSize);
    }
  }

  /** A store that is away for a while is no reason to send anybody away who waits. */
  async #looked<T>(look: () => Promise<T | undefined>): Promise<T | undefined> {
    try {
      return await look();
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'STORE_UNAVAILABLE') throw error;
      this.#onMissed();
      return undefined;
    }
  }
}

function keyOf(tenant: string, actionId: string): string {
  return `${tenant}/${actionId}`;
}
