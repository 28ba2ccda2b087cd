import { equalBytes, fromUtf8, parseStrict, type VerifySignature } from '@countersign/canonical';
import {
  BindingError,
  LedgerState,
  decideAgain,
  parseEntry,
  pendingRecoveries,
  type Decided,
  type Entry,
  type Leaf,
  type LoggedDecision,
  type PolicyEngine,
} from '@countersign/binding';
import type { Descriptor } from '@countersign/descriptors';
import { keysAfter } from '@countersign/log-reader';
import { CompactRange, KeyHistory } from '@countersign/tlog';
import { checkBoundChange, checkLoggedBinding, type Trust } from '@countersign/verify';
import { AuditError, atEntry } from './audit-error.ts';
import { AuditFacts, type PendingRecovery } from './audit-facts.ts';
import { firstDecision, nameOf } from './logged-group.ts';
import { SignatureQueue } from './signature-queue.ts';

/** More entries than one decision has: what it came to is never cut. */
const DECISION_MAX = 512;

/** An entry as the tree holds it. */
export interface LoggedEntry {
  readonly index: number;
  readonly bytes: Uint8Array;
  readonly leafHash: Uint8Array;
  readonly leaf: Leaf;
}

interface Read extends LoggedEntry {
  readonly entry: Entry;
}

export interface ReplayOptions {
  readonly trust: Trust;
  readonly allowDemo: boolean;
  /** Of every action type that the log may hold. */
  readonly descriptors: readonly Descriptor[];
  /** What reads policies in Cedar when they are set: the same as the ledger's. */
  readonly policyEngine: PolicyEngine;
  readonly verifySignature: VerifySignature;
  /** Decisions sooner after the enrolment of their key are told. */
  readonly nearMs: number;
  /** Told of each entry that holds, those included that an earlier run has checked. */
  readonly onEntry?: (entry: Entry, place: Pick<LoggedEntry, 'index' | 'bytes'>) => void;
}

/**
 * Derives a log again from its entries: decides what each input that they tell of comes to, and compares the result with the log
 * byte for byte. Then checks what level `human` asks, by the code that verifies evidence.
 */
export class LogReplay {
  readonly #options: ReplayOptions;
  readonly #state: LedgerState;
  readonly #range: CompactRange = CompactRange.empty();
  readonly facts: AuditFacts;
  readonly signatures: SignatureQueue;
  #keys: KeyHistory | undefined;
  #waiting: Read[] = [];
  #lastAt: string | undefined;

  constructor(options: ReplayOptions) {
    this.#options = options;
    const { descriptors, policyEngine } = options;
    this.#state = LedgerState.empty({ descriptors, policyEngine });
    this.facts = new AuditFacts(options.nearMs);
    this.signatures = new SignatureQueue(options.verifySignature);
  }

  /** Entries that were derived, and the root of the tree that they make. */
  get derived(): { readonly size: number; readonly root: Uint8Array } {
    return { size: this.#range.size, root: this.#range.root() };
  }

  /** Keys of the log as far as it was derived; undefined before its founding was read. */
  get keys(): KeyHistory | undefined {
    return this.#keys;
  }

  /** As of the last entry that was derived. */
  get recoveries(): readonly PendingRecovery[] {
    const { authority, lastAtMs } = this.#state;
    const pending = pendingRecoveries(authority.ofKind('invitation'), lastAtMs);
    return pending.map(({ person, id, not_before, not_after }) => ({
      person,
      invitation: id,
      opens_at: not_before,
      ends_at: not_after,
      index: this.facts.recoveryAlarms.get(person) ?? 0,
    }));
  }

  /** Takes entries of the log in their order, and derives those whose decision is whole. @throws AuditError */
  async read(entries: readonly LoggedEntry[], isEnd: boolean): Promise<void> {
    for (const entry of entries) this.#waiting.push({ ...entry, entry: parsed(entry) });
    while (this.#waiting.length >= DECISION_MAX || (isEnd && this.#waiting.length > 0)) {
      await this.#deriveNext();
    }
  }

  /** Folds entries in that an earlier run has derived. */
  skip(entries: readonly LoggedEntry[]): void {
    if (entries.length === 0) return;
    // A draft that is committed forgets what no rule looks at any more.
    const draft = this.#state.draft();
    const read = entries.map((entry) => ({ ...entry, entry: parsed(entry) }));
    for (const each of read) draft.evolve(each.entry, each);
    draft.commit();
    for (const each of read) this.#note(each);
  }

  async #deriveNext(): Promise<void> {
    const [first] = this.#waiting;
    if (first === undefined) return;
    if (first.index === 0) {
      this.#found(first);
      return;
    }
    const logged = firstDecision(
      this.#waiting.slice(0, DECISION_MAX).map(({ entry }) => entry),
      this.#lastAt,
    );
    if (logged === undefined) throw mismatch(first, 'nothing that follows from the entries before');
    const decided = await this.#decide(logged);
    const entries = this.#asDecided(decided);
    await this.#checkHuman(entries);
    this.#state.apply(decided);
    for (const each of entries) this.#note(each);
    this.#waiting = this.#waiting.slice(entries.length);
    this.#lastAt = logged.at;
  }

