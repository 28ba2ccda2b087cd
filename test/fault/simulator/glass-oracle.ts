import type { Entry, EntryOf } from '@countersign/binding';
import { hold } from './invariant-broken.ts';

interface Waiting {
  readonly byMs: number;
  isTold: boolean;
}

/** What is never so of emergencies, whatever the ledger makes of them: schemas/formats/policy.md §11. */
export class GlassOracle {
  readonly #waiting = new Map<string, Waiting>();
  /** Of the binding that the next entry has to raise the alarm about. */
  #owed: string | undefined;

  /** Before an entry is looked at. */
  note(entry: Entry, atMs: number): void {
    const finding = entry.type === 'finding-raised' ? entry.finding : undefined;
    const id = entry.type === 'finding-raised' ? (entry.about.action_id ?? '') : '';
    const owed = this.#owed;
    const isAlarm = finding === 'BREAK_GLASS' && id === owed;
    hold(isAlarm || owed === undefined, 'RULE', `${owed ?? ''}: no alarm`);
    hold(isAlarm || finding !== 'BREAK_GLASS', 'RULE', `${id}: an alarm about nothing`);
    this.#owed = undefined;
    if (finding === 'BREAK_GLASS_UNREVIEWED') this.#tell(id, atMs);
    else if ('input' in entry) this.#assertTold(atMs);
  }

  admitted({ action_id: id, requirement }: EntryOf<'request-admitted'>, atMs: number): void {
    const isFree = requirement.break_glass === undefined || !this.#isOverdue(atMs);
    hold(isFree, 'RULE', `${id}: an emergency while the review of another is overdue`);
  }

  bound({ action_id: id, requirement }: EntryOf<'binding-made'>, atMs: number): void {
    const { break_glass: glass } = requirement;
    if (glass === undefined) return;
    hold(!this.#isOverdue(atMs), 'RULE', `${id}: bound while the review of another is overdue`);
    this.#waiting.set(id, { byMs: atMs + glass.review_within_s * 1_000, isTold: false });
    this.#owed = id;
  }

  /** Two persons have said what they think of it. */
  reviewed(id: string): void {
    hold(this.#waiting.delete(id), 'RULE', `${id}: reviewed, and nobody had to, or again`);
  }

  #tell(id: string, atMs: number): void {
    const waiting = this.#waiting.get(id);
    const isSo = waiting !== undefined && !waiting.isTold && waiting.byMs < atMs;
    hold(isSo, 'RULE', `${id}: said to be unreviewed too early, or again`);
    waiting.isTold = true;
  }

  /** Like requests: what is due is said before anything is answered. */
  #assertTold(atMs: number): void {
    for (const [id, { byMs, isTold }] of this.#waiting) {
      hold(isTold || byMs >= atMs, 'RULE', `${id}: nobody has said that its review is overdue`);
    }
  }

  #isOverdue(atMs: number): boolean {
    return [...this.#waiting.values()].some(({ byMs }) => byMs < atMs);
  }
}
