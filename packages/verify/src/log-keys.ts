import { leafHash, type AuthorityRef, type AuthorityState } from '@countersign/binding';
import { KeyHistory } from '@countersign/tlog';
import type { AuthorityChainCheck } from './authority-chain.ts';
import type { AuthorityHistory } from './authority-history.ts';
import type { ChainLink, LaterChain } from './evidence.ts';
import { readEntry } from './logged-entry.ts';
import { indexIn, type ReceiptCheck } from './receipt.ts';
import type { Trust } from './trust.ts';
import type { Verification } from './verification.ts';
import { VerifyError } from './verify-error.ts';

/** The keys that count for one reader, as far as some evidence shows. */
export interface ProvenKeys {
  readonly keys: KeyHistory;
  /** Of the entry that changed the authority last. */
  readonly index: number;
}

/**
 * The keys of the log and the sizes that they are valid for, from the pinned genesis on: those of the trust file, and those that
 * persons of the authority have added since. schemas/formats/evidence.md §3.1.
 */
export async function checkLogKeys(
  run: Verification,
  chains: AuthorityChainCheck,
): Promise<ProvenKeys> {
  const { evidence, log, trust } = run;
  log.begin('log keys');
  const { chain, later } = evidence.authority;
  const cited = evidence.binding.entry.authority;
  if (later === null) return proven(await chains.history(chain, cited), run);
  const last = lastOf(later);
  const history = await chains.historyBeyond({ links: chain, cited }, { links: later.chain, last });
  const keys = keysOf(history, trust);
  await run.receipts.under(keys).position(later.receipt, leafHash(last.leaf));
  return proven(history, run);
}

function proven(history: AuthorityHistory, { log, trust }: Verification): ProvenKeys {
  const keys = keysOf(history, trust);
  log.ok(keys.spans.map(({ from, until }) => `from ${from} to ${until ?? 'now'}`).join(', '));
  return { keys, index: history.at(-1)?.ref.index ?? 0 };
}

/** Where the last entry stands its receipt says; that it stands there is checked with the keys that the entry leads to. */
function lastOf(later: LaterChain): AuthorityRef {
  const index = indexIn(later.receipt);
  const place = {
    code: 'EVIDENCE_FORMAT',
    path: 'later',
    json: later.chain.at(-1)?.entry,
  } as const;
  const { entry, leaf } = readEntry(place, 'authority-changed');
  return { index, leaf, root: entry.authority_root };
}

/** The keys that a chain leads to, if they were ever other ones than those of the founding. */
export async function keysShown(
  shown: { readonly links: readonly ChainLink[]; readonly cited: AuthorityRef },
  { chains, trust }: { readonly chains: AuthorityChainCheck; readonly trust: Trust },
): Promise<KeyHistory | undefined> {
  try {
    const history = await chains.history(shown.links, shown.cited);
    return hasFoundingKeys(history) ? undefined : keysOf(history, trust);
  } catch (error) {
    // The step that the chain is for says what is wrong with it; until then it shows nothing.
    if (error instanceof VerifyError) return undefined;
    throw error;
  }
}

function hasFoundingKeys(history: AuthorityHistory): boolean {
  const [founding] = history;
  if (founding === undefined) return true;
  const ids = [...logKeysIn(founding.state).keys()].join();
  return history.every(({ state }) => [...logKeysIn(state).keys()].join() === ids);
}

export function assertFoundingKeys(history: AuthorityHistory): void {
  if (hasFoundingKeys(history)) return;
  throw new VerifyError('EVIDENCE_FORMAT', 'expected version 2 for a log whose keys have changed');
}

/** Finding them takes all members; a chain is remembered as long as its authorities are. */
const known = new WeakMap<AuthorityState, ReadonlyMap<string, string>>();

/** Verifier keys by their ids. */
function logKeysIn(state: AuthorityState): ReadonlyMap<string, string> {
  const remembered = known.get(state);
  if (remembered !== undefined) return remembered;
  const found = new Map(state.ofKind('log-key').map(({ id, vkey }) => [id, vkey]));
  known.set(state, found);
  return found;
}

function keysOf(history: AuthorityHistory, trust: Trust): KeyHistory {
  const pinned = new Set(trust.logKeys.map(({ vkey }) => vkey));
  let keys = KeyHistory.of([]);
  let before: ReadonlyMap<string, string> = new Map<string, string>();
  for (const { ref, state } of history) {
    const now = logKeysIn(state);
    for (const [id, vkey] of now) {
      // Whoever does not pin a founding key may have their reason: it was stolen since.
      const counts = ref.index > 0 || pinned.has(vkey);
      if (!before.has(id) && counts) keys = keys.with(vkey, ref.index > 0 ? ref.index : -1);
    }
    for (const id of before.keys()) if (!now.has(id)) keys = keys.without(id, ref.index);
    before = now;
  }
  return keys;
}

/** The newest keys that a verifier has seen proven. */
export class NewestKeys {
  #newest: ProvenKeys | undefined;

  note(proven: ProvenKeys): void {
    if (this.#newest === undefined || proven.index > this.#newest.index) this.#newest = proven;
  }

  receipts(check: ReceiptCheck): ReceiptCheck {
    return this.#newest === undefined ? check : check.under(this.#newest.keys);
  }
}
