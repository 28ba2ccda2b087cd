import { fromBase64url, timestampMs, type VerifySignature } from '@countersign/canonical';
import {
  applyChange,
  applyEnrolment,
  authorityFromGenesis,
  BindingError,
  enrolmentPayload,
  isAccountNeeded,
  isAccountShown,
  proveMembership,
  signedMessage,
  type AuthorityChanged,
  type AuthorityRef,
  type AuthorityState,
  type CredentialEnrolled,
  type Leaf,
  type RulesVersion,
} from '@countersign/binding';
import { HumanProofError, verifyAttestation } from '@countersign/human-proof';
import type { AuthorityAt, AuthorityHistory } from './authority-history.ts';
import { BoundedCache } from './bounded-cache.ts';
import { checkBoundChange, type SignedChange } from './bound-change.ts';
import type { ChainLink } from './evidence.ts';
import { readEntry, type EntryText } from './logged-entry.ts';
import { sameJson } from './same-json.ts';
import type { Trust } from './trust.ts';
import { VerifyError } from './verify-error.ts';

interface VerifiedChain {
  readonly links: readonly ChainLink[];
  readonly history: AuthorityHistory;
}

/** An authority whose place in the log is not known before the next entry, or the binding, cites it. */
interface Unplaced {
  readonly leaf: Leaf;
  readonly state: AuthorityState;
  /** Of the founding. */
  readonly rules: RulesVersion;
  /** It stands behind this index. */
  readonly after: number;
}

/** Authorities that one verifier remembers; a new one comes with each change. */
const CHAINS_MAX = 16;

/** Folds authority chains from the pinned genesis, and remembers those that it has verified. */
export class AuthorityChainCheck {
  readonly #trust: Trust;
  readonly #verifySignature: VerifySignature;
  /** By the leaf of the last entry. */
  readonly #verified = new BoundedCache<VerifiedChain>(CHAINS_MAX);

  constructor(trust: Trust, verifySignature: VerifySignature) {
    this.#trust = trust;
    this.#verifySignature = verifySignature;
  }

  /**
   * Everything that the authority was, up to the entry that is cited.
   *
   * @throws VerifyError `AUTHORITY_MISSING`, `GENESIS_MISMATCH`, `AUTHORITY_CHAIN_INVALID`
   */
  async history(links: readonly ChainLink[], cited: AuthorityRef): Promise<AuthorityHistory> {
    const known = this.#verified.get(cited.leaf);
    if (known !== undefined && (links.length === 0 || sameLinks(links, known.links))) {
      const last = known.history.at(-1);
      if (last?.ref.index === cited.index && last.ref.root === cited.root) return known.history;
      throw invalidChain('expected the binding to cite the last entry as it is');
    }
    const history = await this.#fold(links, cited);
    this.#verified.set(cited.leaf, { links, history });
    return history;
  }

  /**
   * Everything that the authority was, beyond the entry that is cited up to a later one.
   *
   * @throws VerifyError as `history`
   */
  async historyBeyond(
    to: { readonly links: readonly ChainLink[]; readonly cited: AuthorityRef },
    later: { readonly links: readonly ChainLink[]; readonly last: AuthorityRef },
  ): Promise<AuthorityHistory> {
    const base = await this.history(to.links, to.cited);
    const links = this.#verified.get(to.cited.leaf)?.links ?? to.links;
    const history = await this.history([...links, ...later.links], later.last);
    if (sameJson(history[base.length - 1]?.ref, to.cited)) return history;
    throw invalidChain('expected the later changes to go on from the cited entry');
  }

