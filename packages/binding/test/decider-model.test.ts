import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  DeciderModel,
  type Answer,
  type DecisionLetter,
  type Letter,
  type ModelChange,
} from './decider-model.ts';
import { DeciderWorld, RULES } from './decider-world.ts';
import { FOUNDING_KEY } from './model-keys.ts';
import type { ModelRule, Voter } from './model-rule.ts';

/** What was written so far: anything of it may come at any time, again and again. */
interface Post {
  readonly letters: Letter[];
  /** Whom each recovery is for, by its number: ended or not. */
  readonly recoveries: Voter[];
}

type Model = DeciderModel & { readonly post: Post };
type Command = fc.AsyncCommand<Model, DeciderWorld>;

/** How often the ledger gave each answer, and to what: what never came up was never compared. */
const seen = new Map<string, number>();

function note(what: string, answer: Answer): void {
  for (const each of [answer, `${what} ${answer}`]) seen.set(each, (seen.get(each) ?? 0) + 1);
}

async function compare(letter: Letter, model: Model, world: DeciderWorld): Promise<void> {
  const answer = await world.send(letter);
  const admission = 'ask' in letter ? world.admission(letter.ask) : undefined;
  expect([letter, model.answer(letter, admission ?? '')]).toEqual([letter, answer]);
  note(letter.kind, answer);
  if (letter.kind === 'decision') noteDecision(letter, answer, world);
  compareStanding(model, world);
}

function noteDecision({ key }: DecisionLetter, answer: Answer, { lastFor }: DeciderWorld): void {
  if (key !== FOUNDING_KEY) note('decision by a recovered key', answer);
  if (answer === 'accepted' && lastFor !== undefined) note('decision of a deputy', answer);
}

function compareStanding(model: Model, world: DeciderWorld): void {
  const expected = [...model.asks].map(([ask, { status, uses }]) => [ask, [status, uses.size]]);
  expect(world.standing()).toEqual(Object.fromEntries(expected));
  expect(world.heldCount).toBe(model.held.length);
}

/** Writes a letter; it is sent now, or whenever the post brings it. */
async function post(
  letter: Letter,
  isNow: boolean,
  { model, world }: { readonly model: Model; readonly world: DeciderWorld },
): Promise<void> {
  await world.write(letter);
  model.post.letters.push(letter);
  if (isNow) await compare(letter, model, world);
}

function command(
  name: string,
  run: (model: Model, world: DeciderWorld) => Promise<void>,
  check: (model: Readonly<Model>) => boolean = () => true,
): Command {
  return { check, run, toString: () => name };
}

const ASKS = 6;
const ask = fc.nat(ASKS - 1);
const SPEAKERS = ['alice', 'bob', 'carol', 'dave'] as const;
const speaker = fc.constantFrom<Voter>(...SPEAKERS);
const voter = fc.constantFrom<Voter>(...SPEAKERS, ...SPEAKERS, 'owner');
const isNow = fc.constantFrom(true, true, true, false);
/** Of what nobody has asked for yet. */
const isEarly = fc.constantFrom(false, false, false, false, false, false, true);

function isThere(
  { asks }: Readonly<Model>,
  how: { readonly ask: number; readonly isEarly: boolean },
): boolean {
  return how.isEarly || asks.has(how.ask);
}

interface Asking {
  readonly ask: number;
  readonly isNow: boolean;
}

function requestOf(how: Asking): Command {
  return command(`request ${JSON.stringify(how)}`, (model, world) =>
    post({ kind: 'request', id: model.post.letters.length, ask: how.ask }, how.isNow, {
      model,
      world,
    }),
  );
}

const request = fc.record({ ask, isNow }).map(requestOf);

interface Deciding extends Asking {
  readonly isEarly: boolean;
  readonly voter: Voter;
  readonly verdict: DecisionLetter['verdict'];
  readonly forMs: number;
  readonly typed: DecisionLetter['typed'];
  readonly isFitting: boolean;
}

function decisionOf(how: Deciding): Command {
  return command(
    `decision ${JSON.stringify(how)}`,
    async (model, world) => {
      const cites = world.admission(how.ask) ?? (await world.foreseen(how.ask));
      if (cites === undefined) return;
      const rule = model.asks.get(how.ask)?.rule ?? model.rule;
      const fitting = rule.confirm === true ? 'right' : 'nothing';
      const letter: DecisionLetter = {
        kind: 'decision',
        id: model.post.letters.length,
        ask: how.ask,
        voter: how.voter,
        key: model.keys.of(how.voter) ?? FOUNDING_KEY,
        verdict: how.verdict,
        untilMs: world.nowMs + how.forMs,
        cites,
        typed: how.isFitting ? fitting : how.typed,
      };
      await post(letter, how.isNow, { model, world });
    },
    (model) => isThere(model, how),
  );
}

