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

function isAsked(admission: EntryOf<'request-admitted'>, person: string): boolean {
  const { requirement, excluded, action } = admission;
  const { approvals, approvers, seats = [] } = requirement;
  if (excluded.some((each) => each.person === person)) return false;
  if (approvers !== 'any' && !approvers.includes(person)) return false;
  const change = (JSON.parse(action ?? '{}') as { params?: { change?: Reviewed } }).params?.change;
  const parties = change?.kind === 'reviewed' ? [...change.approvers, ...change.concerned] : [];
  if (parties.includes(person)) return false;
  const seated = seats.reduce((sum, { count }) => sum + count, 0);
  return seated < approvals || seats.some((seat) => seat.approvers.includes(person));
}

interface Reviewed {
  readonly kind: string;
  readonly approvers: readonly string[];
  readonly concerned: readonly string[];
}
