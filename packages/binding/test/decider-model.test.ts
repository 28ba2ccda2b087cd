import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import {
  DeciderModel,
  type Answer,
  type DecisionLetter,
  type Letter,
  type Voter,
} from './decider-model.ts';
import { DeciderWorld, RULES } from './decider-world.ts';

/** What was written so far: anything of it may come at any time, again and again. */
interface Post {
  readonly letters: Letter[];
}

type Model = DeciderModel & { readonly post: Post };
type Command = fc.AsyncCommand<Model, DeciderWorld>;

/** How often the ledger gave each answer: what never came up was never compared. */
const seen = new Map<Answer, number>();

async function compare(letter: Letter, model: Model, world: DeciderWorld): Promise<void> {
  const answer = await world.send(letter);
  seen.set(answer, (seen.get(answer) ?? 0) + 1);
  expect([letter, model.answer(letter, world.admission(letter.ask) ?? '')]).toEqual([
    letter,
    answer,
  ]);
  compareStanding(model, world);
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
const voter = fc.constantFrom<Voter>('alice', 'alice', 'bob', 'bob', 'carol', 'carol', 'owner');
const isNow = fc.constantFrom(true, true, true, false);
/** Of what nobody has asked for yet. */
const isEarly = fc.constantFrom(false, false, false, false, false, false, true);

function isThere(
  { asks }: Readonly<Model>,
  how: { readonly ask: number; readonly isEarly: boolean },
): boolean {
  return how.isEarly || asks.has(how.ask);
}

const request = fc.record({ ask, isNow }).map((how) =>
  command(`request ${JSON.stringify(how)}`, (model, world) =>
    post({ kind: 'request', id: model.post.letters.length, ask: how.ask }, how.isNow, {
      model,
      world,
    }),
  ),
);

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
  .map((how) =>
    command(
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
          verdict: how.verdict,
          untilMs: world.nowMs + how.forMs,
          cites,
          typed: how.isFitting ? fitting : how.typed,
        };
        await post(letter, how.isNow, { model, world });
      },
      (model) => isThere(model, how),
    ),
  );

const use = fc
  .record({ ask, isNow, isEarly, isOld: fc.constantFrom(false, false, false, true) })
  .map((how) =>
    command(
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
    ),
  );

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
const delivery = fc.nat().map((which) =>
  command(
    `delivery ${which}`,
    async (model, world) => {
      const letter = model.post.letters[which % model.post.letters.length];
      if (letter !== undefined) await compare(letter, model, world);
    },
    (model) => model.post.letters.length > 0,
  ),
);

const wait = fc.constantFrom(0, 1_000, 1_000, 30_000, 61_000, 299_000, 600_001, 900_001).map((ms) =>
  command(`wait ${ms}`, async (model, world) => {
    world.pass(ms);
    await world.tick();
    model.nowMs = world.nowMs;
    model.sweep();
    compareStanding(model, world);
  }),
);

const crash = fc.constant(
  command('crash', async (model, world) => {
    await world.startAgain();
    compareStanding(model, world);
  }),
);

function anyKey({ keys }: Readonly<Model>): Voter {
  const [first = 'alice'] = [...keys].filter((each) => each !== 'owner');
  return first;
}

/** Rarely, for it ends whatever is open; and not for long. */
const press = fc.nat(2).map((turn) =>
  command(
    'switch',
    async (model, world) => {
      const change = model.isFrozen
        ? { kind: 'thawed', epoch: model.epoch }
        : ({ kind: 'frozen' } as const);
      expect(await world.change(change, anyKey(model))).toBe('accepted');
      if (!model.isFrozen) model.epoch += 1;
      model.isFrozen = !model.isFrozen;
      model.sweep();
      compareStanding(model, world);
    },
    ({ isFrozen }) => isFrozen || turn === 0,
  ),
);

const policy = fc.constantFrom(...RULES).map((rule) =>
  command(
    `policy ${rule.name}`,
    async (model, world) => {
      const answer = await world.setRule(rule, anyKey(model));
      expect(answer).toBe(model.isFrozen ? 'FROZEN' : 'accepted');
      if (!model.isFrozen) model.rule = rule;
      model.sweep();
      compareStanding(model, world);
    },
    (model) => model.rule !== rule,
  ),
);

const dismissal = fc.constantFrom<Voter>('bob', 'carol').map((gone) =>
  command(
    `dismissal ${gone}`,
    async (model, world) => {
      expect(await world.revokeKey(gone, 'alice')).toBe('accepted');
      model.keys.delete(gone);
      model.sweep();
      compareStanding(model, world);
    },
    // Two of them are to be left.
    (model) => model.keys.has(gone) && model.keys.size === 4,
  ),
);

const COMMANDS = [
  ...[request, request, request, request, decision, decision, decision, decision, decision],
  ...[decision, decision, decision, use, use, use, use, report, delivery, delivery, delivery],
  ...[wait, crash, press, policy, dismissal],
];

const RUN_MS_MAX = 6_000;
const RUNS = Number(process.env['COUNTERSIGN_MODEL_RUNS'] ?? 20);

afterAll(() => {
  if (process.env['COUNTERSIGN_MODEL_RUNS'] !== undefined) console.log(Object.fromEntries(seen));
});

describe('the decider beside a simple model of it', () => {
  it(
    'answers the same to anything, in any order, twice, late, and after a crash',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...RULES),
          fc.commands(COMMANDS, { maxCommands: 80, size: 'max' }),
          async (rule, commands) => {
            await fc.asyncModelRun(() => {
              const world = new DeciderWorld(rule);
              const model = Object.assign(new DeciderModel(rule, world.nowMs), {
                post: { letters: [] },
              });
              return { model, real: world };
            }, commands);
          },
        ),
        { numRuns: RUNS },
      );
      // The rarer ones come up in longer runs.
      const tried: readonly Answer[] = [
        'accepted',
        'repeated',
        'held',
        'NOT_BOUND',
        'LATE_DECISION',
      ];
      expect([...seen.keys()]).toEqual(expect.arrayContaining([...tried]));
    },
    RUNS * RUN_MS_MAX,
  );
});