const decision = fc
  .record({
    ask,
    isNow,
    isEarly,
    voter,
    verdict: fc.constantFrom<DecisionLetter['verdict'][]>(
      ...(['approve', 'approve', 'approve', 'approve', 'approve', 'deny', 'revoke'] as const),
    ),
    forMs: fc.constantFrom(3_600_000, 3_600_000, 60_000, 0),
    typed: fc.constantFrom<DecisionLetter['typed'][]>('nothing', 'nothing', 'right', 'wrong'),
    isFitting: fc.boolean(),
  })
  .map(decisionOf);

interface Using extends Asking {
  readonly isEarly: boolean;
  readonly isOld: boolean;
}

function useOf(how: Using): Command {
  return command(
    `use ${JSON.stringify(how)}`,
    (model, world) =>
      post(
        {
          kind: 'use',
          id: model.post.letters.length,
          ask: how.ask,
          use: world.newUse(),
          claimedMs: world.nowMs - (how.isOld ? 301_000 : 0),
          namesBinding: world.hasBinding(how.ask),
        },
        how.isNow,
        { model, world },
      ),
    (model) => isThere(model, how),
  );
}

const use = fc
  .record({ ask, isNow, isEarly, isOld: fc.constantFrom(false, false, false, true) })
  .map(useOf);

const report = fc
  .record({ which: fc.nat(), isNow, result: fc.constantFrom('succeeded', 'failed') })
  .map((how) =>
    command(
      `report ${JSON.stringify(how)}`,
      async (model, world) => {
        const uses = model.post.letters.filter((letter) => letter.kind === 'use');
        const of = uses[how.which % uses.length];
        if (of === undefined) return;
        const id = model.post.letters.length;
        const letter = {
          kind: 'report',
          id,
          ask: of.ask,
          use: of.use,
          result: how.result,
        } as const;
        await post(letter, how.isNow, { model, world });
      },
      (model) => model.post.letters.some(({ kind }) => kind === 'use'),
    ),
  );

/** Late, out of order, or again: all one to whoever gets it. */
function deliveryOf(which: number): Command {
  return command(
    `delivery ${which}`,
    async (model, world) => {
      const letter = model.post.letters[which % model.post.letters.length];
      if (letter !== undefined) await compare(letter, model, world);
    },
    (model) => model.post.letters.length > 0,
  );
}

const delivery = fc.nat().map(deliveryOf);

function waitOf(ms: number): Command {
  return command(`wait ${ms}`, async (model, world) => {
    world.pass(ms);
    await world.tick();
    model.nowMs = world.nowMs;
    model.sweep();
    compareStanding(model, world);
  });
}

const wait = fc
  .constantFrom(0, 1_000, 1_000, 30_000, 61_000, 299_000, 600_001, 900_001, 3_600_000)
  .map(waitOf);

const crash = fc.constant(
  command('crash', async (model, world) => {
    await world.startAgain();
    compareStanding(model, world);
  }),
);

function anyKey({ keys }: Readonly<Model>): Voter {
  const [first = 'alice'] = keys.holders.filter((each) => each !== 'owner');
  return first;
}

async function compareChange(
  change: ModelChange,
  signers: readonly Voter[],
  { model, world }: { readonly model: Model; readonly world: DeciderWorld },
): Promise<void> {
  const keys = signers.map((each) => ({ voter: each, key: model.keys.of(each) ?? FOUNDING_KEY }));
  const answer = await world.change(change, keys);
  expect([change, model.change(change, signers)]).toEqual([change, answer]);
  note(change.kind, answer);
  model.sweep();
  compareStanding(model, world);
}

/** Rarely, for it ends whatever is open; and not for long. */
const press = fc.nat(2).map((turn) =>
  command(
    'switch',
    async (model, world) => {
      const { epoch, isFrozen } = model;
      const change = isFrozen ? { kind: 'thaw' as const, epoch } : { kind: 'freeze' as const };
      await compareChange(change, [anyKey(model)], { model, world });
    },
    ({ isFrozen }) => isFrozen || turn === 0,
  ),
);

