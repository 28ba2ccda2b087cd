import type { AuthorityChange, Entry, EntryOf, LedgerFounded } from '@countersign/binding';
import { hold } from './invariant-broken.ts';

interface Pending {
  readonly person: string;
  readonly opensMs: number;
  readonly endsMs: number;
}

type Started = Extract<AuthorityChange, { readonly kind: 'recovery-started' }>;
type Cancelled = Extract<AuthorityChange, { readonly kind: 'recovery-cancelled' }>;

const HOUR_MS = 3_600_000;
const WEEK_MS = 7 * 24 * HOUR_MS;

/** What is never so of recoveries, whatever the ledger makes of them: schemas/formats/authority.md §13. */
export class RecoveryOracle {
  readonly #pending = new Map<string, Pending>();
  /** How often somebody enrolled by one. */
  used = 0;
  #rule: LedgerFounded['recovery'] = { quorum: 0 };
  /** Of the alarm whose binding is the next entry. */
  #alarmed: string | undefined;

  found({ recovery }: LedgerFounded): void {
    this.#rule = recovery;
  }

  /** By invitation: what can still be used, or cancelled. */
  get pending(): ReadonlyMap<string, Pending> {
    return this.#pending;
  }

  /** Before an entry is looked at. */
  note(entry: Entry): void {
    const alarmed = this.#alarmed;
    this.#alarmed = undefined;
    const isRecovery =
      entry.type === 'binding-made' && entry.action_type.name === 'authority.recovery';
    const bound = isRecovery ? entry.action_id : undefined;
    hold(alarmed === bound, 'RULE', `${alarmed ?? bound ?? ''}: a recovery without its alarm`);
    if (entry.type === 'finding-raised' && entry.finding === 'RECOVERY_STARTED') {
      this.#alarmed = entry.about.action_id;
    }
  }

  started(
    { person, invitation, delay_h }: Started,
    binding: Entry | undefined,
    atMs: number,
  ): void {
    const persons = signersOf(binding);
    hold(persons.size >= this.#rule.quorum, 'RULE', `${person}: recovered by too few`);
    hold(!persons.has(person), 'RULE', `${person}: recovered by themselves`);
    hold(delay_h === this.#rule.delay_h, 'RULE', `${person}: recovered by another delay`);
    const isFirst = [...this.#pending.values()].every(
      (each) => each.person !== person || each.endsMs < atMs,
    );
    hold(isFirst, 'RULE', `${person}: recovered twice at a time`);
    const opensMs = atMs + delay_h * HOUR_MS;
    this.#pending.set(invitation.id, { person, opensMs, endsMs: opensMs + WEEK_MS });
  }

  cancelled({ person, invitation }: Cancelled, binding: Entry | undefined): void {
    hold(signersOf(binding).size >= 1, 'RULE', `${person}: cancelled by nobody`);
    hold(this.#pending.get(invitation)?.person === person, 'RULE', `${person}: nothing to cancel`);
    this.#pending.delete(invitation);
  }

  /** Whether an enrolment ends a recovery, and then every other key of that person. */
  enrolled(
    { person, invitation }: { readonly person: string; readonly invitation: string },
    atMs: number,
  ): boolean {
    const own = this.#pending.get(invitation);
    if (own === undefined) return false;
    const isInTime = own.opensMs <= atMs && atMs <= own.endsMs && own.person === person;
    hold(isInTime, 'RULE', `${person}: recovered before its time, or after`);
    this.used += 1;
    for (const [id, each] of this.#pending) if (each.person === person) this.#pending.delete(id);
    return true;
  }
}

function signersOf(binding: Entry | undefined): ReadonlySet<string> {
  const { decisions = [] } = (binding ?? {}) as Partial<EntryOf<'binding-made'>>;
  return new Set(decisions.map(({ person }) => person));
}
