import type { RefusalCode } from '@countersign/binding';
import { ModelDeputies, type ModelDeputy } from './model-deputies.ts';
import { ModelKeys, type KeyNumber } from './model-keys.ts';
import { ModelPrompts } from './model-prompts.ts';
import {
  areEnough,
  isNamed,
  isNamedLater,
  placeRefusal,
  ruleAfter,
  ruleAmong,
  type Make,
  type ModelRule,
  type Voter,
} from './model-rule.ts';

/** What an input comes to: how it is taken, or the code of its refusal. */
export type Answer = 'accepted' | 'repeated' | 'held' | RefusalCode;

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
  readonly key: KeyNumber;
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

/** A new key of a person who is recovered: the number of the letter is that of the key. */
export interface EnrolmentLetter {
  readonly kind: 'enrolment';
  readonly id: KeyNumber;
  readonly recovery: number;
  readonly person: Voter;
  readonly make: Make | undefined;
}

export type Letter = RequestLetter | DecisionLetter | UseLetter | ReportLetter | EnrolmentLetter;

/** What persons change by signing for it. */
export type ModelChange =
  | { readonly kind: 'freeze' }
  | { readonly kind: 'thaw'; readonly epoch: number }
  | { readonly kind: 'policy'; readonly rule: ModelRule }
  | { readonly kind: 'dismissal'; readonly voter: Voter; readonly key: KeyNumber }
  | ({ readonly kind: 'deputy' } & ModelDeputy)
  | { readonly kind: 'no-deputy'; readonly principal: Voter }
  | { readonly kind: 'recovery' | 'cancellation'; readonly id: number; readonly person: Voter };

const WORKS_FROZEN: ReadonlySet<ModelChange['kind']> = new Set([
  ...(['freeze', 'thaw', 'dismissal', 'no-deputy', 'recovery', 'cancellation'] as const),
]);

/** The owner of the agent that asks for it is heard too. */
const BY_ANYBODY: ReadonlySet<ModelChange['kind']> = new Set([
  ...(['freeze', 'recovery', 'cancellation'] as const),
]);

interface Approval {
  readonly voter: Voter;
  readonly key: KeyNumber;
  /** Whose seat it fills: of whoever approved, or of the person in whose place they were. */
  readonly voice: Voter;
  readonly atMs: number;
  readonly untilMs: number;
}

/** For whom somebody decides, or why they may not. */
interface Voice {
  readonly voice: Voter;
  readonly refusal?: 'NOT_ELIGIBLE' | 'DELEGATION_EXCEEDED';
}

interface Ask {
  readonly rule: ModelRule;
  readonly atMs: number;
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
  readonly keys = new ModelKeys();
  readonly deputies = new ModelDeputies();
  readonly #prompts = new ModelPrompts();
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

  /** A change that is asked for and signed at once, by these one after the other, as many as it needs. */
  change(change: ModelChange, signers: readonly Voter[]): Answer {
    this.sweep();
    const impossible = this.#impossible(change);
    if (impossible !== undefined) return impossible;
    const isOut = (voter: Voter): boolean => voter === 'owner' && !BY_ANYBODY.has(change.kind);
    const isParty = (voter: Voter): boolean => partyTo(change) === voter;
    this.#prompts.note((voter) => !isOut(voter) && !isParty(voter), this.nowMs);
    for (const signer of signers) {
      if (isOut(signer)) return 'OWNER_APPROVAL';
      if (isParty(signer)) return 'NOT_ELIGIBLE';
    }
    this.#carryOut(change);
    return 'accepted';
  }