  async #fold(links: readonly ChainLink[], cited: AuthorityRef): Promise<AuthorityHistory> {
    const [first, ...changes] = links;
    if (first === undefined) {
      throw new VerifyError(
        'AUTHORITY_MISSING',
        'expected the chain of the authority from genesis',
      );
    }
    let unplaced = this.#founded(first);
    const history: AuthorityAt[] = [];
    const turns = new Turns();
    for (const [position, link] of changes.entries()) {
      const path = `change ${position + 1}`;
      const change = inChain(path, () =>
        readEntry({ code: 'EVIDENCE_FORMAT', path, json: link.entry }, 'authority-changed'),
      );
      const before = placed(unplaced, change.entry.previous, history);
      history.push(before);
      const { rules } = unplaced;
      unplaced = await this.#changed({ path, change, before, rules, binding: link.binding, turns });
    }
    history.push(placed(unplaced, cited, history));
    return history;
  }

  #founded(link: ChainLink): Unplaced {
    const place = { code: 'EVIDENCE_FORMAT', path: 'genesis', json: link.entry } as const;
    const { entry, leaf } = inChain('genesis', () => readEntry(place, 'ledger-founded'));
    if (leaf !== this.#trust.genesis || entry.origin !== this.#trust.origin) {
      throw new VerifyError('GENESIS_MISMATCH', 'expected the genesis that the trust file pins');
    }
    if (link.binding !== undefined) throw invalidChain('expected no binding for genesis');
    const state = inChain('genesis', () => authorityFromGenesis(entry));
    return { leaf, state, rules: entry.rules_version, after: -1 };
  }

  async #changed(step: {
    readonly path: string;
    readonly change: EntryText<AuthorityChanged>;
    readonly before: AuthorityAt;
    readonly rules: RulesVersion;
    readonly binding: string | undefined;
    readonly turns: Turns;
  }): Promise<Unplaced> {
    const { path, before, rules, binding } = step;
    const { entry, leaf } = step.change;
    const { change } = entry;
    if (entry.tenant !== before.state.ledger.tenant) throw invalidChain('expected one tenant');
    const context = { before, trust: this.#trust, verifySignature: this.#verifySignature };
    const atMs = timestampMs(entry.at);
    step.turns.next(entry.at);
    if (change.change === 'bound') {
      const next = await inChainAsync(path, async () => {
        const signed = await checkBoundChange({ change, binding, ...context });
        step.turns.carryOut(signed);
        return applyChange(before.state, signed.effect, atMs);
      });
      return rooted({ leaf, state: next, rules, after: change.binding_index }, entry);
    }
    if (binding !== undefined) throw invalidChain('expected no binding for an enrolment');
    const next = await inChainAsync(path, async () => {
      await assertInvited(change, before.state, this.#verifySignature);
      if (rules < 2 && change.statement.attestation !== undefined) {
        throw new VerifyError('UNKNOWN_MEMBER', 'expected no attestation by rules 1');
      }
      if (rules > 1) await assertAccount(change, { ...context, atMs });
      return applyEnrolment(before.state, change.statement, atMs);
    });
    return rooted({ leaf, state: next, rules, after: before.ref.index }, entry);
  }
}

/**
 * What was approved for one authority is not carried out again in a later one, nor for the first time: by whom it would have to be
 * approved is another question there. Times of this form sort as their text does (canonical-json.md §8).
 */
class Turns {
  readonly #carriedOut = new Set<string>();
  /** When the authority before the change at hand came to be. */
  #since = '';
  #at = '';

  next(at: string): void {
    if (at < this.#at) throw invalidChain('expected times that do not go back');
    [this.#since, this.#at] = [this.#at, at];
  }

  carryOut({ actionId, boundAt }: SignedChange): void {
    if (boundAt < this.#since || boundAt > this.#at) {
      throw invalidChain('expected a change to be bound between the one before and itself');
    }
    if (this.#carriedOut.has(actionId)) {
      throw invalidChain('expected an approval of its own for each change');
    }
    this.#carriedOut.add(actionId);
  }
}

/** A person's key is enrolled by the holder of an invitation, never by the operator of the ledger. */
async function assertInvited(
  enrolled: CredentialEnrolled,
  state: AuthorityState,
  verifySignature: VerifySignature,
): Promise<void> {
  const { statement, signature } = enrolled;
  const invitation = state.get('invitation', statement.invitation);
  if (invitation === undefined) {
    throw new VerifyError('INVITATION_INVALID', 'expected an invitation of this authority');
  }
  const isSigned = await verifySignature({
    algorithm: 'ecdsa-p256-sha256',
    publicKey: fromBase64url(invitation.public_key),
    message: signedMessage('enrolment', enrolmentPayload(statement)),
    signature: fromBase64url(signature),
  });
  if (!isSigned) {
    throw new VerifyError('SIGNATURE_INVALID', 'expected a signature by the key of the invitation');
  }
  const { attestation } = statement;
  if (attestation !== undefined) await verifyAttestation(attestation, verifySignature);
}

/** Nor by anybody who has the link alone, where it can be told who the person is at the company. */
async function assertAccount(
  { statement, identity }: CredentialEnrolled,
  of: {
    readonly before: AuthorityAt;
    readonly verifySignature: VerifySignature;
    readonly atMs: number;
  },
): Promise<void> {
  const { state } = of.before;
  if (!isAccountNeeded(state, statement.person)) return;
  const proven = identity && (await proveMembership(identity, state, of.verifySignature));
  const isSame = proven?.key === identity?.key;
  if (isSame && isAccountShown(state, { statement, identity: proven, atMs: of.atMs })) return;
  throw new VerifyError('INVITATION_INVALID', 'expected the company account of the person');
}

function placed(unplaced: Unplaced, ref: AuthorityRef, history: AuthorityHistory): AuthorityAt {
  const { leaf, state, after } = unplaced;
  const isHere =
    ref.leaf === leaf &&
    ref.root === state.root &&
    (history.length === 0 ? ref.index === 0 : ref.index > after);
  if (!isHere) throw invalidChain('expected each entry to cite the one before it as it is');
  return { ref, state };
}

function rooted(unplaced: Unplaced, entry: AuthorityChanged): Unplaced {
  if (unplaced.state.root !== entry.authority_root) {
    throw invalidChain('expected the root that the change leads to');
  }
  return unplaced;
}

function sameLinks(links: readonly ChainLink[], known: readonly ChainLink[]): boolean {
  return (
    links.length === known.length &&
    links.every(({ entry, binding }, position) => {
      const other = known[position];
      return other?.entry === entry && other.binding === binding;
    })
  );
}

function invalidChain(expected: string, cause?: unknown): VerifyError {
  return new VerifyError('AUTHORITY_CHAIN_INVALID', expected, { cause });
}

function inChain<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw chainError(path, error);
  }
}

async function inChainAsync<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw chainError(path, error);
  }
}

/** Whatever was wrong with one change, the chain does not hold; the message says what it was. */
function chainError(path: string, error: unknown): unknown {
  const isRefusal =
    error instanceof VerifyError ||
    error instanceof BindingError ||
    error instanceof HumanProofError;
  return isRefusal ? invalidChain(`${path}: ${error.code}: ${error.message}`, error) : error;
}
