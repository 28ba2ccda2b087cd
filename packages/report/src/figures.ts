import type { Load, Verdict } from '@countersign/binding';
import { timestampMs } from '@countersign/canonical';
import { ReportError } from './report-error.ts';
import { rank, TimeToDecide, type DecideTimes } from './time-to-decide.ts';
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
  /** Of what each decision says of the hour before it; undefined where none does. */
  readonly load: LoadFigures | undefined;
}

export interface LoadFigures {
  readonly medianPrompts: number;
  readonly mostPrompts: number;
  readonly mostDecisions: number;
}

export interface Decided {
  readonly person: string;
  readonly verdict: Verdict;
  readonly at: string;
  /** When it was asked for. */
  readonly askedAt: string;
  /** As the ledger has counted it: schemas/formats/entries.md §10. */
  readonly load?: Load | undefined;
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
  readonly #prompts: number[] = [];
  #mostDecisions = 0;

  constructor(person: string) {
    this.#person = person;
  }

  note({ verdict, at, askedAt, load }: Decided): void {
    this.#verdicts[verdict] += 1;
    this.#days.note(at);
    this.#hours.note(at);
    // What was taken back had been decided before; how long that took tells nothing of the care of it.
    if (verdict !== 'revoke') this.#times.note(timestampMs(at) - timestampMs(askedAt));
    if (load === undefined) return;
    this.#prompts.push(load.prompts_1h);
    this.#mostDecisions = Math.max(this.#mostDecisions, load.decisions_1h);
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
      load: this.#load,
    };
  }

  get #load(): LoadFigures | undefined {
    if (this.#prompts.length === 0) return undefined;
    const sorted = [...this.#prompts].sort((a, b) => a - b);
    return {
      medianPrompts: rank(sorted, 0.5),
      mostPrompts: rank(sorted, 1),
      mostDecisions: this.#mostDecisions,
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
  readonly load: {
    readonly prompts_1h: { readonly median: number; readonly most: number };
    readonly decisions_1h: { readonly most: number };
  } | null;
};

export function figuresJson(of: PersonFigures): FiguresJson {
  const { times, denialRate, busiestHour, load } = of;
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
    load:
      load === undefined
        ? null
        : {
            prompts_1h: { median: load.medianPrompts, most: load.mostPrompts },
            decisions_1h: { most: load.mostDecisions },
          },
  };
}
