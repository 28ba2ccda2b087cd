import {
  BreakGlassBook,
  isOfSecondGroup,
  parseExecutionReport,
  type BrokenGlass,
  type BindingRevoked,
  type DecisionAccepted,
  type Entry,
  type Leaf,
  type RequestAdmitted,
  type RequestRefused,
} from '@countersign/binding';
import { utf8 } from '@countersign/canonical';
import { newCase, type ActionCase, type CaseEnd, type GrowingCase } from './action-case.ts';
import { FiguresLog } from './figures-log.ts';
import type { PersonFigures } from './figures.ts';
import { ReportError } from './report-error.ts';
import { UnitCount } from './unit-count.ts';

/** Of a period, an action, or everything. */
export interface ReportScope {
  /** The first moment of the period. */
  readonly from?: string;
  /** The first moment after it. */
  readonly to?: string;
  readonly actionId?: string;
}

/** An entry of the log, at its place. */
export interface PlacedEntry {
  readonly index: number;
  readonly leaf: Leaf;
  readonly entry: Entry;
}

export interface PeriodTotals {
  readonly asked: number;
  /** Requests that no person ever saw. */
  readonly refused: number;
  readonly daysAsked: number;
  readonly mostAskedInADay: number;
  readonly mostAskedOn: string;
}

const CASES_MAX = 10_000;

/**
 * What a log tells of the actions that came to their end in a period. Entries are given in the order of the log. What is held are the requests that are open
 * at one time, which the ledger bounds, and the actions of the period, which `casesMax` does.
 */
export class PeriodLog {
  readonly #scope: ReportScope;
  readonly #casesMax: number;
  readonly #open = new Map<string, GrowingCase>();
  readonly #cases = new Map<string, GrowingCase>();
  readonly #figures: FiguresLog;
  readonly #asked = new UnitCount('day');
  readonly #breakGlass = new BreakGlassBook();
  #askedCount = 0;
  #refusedCount = 0;

  constructor(scope: ReportScope, casesMax: number = CASES_MAX) {
    this.#scope = scope;
    this.#casesMax = casesMax;
    this.#figures = new FiguresLog(scope);
  }

  /** @throws ReportError REPORT_TOO_LARGE */
  note(placed: PlacedEntry): void {
    const { entry, index, leaf } = placed;
    this.#breakGlass.note(entry, index);
    this.#figures.note(entry);
    if (entry.type === 'request-admitted') this.#admitted(entry, { index, leaf });
    else if (entry.type === 'request-refused') this.#refused(entry);
    else if (entry.type === 'decision-accepted') this.#decided(entry, placed);
    else if (entry.type === 'binding-revoked') this.#revoked(entry, placed);
    else if (entry.type === 'binding-made') this.#end(entry, 'bound', { index, leaf });
    else if (entry.type === 'request-denied') this.#end(entry, 'denied');
    else if (entry.type === 'request-expired') this.#end(entry, 'expired');
    else this.#followed(entry);
  }

  /** By the time at which they ended; then those that were asked for in the period and are open. */
  get cases(): readonly ActionCase[] {
    const open = [...this.#open.values()].filter(({ askedAt, actionId }) =>
      this.#isIn(askedAt, actionId),
    );
    return [...this.#cases.values(), ...open];
  }

  /** Of the whole log, not of the period: what is not reviewed is nobody's past. */
  get unreviewed(): readonly BrokenGlass[] {
    return this.#breakGlass.unreviewed;
  }

  get persons(): readonly PersonFigures[] {
    return this.#figures.persons;
  }

  get totals(): PeriodTotals {
    return {
      asked: this.#askedCount,
      refused: this.#refusedCount,
      daysAsked: this.#asked.units,
      mostAskedInADay: this.#asked.most,
      mostAskedOn: this.#asked.mostIn,
    };
  }

  #admitted(entry: RequestAdmitted, admission: ActionCase['admission']): void {
    const { action_id: actionId, at, supersedes } = entry;
    if (supersedes !== undefined) this.#end({ action_id: supersedes, at }, 'superseded');
    this.#open.set(actionId, newCase(entry, admission));
    if (!this.#isIn(at, actionId)) return;
    this.#askedCount += 1;
    this.#asked.note(at);
  }

  #refused({ at, action_id: actionId }: RequestRefused): void {
    if (this.#isIn(at, actionId)) this.#refusedCount += 1;
  }

  #decided(entry: DecisionAccepted | BindingRevoked, { index, leaf }: PlacedEntry): void {
    const { action_id: actionId, at, statement, proof_class: proofClass } = entry;
    const { person, verdict, claimed_dwell_ms: claimedDwellMs } = statement;
    const principal = entry.type === 'decision-accepted' ? entry.for : undefined;
    const found = this.#open.get(actionId) ?? this.#cases.get(actionId);
    if (found === undefined) return;
    found.decisions.push({
      person,
      ...(principal !== undefined && { principal }),
      // Anybody may revoke, and needs no group for it.
      isOfSecondGroup:
        verdict !== 'revoke' && isOfSecondGroup(found.requirement, principal ?? person),
      ...(claimedDwellMs !== undefined && { claimedDwellMs }),
      verdict,
      proofClass,
      at,
      index,
      leaf,
    });
  }

  #revoked(entry: BindingRevoked, placed: PlacedEntry): void {
    this.#decided(entry, placed);
    if (entry.binding === null) this.#end(entry, 'revoked');
    const found = this.#cases.get(entry.action_id);
    if (found !== undefined) found.revokedAt = entry.at;
  }

  /** What comes after the end. */
  #followed(entry: Entry): void {
    if (!('action_id' in entry)) return;
    const found = this.#cases.get(entry.action_id);
    if (found === undefined) return;
    if (entry.type === 'binding-used') found.uses += 1;
    else if (entry.type === 'execution-reported') found.result = resultIn(entry.report);
    else if (entry.type === 'content-erased') found.erasedAt = entry.at;
  }

  #end(
    { action_id: actionId, at }: { readonly action_id: string; readonly at: string },
    end: CaseEnd,
    binding?: ActionCase['binding'],
  ): void {
    const open = this.#open.get(actionId);
    this.#open.delete(actionId);
    if (open === undefined || !this.#isIn(at, actionId)) return;
    if (this.#cases.size >= this.#casesMax) {
      throw new ReportError(
        'REPORT_TOO_LARGE',
        `expected a period with at most ${this.#casesMax} actions`,
      );
    }
    this.#cases.set(actionId, Object.assign(open, { end, endedAt: at, binding }));
  }

  /** Times of the ledger are compared as text: schemas/formats/canonical-json.md §8. */
  #isIn(at: string, of: string | undefined): boolean {
    const { from = '', to, actionId } = this.#scope;
    return (
      (actionId === undefined || of === actionId) && at >= from && (to === undefined || at < to)
    );
  }
}

/** Of the payload that an executor has signed. */
function resultIn(report: string): string {
  return parseExecutionReport(utf8(report)).result;
}