function policyOf(rule: ModelRule): Command {
  return command(
    `policy ${rule.name}`,
    (model, world) => compareChange({ kind: 'policy', rule }, [anyKey(model)], { model, world }),
    (model) => model.rule !== rule,
  );
}

const policy = fc.constantFrom(...RULES).map(policyOf);

function dismissalOf(gone: Voter): Command {
  return command(
    `dismissal ${gone}`,
    async (model, world) => {
      const key = model.keys.of(gone) ?? FOUNDING_KEY;
      const change = { kind: 'dismissal', voter: gone, key } as const;
      await compareChange(change, ['alice'], { model, world });
    },
    // Two of them are to be left, and the owner.
    ({ keys }) => keys.of(gone) !== undefined && keys.holders.length > 3,
  );
}

const dismissal = fc.constantFrom<Voter>('bob', 'carol', 'dave').map(dismissalOf);

interface Naming {
  readonly principal: Voter;
  readonly deputy: Voter;
  readonly inMs: number;
  readonly forMs: number;
  readonly isOfCommands: boolean;
  /** Signs for themselves. */
  readonly isOwn: boolean;
}

function deputyOf({ principal, deputy, inMs, forMs, isOfCommands, isOwn }: Naming): Command {
  const what = JSON.stringify({ principal, deputy, inMs, forMs, isOfCommands, isOwn });
  return command(
    `deputy ${what}`,
    async (model, world) => {
      const fromMs = world.nowMs + inMs;
      const toMs = fromMs + forMs;
      const change = { kind: 'deputy', principal, deputy, fromMs, toMs, isOfCommands } as const;
      const signer = model.keys.holders.find(
        (each) => (each === deputy) === isOwn && each !== 'owner',
      );
      await compareChange(change, [signer ?? 'alice'], { model, world });
    },
    ({ keys }) => !isOwn || keys.of(deputy) !== undefined,
  );
}

const deputy = fc
  .record({
    principal: speaker,
    deputy: fc.constantFrom<Voter>('dave', 'dave', 'dave', 'carol', 'bob', 'alice'),
    inMs: fc.constantFrom(0, 0, 0, 60_000),
    forMs: fc.constantFrom(3_600_000, 3_600_000, 300_000, 1),
    isOfCommands: fc.constantFrom(true, true, true, false),
    isOwn: fc.constantFrom(false, false, false, false, true),
  })
  .map(deputyOf);

function returnOf(principal: Voter): Command {
  return command(`return of ${principal}`, (model, world) =>
    compareChange({ kind: 'no-deputy', principal }, [anyKey(model)], { model, world }),
  );
}

const comeback = speaker.map(returnOf);

function recoveryOf(person: Voter, isOwn: boolean): Command {
  return command(
    `recovery ${person}`,
    async (model, world) => {
      const id = model.post.recoveries.push(person) - 1;
      const others = model.keys.holders.filter((each) => each !== person);
      const signers = isOwn ? [person, ...others] : others;
      await compareChange({ kind: 'recovery', id, person }, signers.slice(0, 2), { model, world });
    },
    ({ keys }) => !isOwn || keys.of(person) !== undefined,
  );
}

const recovery = fc
  .record({ person: speaker, isOwn: fc.constantFrom(false, false, false, false, true) })
  .map(({ person, isOwn }) => recoveryOf(person, isOwn));

function cancellationOf(which: number): Command {
  return command(
    `cancellation ${which}`,
    async (model, world) => {
      const id = which % model.post.recoveries.length;
      const person = model.post.recoveries[id] ?? 'alice';
      const change = { kind: 'cancellation', id, person } as const;
      await compareChange(change, [anyKey(model)], { model, world });
    },
    ({ post: { recoveries } }) => recoveries.length > 0,
  );
}

const cancellation = fc.nat().map(cancellationOf);

function enrolmentOf(which: number, sentNow: boolean): Command {
  return command(
    `enrolment ${which}`,
    async (model, world) => {
      const { letters, recoveries } = model.post;
      const number = which % recoveries.length;
      const person = recoveries[number] ?? 'alice';
      const letter = {
        kind: 'enrolment',
        id: letters.length,
        recovery: number,
        person,
      } as const;
      await post(letter, sentNow, { model, world });
    },
    ({ post: { recoveries } }) => recoveries.length > 0,
  );
}

const enrolment = fc
  .record({ which: fc.nat(), isNow })
  .map((how) => enrolmentOf(how.which, how.isNow));

