import type { Digest } from '@countersign/canonical';
import { itemsOf, type Action } from '@countersign/descriptors';
import type { AuthorityState } from './authority.ts';
import { BindingError } from './binding-error.ts';
import type { Escalation } from './escalation.ts';
import { PERMITS_MAX, joinOf } from './joined-rule.ts';
import { NOTHING_RECENT, type Recent } from './recent-counts.ts';
import type { OpenPolicy, PolicyAnswer, PolicyEngine, PolicySubject } from './policy-engine.ts';
import { APPROVERS_MAX, type ApprovalRule, type CedarPolicy, type RuleInForce } from './policy.ts';
import { canBeFilled } from './seat-matching.ts';

/** Persons of whom a policy is asked whether they may decide one action. */
const PERSONS_ASKED_MAX = 256;
/** Questions about them, of which a batch has one for each item. */
const QUESTIONS_MAX = 4_096;

/** What a policy of version 3 comes to for one action. */
export interface CedarSentence {
  /** The join of the rules, with the approvers as persons. */
  readonly rule: RuleInForce;
  /** Ids of the permits that were satisfied, in order. */
  readonly permits: readonly string[];
  /** What it was found by, of a policy that looks at the past. */
  readonly recent?: Recent;
}

/** What to ask, and of whom. */
export interface CedarCase extends PolicySubject {
  readonly policy: CedarPolicy;
  readonly digest: Digest;
  readonly engine: PolicyEngine;
  /** Natural persons with a key to sign with, in order: `enrolledPersons`. */
  readonly enrolled: readonly string[];
  /** Who may not decide by separation. */
  readonly excluded: readonly string[];
  readonly recent?: Recent;
}

/**
 * Which rules an action needs, and who may decide: schemas/formats/policy.md §7.4 and §7.5. Whatever cannot be told
 * is a no.
 *
 * @throws BindingError NO_POLICY, LIMIT_EXCEEDED; DescriptorError LIMIT_EXCEEDED
 */
export function cedarSentence(asked: CedarCase): CedarSentence {
  const open = asked.engine.open(asked.policy, asked.digest);
  if (open === undefined) throw noPolicy('a policy that parses');
  const permits = subjectsOf(asked).flatMap((each) => permitsOf(open, each));
  const whole = joinOf(asked.policy, new Set(permits.map((permit) => permit.rule)));
  if (whole === undefined) throw noPolicy('rules that somebody can satisfy together');
  const { escalation: named, ...rule } = whole;
  const ids = [...new Set(permits.map(({ id }) => id))].sort();
  if (ids.length > PERMITS_MAX) {
    throw new BindingError('LIMIT_EXCEEDED', `policy: expected at most ${PERMITS_MAX} permits`);
  }
  const approvers = decidersOf(open, asked, rule);
  const escalation = named && escalationOf(open, asked, named);
  return {
    rule: { ...rule, approvers, ...(escalation !== undefined && { escalation }) },
    permits: ids,
    ...(open.readsRecent && { recent: asked.recent ?? NOTHING_RECENT }),
  };
}

/** Of a batch also each item, as if it was asked for alone: all rules of both come together. */
function subjectsOf({ action, descriptor, agent, recent }: CedarCase): readonly PolicySubject[] {
  const { of } = descriptor;
  const items = itemsOf(descriptor, action);
  const { items: before = NOTHING_RECENT, ...own }: Recent = recent ?? NOTHING_RECENT;
  const alone = (each: Action, index: number): PolicySubject[] => {
    if (of === undefined) return [];
    // Asked for one by one, each would come after those before it.
    const counted = { count_1h: before.count_1h + index, count_24h: before.count_24h + index };
    return [{ action: each, descriptor: of, agent, recent: counted }];
  };
  return [{ action, descriptor, agent, recent: own }, ...items.flatMap(alone)];
}

/**
 * First without what the agent claims: that has to be enough. Then with it: it may add permits, each of which brings
 * its rule into the join, and take none away. So a claim only ever makes a rule stricter.
 */
function permitsOf(open: OpenPolicy, asked: PolicySubject): PolicyAnswer['permits'] {
  const plain = answerOf(open.ask(asked, 'without'));
  if (plain.length === 0) throw noPolicy('a permit that no claim is needed for');
  return open.readsClaims ? [...plain, ...answerOf(open.ask(asked, 'with'))] : plain;
}

