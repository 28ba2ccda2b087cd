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
    if (entry.type === 'decision-accepted') this.#check(entry);
    this.#told.push({ minute: minuteOf(entry.at), entry });
  }

  /** Of the hour before this entry, which was noted already, or was never an admission. */
  promptsBefore(entry: Entry, person: string): number {
    return this.#hourBefore(entry.at).filter((each) => each !== entry && isPrompt(each, person))
      .length;
  }

  /** How hard a person was pressed within the hour before that moment. */
  of(person: string, at: string): { readonly prompts_1h: number; readonly decisions_1h: number } {
    const hour = this.#hourBefore(at);
    return {
      prompts_1h: hour.filter((entry) => isPrompt(entry, person)).length,
      decisions_1h: hour.filter(
        (entry) => entry.type === 'decision-accepted' && entry.statement.person === person,
      ).length,
    };
  }

  #hourBefore(at: string): Told['entry'][] {
    const from = minuteOf(at) - HOUR;
    return this.#told.filter(({ minute }) => minute > from).map(({ entry }) => entry);
  }

  #check({ action_id: id, at, statement, load }: EntryOf<'decision-accepted'>): void {
    const counted = this.of(statement.person, at);
    const isTold =
      load?.prompts_1h === counted.prompts_1h && load.decisions_1h === counted.decisions_1h;
    hold(isTold, 'RULE', `${id}: expected ${JSON.stringify(counted)}, got ${JSON.stringify(load)}`);
  }
}

function isPrompt(entry: Told['entry'], person: string): boolean {
  return entry.type === 'request-admitted' && isAsked(entry, person);
}

function minuteOf(at: string): number {
  return Math.floor(timestampMs(at) / 60_000);
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