const COMMANDS = [
  ...[request, request, request, request, decision, decision, decision, decision, decision],
  ...[decision, decision, decision, use, use, use, use, report, delivery, delivery, delivery],
  ...[wait, wait, crash, press, policy, dismissal, deputy, deputy, comeback],
  ...[recovery, recovery, cancellation, enrolment, enrolment],
];

const RUN_MS_MAX = 6_000;
const RUNS_USUAL = 20;
const RUNS = Number(process.env['COUNTERSIGN_MODEL_RUNS'] ?? RUNS_USUAL);

function ruleNamed(name: string): ModelRule {
  const rule = RULES.find((each) => each.name === name);
  if (rule === undefined) throw new Error(`expected a rule ${name}`);
  return rule;
}

function start(rule: ModelRule): { readonly model: Model; readonly real: DeciderWorld } {
  const real = new DeciderWorld(rule);
  const model = Object.assign(new DeciderModel(rule, real.nowMs), {
    post: { letters: [], recoveries: [] },
  });
  return { model, real };
}

type Start = ReturnType<typeof start>;

/** The beginning of a walk, so that what is drawn starts from where it would seldom come to. */
async function startAfter({ walk, steps }: { walk: Walk; steps: number }): Promise<Start> {
  const started = start(ruleNamed(walk.rule));
  for (const step of walk.commands.slice(0, steps)) {
    if (step.check(started.model)) await step.run(started.model, started.real);
  }
  return started;
}

function asked(of: number): Command {
  return requestOf({ ask: of, isNow: true });
}

function approved(
  of: number,
  by: Voter,
  { verdict = 'approve', isEarly = false }: Partial<Deciding> = {},
): Command {
  return decisionOf({
    ...{ ask: of, voter: by, verdict, isNow: true, isEarly },
    ...{ forMs: 3_600_000, typed: 'nothing', isFitting: true },
  });
}

function used(of: number): Command {
  return useOf({ ask: of, isNow: true, isEarly: false, isOld: false });
}

function lent(principal: Voter, to: Voter, more: Partial<Naming> = {}): Command {
  const usual = { inMs: 0, forMs: 3_600_000, isOfCommands: true, isOwn: false };
  return deputyOf({ principal, deputy: to, ...usual, ...more });
}

interface Walk {
  readonly to: string;
  readonly rule: string;
  readonly commands: readonly Command[];
  /** What it has to come to, or it has compared nothing. */
  readonly answers: readonly string[];
}

