import type { RefusalCode } from '@countersign/binding';

/** What an input comes to: how it is taken, or the code of its refusal. */
export type Answer = 'accepted' | 'repeated' | 'held' | RefusalCode;

/** Who may have a say in this model; of the owner of the agent it is never heard. */
export type Voter = 'alice' | 'bob' | 'carol' | 'owner';

interface Seat {
  readonly of: readonly Voter[];
}

/** A rule for all commands, as somebody would tell it to a friend. */
export interface ModelRule {
  readonly name: string;
  readonly approvals: number;
  readonly uses: number;
  readonly seats?: readonly Seat[];
  readonly ordered?: boolean;
  readonly windowMs?: number;
  readonly confirm?: boolean;
}

export const DECIDE_MS = 900_000;
export const USE_MS = 600_000;
/** schemas/formats/entries.md: for how long a ledger knows an answer, holds a decision, and takes a clock to be right. */
const ANSWERED_MS = 600_000;
const HOLD_MS = 60_000;
const SKEW_MS = 300_000;

export interface RequestLetter {
  readonly kind: 'request';
  readonly id: number;
  readonly ask: number;
}

export interface DecisionLetter {
  readonly kind: 'decision';
  readonly id: number;
  readonly ask: number;
  readonly voter: Voter;
  readonly verdict: 'approve' | 'deny' | 'revoke';
  readonly untilMs: number;
  /** The admission that it names, as an opaque mark. */
  readonly cites: string;
  readonly typed: 'right' | 'wrong' | 'nothing';
}

export interface UseLetter {
  readonly kind: 'use';
  readonly id: number;
  readonly ask: number;
  readonly use: string;
  readonly claimedMs: number;
  /** Made when there was a binding to name. */
  readonly namesBinding: boolean;
}

export interface ReportLetter {
  readonly kind: 'report';
  readonly id: number;
  readonly ask: number;
  readonly use: string;
  readonly result: string;
}

export type Letter = RequestLetter | DecisionLetter | UseLetter | ReportLetter;

interface Approval {
  readonly voter: Voter;
  readonly atMs: number;
  readonly untilMs: number;
}

interface Ask {
  readonly rule: ModelRule;
  readonly admission: string;
  readonly epoch: number;
  readonly decideByMs: number;
  /** What was said and taken. */
  readonly said: Set<string>;
  status: 'pending' | 'bound' | 'denied' | 'expired' | 'revoked';
  approvals: Approval[];
  useByMs: number;
  /** The result of each use, once it is told. */
  readonly uses: Map<string, string | undefined>;
}

/**
 * The rules of the decider once more, as plainly as they can be told: one map, no drafts, no entries, no crypto. What it
 * expects of each input is the whole answer, the code of a refusal included.
 */
export class DeciderModel {
  readonly asks = new Map<number, Ask>();
  readonly keys = new Set<Voter>(['alice', 'bob', 'carol', 'owner']);
  rule: ModelRule;
  nowMs: number;
  epoch = 0;
  isFrozen = false;
  held: { readonly letter: DecisionLetter; readonly atMs: number }[] = [];
  readonly #answered = new Map<string, number>();

  constructor(rule: ModelRule, nowMs: number) {
    this.rule = rule;
    this.nowMs = nowMs;
  }

  /** Whatever comes next, first ends what is over. */
  sweep(): void {
    for (const ask of this.asks.values()) {
      if (ask.status === 'pending' && ask.decideByMs < this.nowMs) ask.status = 'expired';
    }
    const orphans = this.held.filter(({ atMs }) => atMs + HOLD_MS < this.nowMs);
    for (const { letter } of orphans) this.#answered.set(inputOf(letter), this.nowMs);
    this.held = this.held.filter((each) => !orphans.includes(each));
  }

