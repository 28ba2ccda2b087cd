import type { Verdict } from '@countersign/binding';
import { timestampMs } from '@countersign/canonical';
import { ReportError } from './report-error.ts';
import { TimeToDecide, type DecideTimes } from './time-to-decide.ts';
import { UnitCount } from './unit-count.ts';

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
  readonly busiestHour: { readonly hour: string; readonly decisions: number };
}

export interface Decided {
  readonly person: string;
  readonly verdict: Verdict;
  readonly at: string;
  /** When it was asked for. */
  readonly askedAt: string;
}

/** Of one answer or report: its times are held to find the middle one. */
export const DECISIONS_MAX = 100_000;

/** How people decided in a period. Decisions are given in the order of the log. */
export class DecisionFigures {
  readonly #persons = new Map<string, PersonCount>();
  #count = 0;

  /** @throws ReportError REPORT_TOO_LARGE */
  note(decided: Decided): void {
    if (this.#count >= DECISIONS_MAX) {
      throw new ReportError(
        'REPORT_TOO_LARGE',
        `expected a period with at most ${DECISIONS_MAX} decisions`,
      );
    }
    this.#count += 1;
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
  readonly #days = new UnitCount('day');
  readonly #hours = new UnitCount('hour');

  constructor(person: string) {
    this.#person = person;
  }

  note({ verdict, at, askedAt }: Decided): void {
    this.#verdicts[verdict] += 1;
    this.#days.note(at);
    this.#hours.note(at);
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
      days: this.#days.units,
      mostInADay: this.#days.most,
      mostOn: this.#days.mostIn,
      busiestHour: { hour: `${this.#hours.mostIn}:00:00.000Z`, decisions: this.#hours.most },
    };
  }
}

/** As an answer has them: docs/http.md. In whole numbers, as everything that passes the strict gate. */
export type FiguresJson = {
  readonly person: string;
  readonly approved: number;
  readonly denied: number;
  readonly taken_back: number;
  readonly denied_per_mille: number | null;
  readonly time_to_decide: {
    readonly median_ms: number;
    readonly p90_ms: number;
    readonly shortest_ms: number;
    readonly longest_ms: number;
    readonly under_10_s: number;
  } | null;
  readonly busiest_hour: { readonly hour: string; readonly decisions: number };
  readonly busiest_day: { readonly day: string; readonly decisions: number };
  readonly days: number;
};

export function figuresJson(of: PersonFigures): FiguresJson {
  const { times, denialRate, busiestHour } = of;
  return {
    person: of.person,
    approved: of.approved,
    denied: of.denied,
    taken_back: of.takenBack,
    denied_per_mille: denialRate === undefined ? null : Math.round(denialRate * 1_000),
    time_to_decide:
      times === undefined
        ? null
        : {
            median_ms: times.medianMs,
            p90_ms: times.p90Ms,
            shortest_ms: times.shortestMs,
            longest_ms: times.longestMs,
            under_10_s: times.quick,
          },
    busiest_hour: { ...busiestHour },
    busiest_day: { day: of.mostOn, decisions: of.mostInADay },
    days: of.days,
  };
}
