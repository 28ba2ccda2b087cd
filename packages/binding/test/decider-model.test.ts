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
import {
  isNamed,
  isNamedLater,
  ruleAfter,
  type Make,
  type ModelRule,
  type Voter,
} from './model-rule.ts';

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
  if (letter.kind === 'decision') noteDecision(letter, answer, { model, world });
  compareStanding(model, world);
}

function noteDecision(
  { ask: number, key, voter, verdict }: DecisionLetter,
  answer: Answer,
  { model, world }: { readonly model: Model; readonly world: DeciderWorld },
): void {
  const isDeputy = answer === 'accepted' && world.lastFor !== undefined;
  if (key !== FOUNDING_KEY) note('decision by a recovered key', answer);
  if (isDeputy) note('decision of a deputy', answer);
  const rule = model.asks.get(number)?.rule;
  if (rule === undefined || verdict === 'revoke') return;
  if (!isDeputy && isNamedLater(rule, voter)) note('decision of the second group', answer);
  if (rule.escalation !== undefined && isNamed(rule, voter)) {
    note('decision of the first group', answer);
  }
  if (rule.attested === undefined) return;
  note('decision by a known make', answer);
  if (key !== FOUNDING_KEY) note('decision by a recovered key of a known make', answer);
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

/** As long as it takes until a request goes on to the second group, or a moment less. */
function waitForOthers(of: number, missingMs: number): Command {
  const leftMs = ({ asks, nowMs }: Readonly<Model>): number => {
    const { rule, atMs = 0 } = asks.get(of) ?? {};
    return atMs + (rule?.escalation?.afterMs ?? -Infinity) - missingMs - nowMs;
  };
  return command(
    `wait for the second group of ${of}, but ${missingMs}`,
    (model, world) => waitOf(leftMs(model)).run(model, world),
    (model) => leftMs(model) >= 0,
  );
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

function enrolmentOf(which: number, sentNow: boolean, make?: Make): Command {
  return command(
    `enrolment ${which} of ${make ?? 'no known make'}`,
    async (model, world) => {
      const { letters, recoveries } = model.post;
      const number = which % recoveries.length;
      const person = recoveries[number] ?? 'alice';
      const letter = {
        kind: 'enrolment',
        id: letters.length,
        recovery: number,
        person,
        make,
      } as const;
      await post(letter, sentNow, { model, world });
    },
    ({ post: { recoveries } }) => recoveries.length > 0,
  );
}

const enrolment = fc
  .record({
    which: fc.nat(),
    isNow,
    make: fc.constantFrom<(Make | undefined)[]>('acme one', 'acme two', 'other one', undefined),
  })
  .map((how) => enrolmentOf(how.which, how.isNow, how.make));

interface Standing {
  readonly of: number;
  readonly rule: ModelRule;
}

/** What is drawn for one of the actions that stand so, by the rule that each has now. */
function inStanding(
  name: string,
  { status, which }: { readonly status: 'pending' | 'bound'; readonly which: number },
  draw: (standing: Standing, model: Model) => Command | undefined,
): Command {
  return command(name, async (model, world) => {
    const all = [...model.asks].filter(([, each]) => each.status === status);
    const one = all[which % all.length];
    if (one === undefined) return;
    const [of, { rule, atMs }] = one;
    const drawn = draw({ of, rule: ruleAfter(rule, model.nowMs - atMs) }, model);
    if (drawn?.check(model) === true) await drawn.run(model, world);
  });
}

/** Of whoever may decide it now, as far as the rule says. */
const consent = fc.record({ which: fc.nat(), who: fc.nat() }).map(({ which, who }) =>
  inStanding(`consent ${which} ${who}`, { status: 'pending', which }, ({ of, rule }, model) => {
    const named = model.keys.holders.filter((each) => each !== 'owner' && isNamed(rule, each));
    const by = named[who % named.length];
    return by === undefined ? undefined : approved(of, by);
  }),
);

const claim = fc
  .nat()
  .map((which) => inStanding(`claim ${which}`, { status: 'bound', which }, ({ of }) => used(of)));

const patience = fc
  .record({ which: fc.nat(), missingMs: fc.constantFrom(0, 0, 1) })
  .map(({ which, missingMs }) =>
    inStanding(`patience ${which} ${missingMs}`, { status: 'pending', which }, ({ of }) =>
      waitForOthers(of, missingMs),
    ),
  );

const COMMANDS = [
  ...[request, request, request, request, decision, decision, decision, decision, decision],
  ...[decision, decision, decision, use, use, use, use, report, delivery, delivery, delivery],
  ...[
    consent,
    consent,
    consent,
    claim,
    claim,
    patience,
    patience,
    wait,
    wait,
    crash,
    press,
    policy,
    dismissal,
    deputy,
    deputy,
    comeback,
  ],
  ...[recovery, recovery, cancellation, enrolment, enrolment],
];

const RUN_MS_MAX = 15_000;
const RUNS_USUAL = 20;
const RUNS = Number(process.env['COUNTERSIGN_MODEL_RUNS'] ?? RUNS_USUAL);

function ruleNamed(name: string): ModelRule {
  const rule = RULES.find((each) => each.name === name);
  if (rule === undefined) throw new Error(`expected a rule ${name}`);
  return rule;
}

interface Start {
  readonly model: Model;
  readonly real: DeciderWorld;
}

async function start(rule: ModelRule): Promise<Start> {
  const real = await DeciderWorld.founded(rule);
  const model = Object.assign(new DeciderModel(rule, real.nowMs), {
    post: { letters: [], recoveries: [] },
  });
  return { model, real };
}

/** The beginning of a walk, so that what is drawn starts from where it would seldom come to. */
async function startAfter({ walk, steps }: { walk: Walk; steps: number }): Promise<Start> {
  const started = await start(ruleNamed(walk.rule));
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
    to: 'a deputy who is named again once the person has approved',
    rule: 'seats',
    commands: [
      ...[lent('alice', 'dave', { forMs: 60_000 }), asked(0), approved(0, 'dave'), waitOf(61_000)],
      ...[approved(0, 'alice'), lent('alice', 'dave'), approved(0, 'carol')],
      // What the deputy approved was replaced: it is none of those who have to stand at the use.
      ...[returnOf('alice'), used(0)],
    ],
    answers: ['decision of a deputy accepted', 'no-deputy accepted', 'use accepted'],
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
  {
    to: 'a second group, from its moment on',
    rule: 'shift',
    commands: [
      ...[
        asked(0),
        approved(0, 'bob'),
        approved(0, 'dave'),
        approved(0, 'bob', { verdict: 'deny' }),
      ],
      ...[waitForOthers(0, 1), approved(0, 'bob'), waitForOthers(0, 0), approved(0, 'dave')],
      ...[approved(0, 'bob'), used(0), asked(1), waitForOthers(1, 0), approved(1, 'alice')],
      ...[asked(2), waitForOthers(2, 0), approved(2, 'carol', { verdict: 'deny' })],
      // What was approved by whoever had waited, under other rules.
      ...[policyOf(ruleNamed('slow shift')), used(0), policyOf(ruleNamed('joint shift')), used(0)],
      ...[policyOf(ruleNamed('one')), used(1)],
      // What was asked for by one rule, and is decided while there is another.
      ...[policyOf(ruleNamed('shift')), asked(3), policyOf(ruleNamed('slow shift'))],
      ...[waitForOthers(3, 0), approved(3, 'bob'), approved(3, 'dave'), approved(3, 'alice')],
      ...[asked(4), policyOf(ruleNamed('shift')), waitForOthers(4, 1), approved(4, 'bob')],
      ...[waitForOthers(4, 0), approved(4, 'bob'), used(4)],
      // Whoever did not have to wait then, and would have to now.
      ...[policyOf(ruleNamed('joint shift')), asked(5), approved(5, 'bob')],
      ...[policyOf(ruleNamed('shift')), used(5), policyOf(ruleNamed('joint shift')), used(5)],
    ],
    answers: [
      ...['decision of the second group NOT_ELIGIBLE', 'decision of the second group accepted'],
      ...['decision of the second group POLICY_CHANGED', 'decision of the first group accepted'],
      ...['use POLICY_CHANGED', 'use accepted'],
    ],
  },
  {
    to: 'two of both groups, their deputies, and whoever is gone',
    rule: 'two shifts',
    commands: [
      ...[asked(0), approved(0, 'alice'), waitForOthers(0, 0), used(0), approved(0, 'alice')],
      ...[approved(0, 'carol'), used(0)],
      ...[asked(1), waitForOthers(1, 0), approved(1, 'dave'), used(1), approved(1, 'carol')],
      ...[used(1)],
      // Who is of the second group stands in for the first one until it is their own turn.
      ...[lent('alice', 'carol'), asked(2), approved(2, 'carol'), waitForOthers(2, 0)],
      ...[approved(2, 'alice'), approved(2, 'carol'), approved(2, 'dave')],
      // A deputy of the second group, who is nobody's before.
      ...[policyOf(ruleNamed('shift')), lent('bob', 'dave'), asked(3), approved(3, 'dave')],
      // Nor does it matter for whom else somebody could speak, who may soon themselves.
      ...[returnOf('alice'), lent('dave', 'carol'), approved(3, 'carol'), returnOf('dave')],
      ...[waitForOthers(3, 0), approved(3, 'dave'), used(3), policyOf(ruleNamed('joint shift'))],
      ...[used(3), policyOf(ruleNamed('two shifts')), asked(4), dismissalOf('carol')],
      ...[waitForOthers(4, 0), approved(4, 'carol'), approved(4, 'alice'), approved(4, 'bob')],
      // Whoever is gone when something is asked for is not of its second group, recovered or not.
      ...[recoveryOf('carol', false), waitOf(3_600_000), asked(5)],
      ...[enrolmentOf(0, true), waitForOthers(5, 0), approved(5, 'carol'), approved(5, 'dave')],
      // Whoever may decide anyhow decides for themselves, and in nobody's place.
      ...[lent('carol', 'alice'), asked(6), waitForOthers(6, 0), approved(6, 'alice')],
      ...[approved(6, 'carol'), used(6)],
    ],
    answers: [
      ...['decision of the second group accepted', 'decision of the first group accepted'],
      ...['decision of the first group ALREADY_DECIDED', 'decision of a deputy accepted'],
      ...['decision of the first group DUPLICATE_HUMAN', 'decision DELEGATION_EXCEEDED'],
      ...['decision of the second group NOT_ELIGIBLE', 'use NOT_BOUND', 'use accepted'],
      'decision by a recovered key NOT_ELIGIBLE',
    ],
  },
  {
    to: 'keys of a known model',
    rule: 'model',
    commands: [
      ...[asked(0), approved(0, 'bob'), approved(0, 'carol'), approved(0, 'dave')],
      ...[approved(0, 'bob', { verdict: 'deny' }), approved(0, 'alice'), used(0)],
      ...[asked(1), approved(1, 'dave', { verdict: 'revoke' })],
      // Other lists are the stricter ones, and none is not.
      ...[policyOf(ruleNamed('maker')), used(0), policyOf(ruleNamed('one')), used(0)],
      ...[asked(2), policyOf(ruleNamed('maker')), approved(2, 'alice'), policyOf(ruleNamed('one'))],
      ...[approved(2, 'alice'), policyOf(ruleNamed('maker')), used(2)],
      ...[asked(3), approved(3, 'carol'), approved(3, 'dave'), policyOf(ruleNamed('model'))],
      ...[approved(3, 'bob'), policyOf(ruleNamed('maker')), approved(3, 'bob'), used(3)],
      ...[policyOf(ruleNamed('model')), used(3)],
      // A deputy decides with a key of their own, whatever key the person has who is away.
      ...[
        policyOf(ruleNamed('known shifts')),
        lent('alice', 'dave'),
        lent('bob', 'carol'),
        asked(4),
      ],
      ...[approved(4, 'dave'), approved(4, 'carol'), approved(4, 'bob'), approved(4, 'alice')],
      used(4),
    ],
    answers: [
      ...['decision by a known make AUTHENTICATOR_CLASS', 'decision by a known make accepted'],
      ...['decision by a known make POLICY_CHANGED', 'decision POLICY_CHANGED'],
      ...['decision of a deputy accepted', 'use POLICY_CHANGED', 'use accepted'],
    ],
  },
  {
    to: 'persons whose new key is of another model',
    rule: 'known shifts',
    commands: [
      ...[recoveryOf('alice', false), recoveryOf('bob', false), recoveryOf('dave', false)],
      ...[asked(0), approved(0, 'alice'), waitForOthers(0, 0), used(0), waitOf(3_600_000)],
      ...[asked(1), approved(1, 'alice'), enrolmentOf(0, true, 'acme two'), approved(1, 'alice')],
      ...[enrolmentOf(1, true, 'acme one'), approved(1, 'bob'), waitForOthers(1, 1)],
      ...[enrolmentOf(2, true, 'other one'), approved(1, 'dave'), waitForOthers(1, 0)],
      ...[approved(1, 'dave'), used(1), asked(2), approved(2, 'bob'), waitForOthers(2, 0)],
      ...[approved(2, 'carol'), dismissalOf('carol'), used(2)],
    ],
    answers: [
      ...['decision by a recovered key of a known make accepted', 'use APPROVER_REVOKED'],
      ...['decision by a recovered key of a known make AUTHENTICATOR_CLASS', 'use accepted'],
      ...['decision of the second group NOT_ELIGIBLE', 'decision of the second group accepted'],
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
              () => (from === null ? start(rule) : startAfter(from)),
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
