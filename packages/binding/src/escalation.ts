import { formatTimestamp, timestampMs } from '@countersign/canonical';
import { BindingError } from './binding-error.ts';
import type { RulesVersion } from './rules-version.ts';
import { isFor, type Quorum } from './seat-matching.ts';
import { integer, invalid, object, type Members, type Shape } from './shape.ts';

/** Who decides besides the approvers of a rule, once a request waits for so long: schemas/formats/policy.md §14. */
interface EscalationTo<A> {
  readonly after_s: number;
  readonly approvers: A;
}

export type Escalation = EscalationTo<readonly string[]>;

/** Of a rule, or of a requirement. */
export interface Escalating<A = readonly string[]> {
  readonly escalation?: EscalationTo<A>;
}

interface EscalatingRule extends Escalating, Quorum {
  readonly decide_within_s: number;
}

/** What an admission and its binding say of it. */
interface Escalated {
  readonly requirement: Escalating & Quorum;
  /** From when the second group decides too: frozen, so that nobody has to look for the admission. */
  readonly escalates_at?: string;
}

const AFTER_MAX_S = 2_591_999;

export function escalationTo<A extends object>(approvers: Shape<A>): Shape<EscalationTo<A>> {
  const members = { after_s: integer(1, AFTER_MAX_S), approvers };
  return object<EscalationTo<A>>(members as unknown as Members<EscalationTo<A>>);
}

export function assertEscalation(rule: EscalatingRule, path: string): void {
  const { escalation, approvers, seats, decide_within_s: lastsS } = rule;
  if (escalation === undefined) return;
  if (escalation.after_s >= lastsS) {
    throw invalid(`${path}/escalation/after_s`, 'fewer seconds than decide_within_s');
  }
  if (approvers === 'any') {
    throw invalid(`${path}/escalation`, 'approvers who are named, for any leaves nobody to add');
  }
  // Who of a second group would fill whose seat nobody could read out of it.
  if (seats !== undefined) throw invalid(`${path}/escalation`, 'no seats beside it');
}

/** When a request that is admitted now goes on to the second group. @throws BindingError NO_POLICY */
export function escalatesAt(
  { escalation }: Escalating,
  { atMs, rules }: { readonly atMs: number; readonly rules: RulesVersion },
): string | undefined {
  if (escalation === undefined) return undefined;
  // By rules 1 nobody would let the second group decide, and it would be asked for nothing.
  if (rules < 2) {
    throw new BindingError('NO_POLICY', 'request: expected a ledger that knows escalation');
  }
  return escalationTime(escalation, atMs);
}

export function escalationTime({ after_s: afterS }: Escalation, admittedMs: number): string {
  return formatTimestamp(admittedMs + afterS * 1_000);
}

/** Whom a request can be decided by at this moment: attack row D11. */
export function quorumAt({ requirement, escalates_at }: Escalated, atMs: number): Quorum {
  const { escalation, approvers } = requirement;
  const isDue = escalates_at !== undefined && timestampMs(escalates_at) <= atMs;
  if (escalation === undefined || approvers === 'any' || !isDue) return requirement;
  return { ...requirement, approvers: [...approvers, ...escalation.approvers] };
}

/** When somebody may decide who may not yet; undefined for whoever may, and whoever never will. */
export function eligibleFrom(request: Escalated, person: string, atMs: number): string | undefined {
  const { requirement, escalates_at } = request;
  const isLater =
    isOfSecondGroup(requirement, person) && !isFor(quorumAt(request, atMs).approvers, person);
  return isLater ? escalates_at : undefined;
}

/** Whether somebody may decide only because a request went on to others. */
export function isOfSecondGroup(requirement: Escalating & Quorum, person: string): boolean {
  return isNamed(requirement, person) && !isFor(requirement.approvers, person);
}

/** Whether whoever has a voice in a binding had it when it was given. */
export function hadVoice(
  binding: Escalated & { readonly at: string },
  { at }: { readonly at?: string },
  person: string,
): boolean {
  if (isFor(binding.requirement.approvers, person)) return true;
  // Times of this form sort as their text does (canonical-json.md §8).
  const isTold = at !== undefined && at <= binding.at;
  return isTold && isFor(quorumAt(binding, timestampMs(at)).approvers, person);
}

/** Whether a later rule still lets somebody decide who did as one of a second group, and no later than they could. */
export function isStillEscalated(
  now: Escalating,
  was: Escalating & Quorum,
  person: string,
): boolean {
  // Who was named by the rule as well may not have waited.
  const hasWaited = isOfSecondGroup(was, person);
  const afterS = was.escalation?.after_s ?? 0;
  return hasWaited && isNamed(now, person) && (now.escalation?.after_s ?? Infinity) <= afterS;
}

function isNamed({ escalation }: Escalating, person: string): boolean {
  return escalation?.approvers.includes(person) === true;
}

/**
 * What holds all of these rules: nobody decides before the last of them lets them, and whoever does is named by the second group
 * of each rule that has one, and by the approvers of each that has none. Undefined where that is nobody, or never.
 */
export function joinedEscalation(
  rules: readonly (Escalating & Quorum)[],
  joint: Omit<EscalatingRule, 'escalation'>,
): Escalation | undefined {
  const [first, ...others] = rules.flatMap(({ escalation }) =>
    escalation === undefined ? [] : [escalation],
  );
  if (first === undefined || joint.seats !== undefined) return undefined;
  const after_s = Math.max(first.after_s, ...others.map((each) => each.after_s));
  const approvers = first.approvers
    .filter((person) =>
      rules.every((rule) => isFor(rule.escalation?.approvers ?? rule.approvers, person)),
    )
    .sort();
  const isAny = approvers.length > 0 && after_s < joint.decide_within_s;
  return isAny ? { after_s, approvers } : undefined;
}