const WALKS: readonly Walk[] = [
  {
    to: 'what comes too early, and too late',
    rule: 'one',
    commands: [
      ...[approved(0, 'alice', { isEarly: true }), asked(0), asked(1), used(1), approved(1, 'bob')],
      ...[approved(1, 'alice'), used(1)],
    ],
    answers: ['decision held', 'use NOT_BOUND', 'decision LATE_DECISION', 'use accepted'],
  },
  {
    to: 'a deputy in the place of whom the rule names',
    rule: 'seats',
    commands: [
      ...[asked(0), approved(0, 'dave'), lent('alice', 'dave', { isOwn: true })],
      ...[lent('alice', 'alice'), lent('alice', 'dave', { isOfCommands: false })],
      ...[approved(0, 'dave'), lent('alice', 'dave', { inMs: 60_000 }), approved(0, 'dave')],
      ...[waitOf(60_000), approved(0, 'dave'), approved(0, 'alice'), waitOf(1_000)],
      ...[approved(0, 'dave'), lent('carol', 'dave'), approved(0, 'carol'), used(0)],
      // Of two who are away, the one whose seat is free.
      ...[
        asked(1),
        approved(1, 'alice'),
        approved(1, 'dave'),
        returnOf('carol'),
        returnOf('carol'),
      ],
      ...[used(1), asked(2), approved(2, 'dave', { verdict: 'deny' })],
      // Who is gone has no voice to lend.
      ...[
        lent('bob', 'dave'),
        asked(3),
        approved(3, 'dave'),
        returnOf('alice'),
        dismissalOf('bob'),
      ],
      ...[waitOf(1_000), approved(3, 'dave')],
    ],
    answers: [
      ...['decision NOT_ELIGIBLE', 'decision DELEGATION_EXCEEDED', 'decision DUPLICATE_HUMAN'],
      ...['decision ALREADY_DECIDED', 'decision of a deputy accepted', 'use APPROVER_REVOKED'],
      ...['deputy NOT_ELIGIBLE', 'deputy SCHEMA_INVALID', 'deputy accepted'],
      ...['no-deputy accepted', 'no-deputy MEMBER_UNKNOWN', 'use accepted'],
    ],
  },
  {
    to: 'a deputy whose time is over',
    rule: 'single',
    commands: [
      ...[lent('alice', 'dave', { forMs: 120_000 }), asked(0), approved(0, 'dave'), used(0)],
      ...[asked(1), waitOf(61_000), approved(1, 'dave'), waitOf(61_000), used(1)],
      ...[asked(2), approved(2, 'dave')],
    ],
    answers: ['decision of a deputy accepted', 'use EXPIRED', 'decision DELEGATION_EXCEEDED'],
  },
  {
    to: 'people who are not to be asked so often',
    rule: 'spared',
    commands: [
      ...[asked(0), asked(1), asked(2), asked(3), waitOf(3_600_000), asked(3)],
      // Whoever is recovered is not asked for it: one was asked less than the others, and two are needed.
      ...[asked(4), recoveryOf('carol', false), asked(5), waitOf(3_600_000)],
      // Then two were.
      ...[asked(6), recoveryOf('alice', false), recoveryOf('dave', false), asked(7), asked(8)],
    ],
    answers: ['request PROMPTS_EXCEEDED', 'request accepted'],
  },
  {
    to: 'people who are not to be asked for so many at once, or at night',
    rule: 'single',
    commands: [
      ...[asked(0), asked(1), asked(2), approved(0, 'alice', { verdict: 'deny' }), asked(2)],
      ...[waitOf(299_000), waitOf(1_000), asked(3), waitOf(299_000), asked(4), waitOf(1_000)],
      ...[asked(5), waitOf(600_001), asked(6)],
    ],
    answers: [
      'request REQUEST_OPEN',
      'request QUIET_HOURS',
      'request repeated',
      'request accepted',
    ],
  },
  {
    to: 'a person who lost a key, and gets another one',
    rule: 'one',
    commands: [
      ...[asked(0), approved(0, 'bob'), recoveryOf('bob', true), recoveryOf('bob', false)],
      ...[recoveryOf('bob', false), enrolmentOf(1, true), cancellationOf(1), cancellationOf(1)],
      ...[enrolmentOf(1, true), recoveryOf('bob', false), waitOf(299_000), used(0)],
      ...[waitOf(3_600_000), asked(1), approved(1, 'bob'), enrolmentOf(3, true), deliveryOf(7)],
      ...[used(1)],
      ...[enrolmentOf(3, true), asked(2), approved(2, 'bob'), used(2)],
      ...[dismissalOf('bob'), asked(3), approved(3, 'bob'), used(2)],
    ],
    answers: [
      ...['recovery NOT_ELIGIBLE', 'recovery accepted', 'recovery MEMBER_EXISTS'],
      ...['enrolment RECOVERY_NOT_DUE', 'enrolment INVITATION_INVALID', 'enrolment accepted'],
      'enrolment repeated',
      ...['cancellation accepted', 'cancellation MEMBER_UNKNOWN', 'use APPROVER_REVOKED'],
      ...['decision by a recovered key accepted', 'decision KEY_NOT_ENROLLED_AT_TIME'],
    ],
  },
];

describe('the decider beside a simple model of it', () => {
  it(
    'answers the same to anything, in any order, twice, late, and after a crash',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...RULES),
          fc.option(fc.record({ walk: fc.constantFrom(...WALKS), steps: fc.nat(24) })),
          fc.commands(COMMANDS, { maxCommands: 80, size: 'max' }),
          async (rule, from, commands) => {
            await fc.asyncModelRun(
              () => (from === null ? Promise.resolve(start(rule)) : startAfter(from)),
              commands,
            );
          },
        ),
        { numRuns: RUNS },
      );
      if (RUNS > RUNS_USUAL) console.log(Object.fromEntries(seen));
      expect([...seen.keys()]).toEqual(expect.arrayContaining(['accepted', 'repeated']));
    },
    RUNS * RUN_MS_MAX,
  );

  it.each(WALKS)('answers the same to $to', async ({ rule, commands, answers }) => {
    seen.clear();
    await fc.asyncModelRun(() => start(ruleNamed(rule)), commands);
    expect([...seen.keys()]).toEqual(expect.arrayContaining([...answers]));
  });
});