  #found(first: Read): void {
    const { trust } = this.#options;
    const { entry, index, leaf } = first;
    if (
      leaf !== trust.genesis ||
      entry.type !== 'ledger-founded' ||
      entry.origin !== trust.origin
    ) {
      throw new AuditError('GENESIS_MISMATCH', 'expected the founding that the trust file pins', {
        index,
      });
    }
    try {
      this.#state.evolve(entry, { index, leaf });
    } catch (error) {
      throw atEntry(error, index);
    }
    this.#note(first);
    this.#waiting = this.#waiting.slice(1);
  }

  async #decide(logged: LoggedDecision): Promise<Decided> {
    let index = this.#state.size;
    try {
      return await decideAgain(this.#state, logged, (entry) => {
        index = this.#waiting.find((each) => each.entry === entry)?.index ?? index;
        const isHuman = entry.type === 'decision-accepted' || entry.type === 'binding-revoked';
        return this.signatures.at(index, isHuman ? 'ASSERTION_INVALID' : 'SIGNATURE_INVALID');
      });
    } catch (error) {
      throw atEntry(error, index);
    }
  }

  /** The entries of the log that a decision came to, byte for byte. */
  #asDecided(decided: Decided): Read[] {
    const entries: Read[] = [];
    for (const [position, due] of decided.entries.entries()) {
      const logged = this.#waiting[position];
      if (logged === undefined) {
        const message = `expected ${nameOf(due.entry)}, and the log ends`;
        throw new AuditError('REPLAY_MISMATCH', message, { index: due.index });
      }
      if (!equalBytes(logged.bytes, due.bytes)) throw mismatch(logged, nameOf(due.entry));
      entries.push(logged);
    }
    const [first] = this.#waiting;
    if (entries.length > 0 || first === undefined) return entries;
    const { outcome } = decided;
    throw mismatch(first, 'code' in outcome ? `nothing (${outcome.code})` : 'nothing');
  }

  async #checkHuman(entries: readonly Read[]): Promise<void> {
    const { trust, allowDemo } = this.#options;
    const { authority, authorityRef: ref } = this.#state;
    for (const [position, { entry, index }] of entries.entries()) {
      const verifySignature = this.signatures.at(index, 'ASSERTION_INVALID');
      try {
        if (entry.type === 'binding-made') {
          await checkLoggedBinding(entry, { authority, trust, allowDemo, verifySignature });
        }
        if (entry.type === 'authority-changed' && entry.change.change === 'bound') {
          const binding = entries[position - 1];
          const text = binding === undefined ? undefined : fromUtf8(binding.bytes);
          const before = { ref, state: authority };
          await checkBoundChange({
            change: entry.change,
            binding: text,
            before,
            trust,
            verifySignature,
          });
        }
      } catch (error) {
        throw atEntry(error, index);
      }
    }
  }

  #note(each: Read): void {
    const { entry, index, bytes, leafHash } = each;
    this.#range.append(leafHash);
    this.facts.note(entry, each);
    this.#options.onEntry?.(entry, each);
    this.#lastAt = entry.at;
    if (entry.type === 'ledger-founded') {
      const pinned = new Set(this.#options.trust.logKeys.map(({ vkey }) => vkey));
      this.#keys = KeyHistory.founding(entry.log_keys.filter((vkey) => pinned.has(vkey)));
    } else if (entry.type === 'authority-changed' && this.#keys !== undefined) {
      const { origin } = this.#options.trust;
      this.#keys = keysAfter(this.#keys, { origin, entries: [{ index, bytes }] });
    }
  }
}

function mismatch({ index, entry }: Read, expected: string): AuditError {
  const message = `entry ${index}: expected ${expected}, got ${nameOf(entry)}`;
  return new AuditError('REPLAY_MISMATCH', message, { index });
}

/** @throws AuditError the code of the entry's parser; RULES_UNKNOWN for what a later build may know */
function parsed({ bytes, index }: LoggedEntry): Entry {
  try {
    return parseEntry(bytes);
  } catch (error) {
    if (error instanceof BindingError && isOfOtherRules(bytes)) {
      const message = `entry ${index}: expected an entry of version 1 and a known type, by rules 1 or 2`;
      throw new AuditError('RULES_UNKNOWN', message, { index, cause: error });
    }
    throw atEntry(error, index);
  }
}

const KNOWN_TYPES: ReadonlySet<unknown> = new Set<Entry['type']>([
  'ledger-founded',
  'authority-changed',
  'request-admitted',
  'request-refused',
  'request-denied',
  'request-expired',
  'decision-accepted',
  'decision-refused',
  'binding-made',
  'binding-revoked',
  'binding-used',
  'use-refused',
  'execution-reported',
  'content-erased',
  'state-committed',
  'finding-raised',
]);

function isOfOtherRules(bytes: Uint8Array): boolean {
  let json: unknown;
  try {
    json = parseStrict(bytes);
  } catch {
    // Another error than that of the entry tells no more.
    return false;
  }
  const { v, type, rules_version: rules } = Object(json) as Record<string, unknown>;
  if (v !== 'countersign.entry.v1' || !KNOWN_TYPES.has(type)) return true;
  return type === 'ledger-founded' && rules !== 1 && rules !== 2;
}