function answerOf(answer: PolicyAnswer | undefined): PolicyAnswer['permits'] {
  if (answer === undefined) throw noPolicy('a policy that evaluates without error');
  if (answer.forbids.length > 0) throw noPolicy('an action that no policy forbids');
  return answer.permits;
}

function decidersOf(
  open: OpenPolicy,
  asked: CedarCase,
  rule: RuleInForce,
): ApprovalRule['approvers'] {
  const { approvers, approvals } = rule;
  const { enrolled, excluded } = asked;
  const named = approvers === 'any' ? enrolled : approvers.filter((id) => enrolled.includes(id));
  const allowed = allowedOf(open, asked, named);
  const isEnough = allowed.filter((person) => !excluded.includes(person)).length >= approvals;
  if (!isEnough || !canBeFilled({ ...rule, approvers: allowed }, excluded)) {
    throw noPolicy('as many persons who may decide as approvals, for each seat');
  }
  return approvers === 'any' && open.deciders === 'unsaid' ? approvers : allowed;
}

/** Whoever may not decide by the policy does not later either. Nobody left of them is no reason not to ask the others. */
function escalationOf(
  open: OpenPolicy,
  asked: CedarCase,
  { after_s, approvers: named }: Escalation,
): Escalation | undefined {
  const approvers = allowedOf(
    open,
    asked,
    named.filter((id) => asked.enrolled.includes(id)),
  );
  return approvers.length === 0 ? undefined : { after_s, approvers };
}

/** Natural persons with a key to sign with, in order. */
export function enrolledPersons(authority: AuthorityState): readonly string[] {
  const holders = new Set(authority.ofKind('credential').map(({ person }) => person));
  return authority
    .ofKind('person')
    .filter((person) => person.class === 'natural' && holders.has(person.id))
    .map(({ id }) => id)
    .sort();
}

function allowedOf(
  open: OpenPolicy,
  asked: CedarCase,
  persons: readonly string[],
): readonly string[] {
  if (open.deciders === 'unsaid') return persons;
  if (persons.length > PERSONS_ASKED_MAX) {
    throw new BindingError(
      'LIMIT_EXCEEDED',
      `policy: expected at most ${PERSONS_ASKED_MAX} persons`,
    );
  }
  const subjects = subjectsOf(asked);
  if (persons.length * subjects.length > QUESTIONS_MAX) {
    throw new BindingError('LIMIT_EXCEEDED', 'policy: expected fewer persons, or fewer items');
  }
  const allowed = persons.filter((person) =>
    subjects.every((subject) => mayDecide(open, subject, person)),
  );
  if (allowed.length > APPROVERS_MAX) {
    throw new BindingError('LIMIT_EXCEEDED', `policy: expected at most ${APPROVERS_MAX} approvers`);
  }
  return allowed;
}

/** With and without the claims: they may take a person away, and never bring one in. */
function mayDecide(open: OpenPolicy, asked: PolicySubject, person: string): boolean {
  const claims = open.readsClaims ? (['without', 'with'] as const) : (['without'] as const);
  return claims.every((each) => {
    const answer = open.decide(asked, each, person);
    if (answer === undefined) throw noPolicy('a policy that evaluates without error');
    return !answer.isForbidden && (open.deciders === 'forbidden' || answer.isPermitted);
  });
}

function noPolicy(expected: string): BindingError {
  return new BindingError('NO_POLICY', `policy: expected ${expected}`);
}

/** Refuses a policy that could not be applied as it stands. @throws BindingError SCHEMA_INVALID */
export function assertCedar(policy: CedarPolicy, engine: PolicyEngine): void {
  const [fault] = engine.faults(policy);
  if (fault === undefined) return;
  const { id, line, column, message } = fault;
  const place = [
    ...(id === undefined ? [] : [`policy ${id}`]),
    ...(line === undefined ? [] : [`line ${line}, column ${column ?? 1}`]),
  ];
  throw new BindingError('SCHEMA_INVALID', ['policy/cedar', ...place, message].join(': '));
}
