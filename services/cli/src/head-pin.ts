import { verifySignature } from '@countersign/crypto-node';
import type { Writer } from '@countersign/ledger';
import type { ReadModels } from '@countersign/store';
import { openCheckpoint, parseVerifierKey, TlogError } from '@countersign/tlog';
import type { PinnedHead } from '@countersign/verify';
import type { FoundedData, OpenData } from './open-data.ts';
import { readOffered } from './offered-head.ts';
import { withPinLock } from './pin-lock.ts';
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

  /** The newest that any process has pinned in this folder. */
  async known(): Promise<PinnedHead | undefined> {
    const there = (await readOwnTrust(this.#data.folder))?.pinnedHead;
    return (there?.size ?? 0) > (this.#head?.size ?? 0) ? there : this.#head;
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
    await withPinLock(this.#data.folder, () => this.#write(head));
  }

  async #write(head: SeenHead): Promise<void> {
    const { folder, mark, trust } = this.#data;
    const there = await readOwnTrust(folder);
    if ((there?.pinnedHead?.size ?? 0) >= head.size) return;
    // Of the file as it stands: the policy may have been changed since it was opened.
    const { witnessPolicy } = there ?? trust;
    const ledger = { logKeys: head.logKeys, genesis: trust.genesis, witnessPolicy };
    await writeTrust(folder, trustDocument(mark, ledger, head));
    this.#head = head;
  }
}

/** What a writer has sealed: it knows the keys of the log from the log itself. */
export function sealedBy(writer: Writer | undefined): SeenHead | undefined {
  const head = writer?.sealedHead;
  return head === undefined || writer === undefined
    ? undefined
    : { ...head, logKeys: writer.logKeys };
}

/**
 * The newest head that anything in this data folder remembers: what the trust file pins, what the read models saw, or what was
 * offered to witnesses. A log behind it was put back, and a writer that went on from there would sign a second head of a size (attack row G03). The read models
 * and that file are believed for a key that is known without them, and for no other.
 */
export async function knownHead(
  data: OpenData,
  store: ReadModels,
): Promise<PinnedHead | undefined> {
  const { folder, mark, trust, signers } = data;
  const pinned = trust.pinnedHead;
  const [stored, offered] = [await store.checkpoint(), await readOffered(folder)];
  const newest = (offered?.size ?? 0) > (stored?.size ?? 0) ? offered : stored;
  if (newest === undefined || newest.size <= (pinned?.size ?? 0)) return pinned;
  const own = signers.map(({ vkey }) => parseVerifierKey(vkey));
  const verifiers = [...trust.logKeys, ...own.filter(({ vkey }) => !isAmong(trust.logKeys, vkey))];
  try {
    const { size, root } = await openCheckpoint(newest.note, {
      origin: mark.origin,
      verifiers,
      verifySignature,
    });
    return { size, root };
  } catch (error) {
    // Read models of another ledger, or damaged ones, prove nothing; they are only a copy.
    if (error instanceof TlogError) return pinned;
    throw error;
  }
}

function isAmong(keys: readonly { readonly vkey: string }[], vkey: string): boolean {
  return keys.some((key) => key.vkey === vkey);
}
