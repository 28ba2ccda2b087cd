import { type Entry, type EntryOf, parseExecutionReport } from '@countersign/binding';
import { timestampMs, utf8 } from '@countersign/canonical';
import { admit } from './admission-oracle.ts';
import { changeAuthority } from './authority-oracle.ts';
import { bind, revoke } from './binding-oracle.ts';
import { acceptDecision } from './decision-oracle.ts';
import { fixedRules } from './fixed-rules.ts';
import { hold } from './invariant-broken.ts';
import type { OracleEntry } from './log-oracle.ts';
import { TENANT } from './population.ts';
import { refuse } from './refusal-oracle.ts';
import { RuleState } from './rule-state.ts';
import { use } from './use-oracle.ts';

/**
 * The rules of the ledger, written a second time and from the other side: not what an input comes to, but
 * what an entry may never say. It shares the formats with the ledger, and no decision.
 */
export class RuleOracle extends RuleState {
  accept(placed: OracleEntry): void {
    const atMs = timestampMs(placed.entry.at);
    hold(atMs >= this.lastMs, 'TIME', `entry ${placed.index} is before the one before it`);
    hold(placed.entry.tenant === TENANT, 'RULE', `entry ${placed.index} of another tenant`);
    this.lastMs = atMs;
    this.glass.note(placed.entry, atMs);
    this.load.note(placed.entry);
    this.recovery.note(placed.entry);
    this.#acceptEntry(placed.entry, placed);
    this.last = placed;
  }

  #acceptEntry(entry: Entry, placed: OracleEntry): void {
    switch (entry.type) {
      case 'ledger-founded':
        this.#found(entry);
        return;
      case 'authority-changed':
        changeAuthority(this, entry);
        return;
      case 'request-admitted':
        admit(this, entry, placed.leaf);
        return;
      case 'request-denied':
      case 'request-expired':
        this.#endOpen(entry);
        return;
      case 'decision-accepted':
        acceptDecision(this, entry, placed.leaf);
        return;
      case 'binding-made':
      case 'binding-revoked':
      case 'binding-used':
        this.#acceptBinding(entry, placed);
        return;
      case 'execution-reported':
        this.#report(entry);
        return;
      case 'content-erased':
        this.#erase(entry);
        return;
      case 'request-refused':
      case 'decision-refused':
      case 'use-refused':
        refuse(this, entry);
        return;
      case 'finding-raised':
        this.#find(entry);
        return;
      case 'state-committed':
        return;
    }
  }

  #endOpen(entry: EntryOf<'request-denied' | 'request-expired'>): void {
    if (entry.type === 'request-denied') this.#deny(entry);
    else this.#expire(entry);
  }

  #acceptBinding(
    entry: EntryOf<'binding-made' | 'binding-revoked' | 'binding-used'>,
    placed: OracleEntry,
  ): void {
    if (entry.type === 'binding-made') bind(this, entry, placed);
    else if (entry.type === 'binding-used') use(this, entry, placed.index);
    else revoke(this, entry);
  }

  #found(entry: EntryOf<'ledger-founded'>): void {
    this.bootstrap = entry.bootstrap;
    this.separation = entry.separation;
    this.recovery.found(entry);
    this.fixed = fixedRules(entry);
    this.policy = entry.policy;
    this.first = entry.policy;
    for (const member of entry.members) this.set(member);
    this.company.founded(entry.members);
  }

  #deny(entry: EntryOf<'request-denied'>): void {
    const action = this.end(entry.action_id, 'denied');
    const isTrue = action.denial !== undefined && action.denial === entry.decision;
    hold(isTrue, 'FORGED', `${action.id}: denied by nobody`);
  }

  #expire(entry: EntryOf<'request-expired'>): void {
    const action = this.end(entry.action_id, 'expired');
    const decideByMs = timestampMs(action.admission.decide_by);
    hold(this.lastMs > decideByMs, 'EXPIRED_TOO_EARLY', action.id);
  }

  #report(entry: EntryOf<'execution-reported'>): void {
    const action = this.known(entry.action_id);
    const use = action.uses.get(entry.use_id);
    const { result } = parseExecutionReport(utf8(entry.report));
    const isClearing =
      (action.admission.bounds ?? action.admission.batch) !== undefined &&
      use?.result === 'unknown' &&
      result !== 'unknown';
    const isFirst = use !== undefined && use.result === undefined;
    hold(isFirst || isClearing, 'RULE', `${entry.use_id}: reported without a use, or again`);
    use.result = result;
    hold(this.truth.payloads.has(entry.report), 'FORGED', `${entry.use_id}: nobody's report`);
  }

  #erase(entry: EntryOf<'content-erased'>): void {
    const action = this.known(entry.action_id);
    const isOver = action.status !== 'pending' && !action.isErased;
    hold(isOver, 'RULE', `${action.id}: erased while open, or again`);
    hold(this.truth.payloads.has(entry.request), 'FORGED', `${action.id}: nobody's erasure`);
    action.isErased = true;
  }

  /** What somebody found is what an operator has signed. */
  #find({ submission, about, finding }: EntryOf<'finding-raised'>): void {
    if (submission === undefined) return;
    const signer = this.truth.payloads.get(submission.payload);
    hold(signer !== undefined && signer === about.agent, 'FORGED', `${finding}: nobody's finding`);
    hold(signer === 'operator', 'RULE', `${finding}: of one who may not`);
  }
}
