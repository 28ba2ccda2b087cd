/** Who may have a say in this model, in the order of their ids; of the owner of the agent it is never heard. */
export type Voter = 'owner' | 'alice' | 'bob' | 'carol' | 'dave';

export const VOTERS: readonly Voter[] = ['owner', 'alice', 'bob', 'carol', 'dave'];

interface Seat {
  readonly of: readonly Voter[];
}

/** How far people may be asked. */
interface ModelAsking {
  readonly promptsMax?: number;
  readonly openMax?: number;
  /** In minutes of the day. */
  readonly quiet?: readonly (readonly [from: number, to: number])[];
}

/** Of a key that somebody vouches for: who made it, and which model it is. */
export type Make = 'acme one' | 'acme two' | 'other one';

/** A rule for all commands, as somebody would tell it to a friend. */
export interface ModelRule {
  readonly name: string;
  readonly approvals: number;
  readonly uses: number;
  readonly seats?: readonly Seat[];
  readonly ordered?: boolean;
  readonly windowMs?: number;
  readonly confirm?: boolean;
  readonly asking?: ModelAsking;
  /** Anybody, unless given. */
  readonly approvers?: readonly Voter[];
  /** Who may decide besides them once a request has waited so long. */
  readonly escalation?: { readonly afterMs: number; readonly to: readonly Voter[] };
  /** Of the keys that count; any, unless given. */
  readonly attested?: readonly Make[];
}

export function isNamed({ approvers, seats }: ModelRule, voter: Voter): boolean {
  const isApprover = approvers === undefined || approvers.includes(voter);
  return isApprover && (seats === undefined || seats.some(({ of }) => of.includes(voter)));
}

export function isNamedLater({ escalation }: ModelRule, voter: Voter): boolean {
  return escalation?.to.includes(voter) === true;
}

/** The rule of a request that has waited so long. */
export function ruleAfter(rule: ModelRule, waitedMs: number): ModelRule {
  const { approvers, escalation } = rule;
  if (approvers === undefined || escalation === undefined) return rule;
  return waitedMs < escalation.afterMs
    ? rule
    : { ...rule, approvers: [...approvers, ...escalation.to] };
}

/** The rule as a request is admitted by it: of whom it names, these are left. */
export function ruleAmong(rule: ModelRule, voters: readonly Voter[]): ModelRule {
  const { approvers, escalation, ...others } = rule;
  const left = (named: readonly Voter[]): readonly Voter[] =>
    named.filter((voter) => voters.includes(voter));
  const to = left(escalation?.to ?? []);
  return {
    ...others,
    ...(approvers !== undefined && { approvers: left(approvers) }),
    ...(escalation !== undefined && to.length > 0 && { escalation: { ...escalation, to } }),
  };
}

/** Whether some of these persons could approve together what the rule asks for. */
export function areEnough(rule: ModelRule, voters: readonly Voter[]): boolean {
  const named = voters.filter((voter) => isNamed(rule, voter));
  return subsets(named, rule.approvals).some((some) => fits(some, rule.seats));
}

export function placeRefusal(
  rule: ModelRule,
  taken: readonly Voter[],
  voter: Voter,
): 'NOT_ELIGIBLE' | 'ORDER' | undefined {
  if (rule.seats === undefined) return undefined;
  if (!isNamed(rule, voter)) return 'NOT_ELIGIBLE';
  if (rule.ordered !== true) {
    return fits([...taken, voter], rule.seats) ? undefined : 'NOT_ELIGIBLE';
  }
  const [next, ...later] = rule.seats.slice(taken.length);
  const left = later.length === 0 || canFill(later, [...taken, voter]);
  if (next?.of.includes(voter) === true && left) return undefined;
  return later.some(({ of }) => of.includes(voter)) ? 'ORDER' : 'NOT_ELIGIBLE';
}

/** Whether the seats could be filled by others than these, by trying everybody. */
function canFill(seats: readonly Seat[], out: readonly Voter[]): boolean {
  const [first, ...rest] = seats;
  if (first === undefined) return true;
  return first.of.some(
    (voter) => voter !== 'owner' && !out.includes(voter) && canFill(rest, [...out, voter]),
  );
}

/** Whether all of them could sit at once, by trying every way. */
function fits(voters: readonly Voter[], seats: readonly Seat[] | undefined): boolean {
  const [first, ...rest] = voters;
  if (first === undefined || seats === undefined) return true;
  return seats.some(
    ({ of }, at) =>
      of.includes(first) &&
      fits(
        rest,
        seats.filter((_, other) => other !== at),
      ),
  );
}

function subsets<T>(all: readonly T[], size: number): readonly (readonly T[])[] {
  if (size === 0) return [[]];
  return all.flatMap((first, at) =>
    subsets(all.slice(at + 1), size - 1).map((rest) => [first, ...rest]),
  );
}
