import type { Verdict } from '@countersign/binding';
import { timestampMs } from '@countersign/canonical';
import { DayCount } from './day-count.ts';
import { TimeToDecide, type DecideTimes } from './time-to-decide.ts';

/** How one person decided. */
export interface PersonFigures {
  readonly person: string;
  readonly approved: number;
  readonly denied: number;
  readonly takenBack: number;
  /** Of what was approved or denied; undefined where nothing was. */
  readonly denialRate: number | undefined;
  readonly times: DecideTimes | undefined;
  readonly days: number;
  readonly mostInADay: number;
  readonly mostOn: string;
}

export interface Decided {
  readonly person: string;
  readonly verdict: Verdict;
  readonly at: string;
  /** When it was asked for. */
  readonly askedAt: string;
}

/** How people decided in a period, out of the entries of the log. As many are held as there are persons. */
export class DecisionFigures {
  readonly #persons = new Map<string, PersonCount>();

  note(decided: Decided): void {
    const { person } = decided;
    let count = this.#persons.get(person);
    if (count === undefined) {
      count = new PersonCount(person);
      this.#persons.set(person, count);
    }
    count.note(decided);
  }

  /** By their ids. */
  get persons(): readonly PersonFigures[] {
    return [...this.#persons.values()]
      .map((count) => count.told)
      .sort((a, b) => (a.person < b.person ? -1 : 1));
  }
}

class PersonCount {
  readonly #person: string;
  readonly #verdicts: Record<Verdict, number> = { approve: 0, deny: 0, revoke: 0 };
  readonly #times = new TimeToDecide();
  readonly #days = new DayCount();

  constructor(person: string) {
    this.#person = person;
  }

  note({ verdict, at, askedAt }: Decided): void {
    this.#verdicts[verdict] += 1;
    this.#days.note(at);
    // What was taken back had been decided before; how long that took tells nothing of the care of it.
    if (verdict !== 'revoke') this.#times.note(timestampMs(at) - timestampMs(askedAt));
  }

  get told(): PersonFigures {
    const { approve, deny, revoke } = this.#verdicts;
    return {
      person: this.#person,
      approved: approve,
      denied: deny,
      takenBack: revoke,
      denialRate: approve + deny === 0 ? undefined : deny / (approve + deny),
      times: this.#times.told,
      days: this.#days.days,
      mostInADay: this.#days.most,
      mostOn: this.#days.mostOn,
    };
  }
}
