import type { Entry, EntryOf } from '@countersign/binding';
import { timestampMs } from '@countersign/canonical';
import { hold } from './invariant-broken.ts';

const HOUR = 60;

interface Told {
  readonly minute: number;
  readonly entry: EntryOf<'request-admitted' | 'decision-accepted'>;
}

/** What each decision says of the hour before it, counted request by request out of all that the log has told. */
export class LoadOracle {
  readonly #told: Told[] = [];

  note(entry: Entry): void {
    if (entry.type !== 'request-admitted' && entry.type !== 'decision-accepted') return;
    const minute = Math.floor(timestampMs(entry.at) / 60_000);
    if (entry.type === 'decision-accepted') this.#check(entry, minute);
    this.#told.push({ minute, entry });
  }

  /** Of the hour before this entry, which was noted already, or was never an admission. */
  promptsBefore(entry: Entry, person: string): number {
    const now = Math.floor(timestampMs(entry.at) / 60_000);
    return this.#told.filter(
      ({ minute, entry: each }) =>
        minute > now - HOUR &&
        each !== entry &&
        each.type === 'request-admitted' &&
        isAsked(each, person),
    ).length;
  }

  #check(
    { action_id: id, statement: { person }, load }: EntryOf<'decision-accepted'>,
    now: number,
  ): void {
    const hour = this.#told.filter(({ minute }) => minute > now - HOUR).map(({ entry }) => entry);
    const prompts = hour.filter(
      (entry) => entry.type === 'request-admitted' && isAsked(entry, person),
    );
    const decisions = hour.filter(
      (entry) => entry.type === 'decision-accepted' && entry.statement.person === person,
    );
    const isTold = load?.prompts_1h === prompts.length && load.decisions_1h === decisions.length;
    hold(
      isTold,
      'RULE',
      `${id}: ${prompts.length} prompts and ${decisions.length} decisions, told otherwise`,
    );
  }
}

export function isAsked(admission: EntryOf<'request-admitted'>, person: string): boolean {
  const { requirement, excluded, action } = admission;
  const { approvals, approvers, seats = [] } = requirement;
  if (excluded.some((each) => each.person === person)) return false;
  if (approvers !== 'any' && !approvers.includes(person)) return false;
  const { params } = JSON.parse(action ?? '{}') as { params?: { change?: Change } };
  const change = params?.change;
  if (partiesTo(change).includes(person)) return false;
  const seated = seats.reduce((sum, { count }) => sum + count, 0);
  return seated < approvals || seats.some((seat) => seat.approvers.includes(person));
}

type Change =
  | { readonly kind: 'reviewed'; readonly approvers: string[]; readonly concerned: string[] }
  | { readonly kind: 'recovery-started'; readonly person: string }
  | { readonly kind: 'deputy-named'; readonly deputy: string }
  | { readonly kind: 'any other' };

/** Who had a part in what is reviewed, whom a recovery is for, and who becomes a deputy. */
function partiesTo(change: Change | undefined): readonly string[] {
  if (change?.kind === 'reviewed') return [...change.approvers, ...change.concerned];
  if (change?.kind === 'deputy-named') return [change.deputy];
  return change?.kind === 'recovery-started' ? [change.person] : [];
}