  /** @param admission the mark of the admission, if the ledger made one */
  answer(letter: Letter, admission: string): Answer {
    this.sweep();
    if ((this.#answered.get(inputOf(letter)) ?? -Infinity) + ANSWERED_MS >= this.nowMs)
      return 'repeated';
    const answer = this.#answerTo(letter, admission);
    if (answer !== 'held' && answer !== 'repeated') this.#answered.set(inputOf(letter), this.nowMs);
    return answer;
  }

  #answerTo(letter: Letter, admission: string): Answer {
    switch (letter.kind) {
      case 'request':
        return this.#request(letter, admission);
      case 'decision':
        return this.#decision(letter);
      case 'use':
        return this.#use(letter);
      case 'report':
        return this.#report(letter);
    }
  }

  #request({ ask: number }: RequestLetter, admission: string): Answer {
    if (this.asks.has(number)) return 'repeated';
    const voters = [...this.keys].filter((voter) => voter !== 'owner');
    const isPossible = subsets(voters, this.rule.approvals).some((some) =>
      fits(some, this.rule.seats),
    );
    if (!isPossible) return 'NO_POLICY';
    if (this.isFrozen) return 'FROZEN';
    this.asks.set(number, {
      rule: this.rule,
      admission,
      epoch: this.epoch,
      decideByMs: this.nowMs + DECIDE_MS,
      said: new Set(),
      status: 'pending',
      approvals: [],
      useByMs: 0,
      uses: new Map(),
    });
    const waiting = this.held.filter(({ letter }) => letter.ask === number);
    this.held = this.held.filter(({ letter }) => letter.ask !== number);
    for (const { letter } of waiting) {
      if (this.#decision(letter) !== 'repeated') this.#answered.set(inputOf(letter), this.nowMs);
    }
    return 'accepted';
  }

  #decision(letter: DecisionLetter): Answer {
    if (!this.keys.has(letter.voter)) return 'KEY_NOT_ENROLLED_AT_TIME';
    const ask = this.asks.get(letter.ask);
    if (ask === undefined) {
      const isHeld = this.held.some((each) => each.letter.id === letter.id);
      if (!isHeld) this.held = [...this.held, { letter, atMs: this.nowMs }];
      return 'held';
    }
    const { voter, verdict, untilMs, cites, typed } = letter;
    const words = JSON.stringify([voter, verdict, untilMs, cites, typed]);
    if (ask.said.has(words)) return 'repeated';
    const answer = this.#judge(ask, letter);
    if (answer === 'accepted') ask.said.add(words);
    return answer;
  }