  /** Why nobody is even asked for it. */
  #impossible(change: ModelChange): Answer | undefined {
    if (this.isFrozen && !WORKS_FROZEN.has(change.kind)) return 'FROZEN';
    switch (change.kind) {
      case 'freeze':
      case 'thaw':
      case 'policy':
      case 'dismissal':
        return undefined;
      case 'deputy':
        return change.principal === change.deputy ? 'SCHEMA_INVALID' : undefined;
      case 'no-deputy':
        return this.deputies.isNamed(change.principal) ? undefined : 'MEMBER_UNKNOWN';
      case 'recovery':
        return this.keys.isRecovered(change.person, this.nowMs) ? 'MEMBER_EXISTS' : undefined;
      case 'cancellation':
        return this.keys.isRecovery(change.id) ? undefined : 'MEMBER_UNKNOWN';
    }
  }

  #carryOut(change: ModelChange): void {
    switch (change.kind) {
      case 'freeze':
        this.epoch += 1;
        this.isFrozen = true;
        return;
      case 'thaw':
        this.isFrozen = false;
        return;
      case 'policy':
        this.rule = change.rule;
        return;
      case 'dismissal':
        this.keys.revoke(change.voter);
        return;
      case 'deputy':
        this.deputies.name(change);
        return;
      case 'no-deputy':
        this.deputies.revoke(change.principal);
        return;
      case 'recovery':
        this.keys.start(change.id, change.person, this.nowMs);
        return;
      case 'cancellation':
        this.keys.cancel(change.id);
    }
  }

  /** @param admission the mark of the admission, if the ledger made one */
  answer(letter: Letter, admission: string): Answer {
    this.sweep();
    if ((this.#answered.get(inputOf(letter)) ?? -Infinity) + ANSWERED_MS >= this.nowMs)
      return 'repeated';
    const answer = this.#answerTo(letter, admission);
    // Of an enrolment that is refused nobody is known, and nothing is remembered.
    if (letter.kind === 'enrolment' && answer !== 'accepted') return answer;
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
      case 'enrolment':
        return this.keys.enrol(letter.recovery, letter, this.nowMs);
    }
  }

  #request({ ask: number }: RequestLetter, admission: string): Answer {
    if (this.asks.has(number)) return 'repeated';
    const { nowMs } = this;
    const voters = this.keys.holders.filter((voter) => voter !== 'owner');
    const rule = ruleAmong(this.rule, voters);
    if (!areEnough(rule, voters)) return 'NO_POLICY';
    if (this.isFrozen) return 'FROZEN';
    const open = [...this.asks.values()].filter(({ status }) => status === 'pending').length;
    const refusal = this.#prompts.refusal(rule, { voters, open, nowMs });
    if (refusal !== undefined) return refusal;
    this.#prompts.note((voter) => voter !== 'owner' && isNamed(rule, voter), nowMs);
    this.asks.set(number, {
      rule,
      atMs: nowMs,
      admission,
      epoch: this.epoch,
      decideByMs: nowMs + DECIDE_MS,
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
    if (!this.keys.isHeld(letter)) return 'KEY_NOT_ENROLLED_AT_TIME';
    const ask = this.asks.get(letter.ask);
    if (ask === undefined) {
      const isHeld = this.held.some((each) => each.letter.id === letter.id);
      if (!isHeld) this.held = [...this.held, { letter, atMs: this.nowMs }];
      return 'held';
    }
    const { voter, key, verdict, untilMs, cites, typed } = letter;
    const words = JSON.stringify([voter, key, verdict, untilMs, cites, typed]);
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

  #deny(ask: Ask, letter: DecisionLetter): Answer {
    if (letter.voter === 'owner') return 'OWNER_APPROVAL';
    const { voice, refusal } = this.#voice(ask, letter);
    if (refusal !== undefined) return refusal;
    if (!this.#isOfMake(ask, letter)) return 'AUTHENTICATOR_CLASS';
    const said = this.#saidBefore(ask, [letter.voter, voice]);
    if (said !== undefined) return said;
    if (!isNamed(this.#ruleNow(ask), voice)) return 'NOT_ELIGIBLE';
    ask.status = 'denied';
    return 'accepted';
  }

  #approve(ask: Ask, letter: DecisionLetter): Answer {
    const { voter, key, untilMs, typed } = letter;
    const { rule } = ask;
    if (this.isFrozen) return 'FROZEN';
    if (ask.epoch !== this.epoch) return 'EPOCH_ENDED';
    if (voter === 'owner') return 'OWNER_APPROVAL';
    const { voice, refusal } = this.#voice(ask, letter);
    if (refusal !== undefined) return refusal;
    if (!this.#isOfMake(ask, letter)) return 'AUTHENTICATOR_CLASS';
    const wanted = rule.confirm === true ? 'right' : 'nothing';
    if (typed !== wanted) {
      return typed === 'nothing' ? 'CONFIRMATION_REQUIRED' : 'CONFIRMATION_MISMATCH';
    }
    const noPlace = this.#saidBefore(ask, [voter, voice]) ?? this.#unseated(ask, voice);
    if (noPlace !== undefined) return noPlace;
    const approval = { voter, key, voice, atMs: this.nowMs, untilMs };
    const all = [...this.#live(ask), approval];
    const isQuorum = all.length >= rule.approvals;
    if (isQuorum && this.#isStricterNow(ask, voicesOf(all))) return 'POLICY_CHANGED';
    // What the same voice said before did not count any more, and never will again.
    const others = ask.approvals.filter((each) => !areOneVoice(each, approval));
    ask.approvals = [...others, approval];
    if (!isQuorum) return 'accepted';
    ask.status = 'bound';
    ask.approvals = all;
    ask.useByMs = Math.min(this.nowMs + USE_MS, ...all.map((each) => this.#endMs(each)));
    return 'accepted';
  }

  #ruleNow({ rule, atMs }: Ask): ModelRule {
    return ruleAfter(rule, this.nowMs - atMs);
  }

  #isOfMake({ rule: { attested } }: Ask, letter: DecisionLetter): boolean {
    const make = this.keys.makeOf(letter);
    return attested === undefined || (make !== undefined && attested.includes(make));
  }

  /** For whom somebody decides: for themselves, or where the rule does not name them, for somebody who is away. */
  #voice(ask: Ask, { voter, verdict }: DecisionLetter): Voice {
    const rule = this.#ruleNow(ask);
    if (isNamed(rule, voter)) return { voice: voter };
    const { nowMs } = this;
    const principals = this.deputies
      .principals(voter, nowMs)
      .filter((each) => isNamed(rule, each) && this.keys.of(each) !== undefined);
    const taken = voicesOf(this.#live(ask));
    const isFree = (each: Voter): boolean =>
      !taken.includes(each) &&
      (verdict === 'deny' || placeRefusal(rule, taken, each) === undefined);
    const principal = principals.find(isFree) ?? principals[0];
    if (principal !== undefined) return { voice: principal };
    const own = { voice: voter };
    if (isNamedLater(ask.rule, voter)) return { ...own, refusal: 'NOT_ELIGIBLE' };
    if (this.deputies.isAnybodys(voter)) return { ...own, refusal: 'DELEGATION_EXCEEDED' };
    const isOut = rule.approvers?.includes(voter) === false;
    return isOut ? { ...own, refusal: 'NOT_ELIGIBLE' } : own;
  }

  /** A person and whoever decides in their place speak once. */
  #saidBefore(
    ask: Ask,
    [voter, voice]: readonly [Voter, Voter],
  ): 'ALREADY_DECIDED' | 'DUPLICATE_HUMAN' | undefined {
    const before = this.#live(ask).find((each) => areOneVoice(each, { voter, voice }));
    if (before === undefined) return undefined;
    return before.voter === voter ? 'ALREADY_DECIDED' : 'DUPLICATE_HUMAN';
  }

  #unseated(ask: Ask, voice: Voter): 'NOT_ELIGIBLE' | 'ORDER' | 'WINDOW' | undefined {
    const { rule } = ask;
    const refusal = placeRefusal(rule, voicesOf(this.#live(ask)), voice);
    if (refusal !== 'ORDER') return refusal;
    const late = inTurn(rule, this.#standing(ask));
    return placeRefusal(rule, voicesOf(late), voice) === undefined ? 'WINDOW' : 'ORDER';
  }

  /** Until when an approval counts: never, if it is in the place of somebody whose deputy this is not now. */
  #endMs({ voter, voice, untilMs }: Approval): number {
    if (voter === voice) return untilMs;
    const { nowMs } = this;
    if (this.keys.of(voice) === undefined) return -Infinity;
    const endMs = this.deputies.endMs({ deputy: voter, principal: voice, nowMs });
    return Math.min(untilMs, endMs ?? -Infinity);
  }

  /** Approvals that are neither over nor of a key that is gone. */
  #standing(ask: Pick<Ask, 'approvals'>): readonly Approval[] {
    return ask.approvals.filter(
      (each) => this.#endMs(each) >= this.nowMs && this.keys.isHeld(each),
    );
  }

  #live(ask: Pick<Ask, 'approvals' | 'rule'>): readonly Approval[] {
    const { rule } = ask;
    const windowMs = rule.windowMs ?? Infinity;
    return inTurn(
      rule,
      this.#standing(ask).filter(({ atMs }) => atMs + windowMs >= this.nowMs),
    );
  }

  /** Whether the rule in force asks for more than what was asked for. */
  #isStricterNow({ rule: was, uses }: Ask, voices: readonly Voter[]): boolean {
    const { rule: now } = this;
    if (now.name === was.name) return false;
    const isSeated = now.seats !== undefined || now.windowMs !== undefined;
    return (
      uses.size >= now.uses ||
      voices.length < now.approvals ||
      !voices.every((voice) => isNamed(now, voice) || hasWaitedEnough(voice, { was, now })) ||
      (now.attested !== undefined && now.attested.join() !== was.attested?.join()) ||
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
    const isGone = (each: Approval): boolean =>
      !this.keys.isHeld(each) || this.#endMs({ ...each, untilMs: Infinity }) === -Infinity;
    if (ask.approvals.some(isGone)) return 'APPROVER_REVOKED';
    if (this.#isStricterNow(ask, voicesOf(ask.approvals))) return 'POLICY_CHANGED';
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

/** Whether somebody who decided as one of the second group had to wait as long as they would have to now. */
function hasWaitedEnough(
  voice: Voter,
  { was, now }: { readonly was: ModelRule; readonly now: ModelRule },
): boolean {
  if (isNamed(was, voice) || !isNamedLater(now, voice)) return false;
  return (now.escalation?.afterMs ?? Infinity) <= (was.escalation?.afterMs ?? 0);
}

type Spoken = Pick<Approval, 'voter' | 'voice'>;

function areOneVoice(one: Spoken, { voter, voice }: Spoken): boolean {
  return [one.voter, one.voice].some((said) => said === voter || said === voice);
}

function voicesOf(approvals: readonly Approval[]): readonly Voter[] {
  return approvals.map(({ voice }) => voice);
}

/** Whom a change is for has no say in it. */
function partyTo(change: ModelChange): Voter | undefined {
  if (change.kind === 'deputy') return change.deputy;
  return change.kind === 'recovery' ? change.person : undefined;
}

/** Where an order is asked for, whoever was not next does not count. */
function inTurn(
  { seats = [], ordered = false }: ModelRule,
  all: readonly Approval[],
): readonly Approval[] {
  if (!ordered) return all;
  return all.reduce<readonly Approval[]>(
    (kept, each) => (seats[kept.length]?.of.includes(each.voice) === true ? [...kept, each] : kept),
    [],
  );
}
