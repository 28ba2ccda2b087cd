import { verifySignature } from '@countersign/crypto-node';
import type { ReadModels } from '@countersign/store';
import { openCheckpoint, parseVerifierKey, TlogError } from '@countersign/tlog';
import type { PinnedHead } from '@countersign/verify';
import type { FoundedData } from './open-data.ts';
import { readOwnTrust, trustDocument, writeTrust } from './trust-file.ts';

/** A head, and the verifier keys that may sign it. */
export interface SeenHead extends PinnedHead {
  readonly logKeys: readonly string[];
}

/** Keeps the newest signed head in the trust file, so that a log that was put back is noticed at the next start. */
export class HeadPin {
  readonly #data: FoundedData;
  readonly #newest: () => Promise<SeenHead | undefined>;
  #head: PinnedHead | undefined;
  #renewing: Promise<void> = Promise.resolve();

  constructor(data: FoundedData, newest: () => Promise<SeenHead | undefined>) {
    this.#data = data;
    this.#newest = newest;
    this.#head = data.trust.pinnedHead;
  }

  get head(): PinnedHead | undefined {
    return this.#head;
  }

  /** One after the other. The pin never goes back, whoever else writes it. */
  renew(): Promise<void> {
    this.#renewing = this.#renewing.then(
      () => this.#renew(),
      () => this.#renew(),
    );
    return this.#renewing;
  }

  async #renew(): Promise<void> {
    const head = await this.#newest();
    if (head === undefined || head.size <= (this.#head?.size ?? 0)) return;
    const { folder, mark, trust } = this.#data;
    const there = await readOwnTrust(folder);
    if ((there?.pinnedHead?.size ?? 0) >= head.size) return;
    const ledger = { logKeys: head.logKeys, genesis: trust.genesis };
    await writeTrust(folder, trustDocument(mark, ledger, head));
    this.#head = head;
  }
}

/** The newest head that the read models hold. */
export async function storedHead(
  data: FoundedData,
  store: ReadModels,
): Promise<SeenHead | undefined> {
  const newest = await store.checkpoint();
  if (newest === undefined) return undefined;
  // The members are those at the newest head that is stored.
  const logKeys = (await store.members('log-key')).map(({ text }) => vkeyIn(text));
  const { size, root } = await openHead(newest.note, data, logKeys);
  return { size, root, logKeys };
}

function vkeyIn(member: string): string {
  const { vkey } = JSON.parse(member) as { readonly vkey?: unknown };
  return typeof vkey === 'string' ? vkey : '';
}

/**
 * The newest head that anything in this data folder remembers: what the trust file pins, or what the read models saw. A log
 * behind it was put back, and a writer that went on from there would sign a second head of a size (attack row G03).
 */
export async function knownHead(
  data: FoundedData,
  store: ReadModels,
): Promise<PinnedHead | undefined> {
  const pinned = data.trust.pinnedHead;
  try {
    const stored = await storedHead(data, store);
    return (stored?.size ?? 0) <= (pinned?.size ?? 0) ? pinned : stored;
  } catch (error) {
    // Read models of another ledger, or damaged ones, prove nothing; they are only a copy.
    if (error instanceof TlogError) return pinned;
    throw error;
  }
}

function openHead(
  note: string,
  { mark }: FoundedData,
  vkeys: readonly string[],
): ReturnType<typeof openCheckpoint> {
  return openCheckpoint(note, {
    origin: mark.origin,
    verifiers: vkeys.map(parseVerifierKey),
    verifySignature,
  });
}