  #judge(ask: Ask, letter: DecisionLetter): Answer {
    if (letter.cites !== ask.admission) return 'ADMISSION_MISMATCH';
    if (letter.untilMs < this.nowMs) return 'EXPIRED';
    if (letter.verdict === 'revoke') {
      if (ask.status !== 'pending' && ask.status !== 'bound') return late(ask);
      ask.status = 'revoked';
      return 'accepted';
    }
    if (ask.status !== 'pending') return late(ask);
    return letter.verdict === 'deny' ? this.#deny(ask, letter) : this.#approve(ask, letter);
  }

  #deny(ask: Ask, { voter }: DecisionLetter): Answer {
    if (voter === 'owner') return 'OWNER_APPROVAL';
    if (this.#live(ask).some((each) => each.voter === voter)) return 'ALREADY_DECIDED';
    if (!isNamed(ask.rule, voter)) return 'NOT_ELIGIBLE';
    ask.status = 'denied';
    return 'accepted';
  }

  #approve(ask: Ask, { voter, untilMs, typed }: DecisionLetter): Answer {
    const { rule } = ask;
    if (this.isFrozen) return 'FROZEN';
    if (ask.epoch !== this.epoch) return 'EPOCH_ENDED';
    if (voter === 'owner') return 'OWNER_APPROVAL';
    const wanted = rule.confirm === true ? 'right' : 'nothing';
    if (typed !== wanted) {
      return typed === 'nothing' ? 'CONFIRMATION_REQUIRED' : 'CONFIRMATION_MISMATCH';
    }
    const live = this.#live(ask);
    if (live.some((each) => each.voter === voter)) return 'ALREADY_DECIDED';
    const refusal = placeRefusal(rule, namesOf(live), voter);
    if (refusal === 'ORDER') {
      const late = inTurn(rule, this.#standing(ask));
      return placeRefusal(rule, namesOf(late), voter) === undefined ? 'WINDOW' : 'ORDER';
    }
    if (refusal !== undefined) return refusal;
    const all = [...live, { voter, atMs: this.nowMs, untilMs }];
    const isQuorum = all.length >= rule.approvals;
    if (isQuorum && this.#isStricterNow(ask, all.length)) return 'POLICY_CHANGED';
    ask.approvals = [...ask.approvals, { voter, atMs: this.nowMs, untilMs }];
    if (!isQuorum) return 'accepted';
    ask.status = 'bound';
    ask.approvals = all;
    ask.useByMs = Math.min(this.nowMs + USE_MS, ...all.map((each) => each.untilMs));
    return 'accepted';
  }

  /** Approvals that are neither over nor of a key that is gone. */
  #standing(ask: Ask): readonly Approval[] {
    return ask.approvals.filter(
      ({ voter, untilMs }) => untilMs >= this.nowMs && this.keys.has(voter),
    );
  }

  #live(ask: Ask): readonly Approval[] {
    const { rule } = ask;
    const windowMs = rule.windowMs ?? Infinity;
    return inTurn(
      rule,
      this.#standing(ask).filter(({ atMs }) => atMs + windowMs >= this.nowMs),
    );
  }

  /** Whether the rule in force asks for more than what was asked for. */
  #isStricterNow({ rule: was, uses }: Ask, approvals: number): boolean {
    const { rule: now } = this;
    if (now.name === was.name) return false;
    const isSeated = now.seats !== undefined || now.windowMs !== undefined;
    return (
      uses.size >= now.uses ||
      approvals < now.approvals ||
      (now.confirm === true && was.confirm !== true) ||
      isSeated
    );
  }

  #use(letter: UseLetter): Answer {
    const ask = this.asks.get(letter.ask);
    if (ask === undefined) return 'NOT_BOUND';
    if (ask.uses.has(letter.use)) return 'repeated';
    if (ask.status === 'expired') return 'EXPIRED';
    if (ask.status === 'revoked') return 'REVOKED';
    if (ask.status !== 'bound') return 'NOT_BOUND';
    if (this.isFrozen) return 'FROZEN';
    if (ask.epoch !== this.epoch) return 'EPOCH_ENDED';
    if (!letter.namesBinding) return 'NOT_BOUND';
    if (ask.uses.size >= ask.rule.uses) return 'ALREADY_CONSUMED';
    if (this.nowMs > ask.useByMs) return 'EXPIRED';
    if (ask.approvals.some(({ voter }) => !this.keys.has(voter))) return 'APPROVER_REVOKED';
    if (this.#isStricterNow(ask, ask.approvals.length)) return 'POLICY_CHANGED';
    if (Math.abs(letter.claimedMs - this.nowMs) > SKEW_MS) return 'CLOCK_SKEW';
    ask.uses.set(letter.use, undefined);
    return 'accepted';
  }

  #report({ ask: number, use, result }: ReportLetter): Answer {
    const uses = this.asks.get(number)?.uses;
    if (uses?.has(use) !== true) return 'USE_UNKNOWN';
    const told = uses.get(use);
    if (told !== undefined) return told === result ? 'repeated' : 'REPORT_CONFLICT';
    uses.set(use, result);
    return 'accepted';
  }
}

/** An agent's and an executor's signatures are the same each time, a passkey's never. */
function inputOf(letter: Letter): string {
  if (letter.kind === 'request') return `request ${letter.ask}`;
  return letter.kind === 'report' ? `${letter.use} ${letter.result}` : `${letter.id}`;
}

function late({ status }: Ask): Answer {
  if (status === 'expired') return 'EXPIRED';
  return status === 'revoked' ? 'REVOKED' : 'LATE_DECISION';
}

function namesOf(approvals: readonly Approval[]): readonly Voter[] {
  return approvals.map(({ voter }) => voter);
}

/** Where an order is asked for, whoever was not next does not count. */
function inTurn(
  { seats = [], ordered = false }: ModelRule,
  all: readonly Approval[],
): readonly Approval[] {
  if (!ordered) return all;
  return all.reduce<readonly Approval[]>(
    (kept, each) => (seats[kept.length]?.of.includes(each.voter) === true ? [...kept, each] : kept),
    [],
  );
}

function isNamed({ seats }: ModelRule, voter: Voter): boolean {
  return seats === undefined || seats.some(({ of }) => of.includes(voter));
}

function placeRefusal(
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
