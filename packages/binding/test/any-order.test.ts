import { canonicalBytes } from '@countersign/canonical';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseEntry, type Entry, type InputKind } from '@countersign/binding';
import { frame } from './test-keys.ts';
import { TestLedger, type Asked } from './test-ledger.ts';

const ENDS = new Set(['request-denied', 'request-expired', 'binding-made', 'binding-revoked']);

/** What leads to a binding comes up more often. */
const OPS = 'request request alice alice bob bob use again deny revoke tick'.split(' ');

interface Step {
  readonly op: string;
  readonly about: number;
  readonly passMs: number;
}

/** Three actions on a ledger of their own, so that decisions can be made before the ledger under test admits them. */
async function threeActions(): Promise<{
  founder: TestLedger;
  asked: Asked[];
  frames: Uint8Array[];
}> {
  const founder = new TestLedger({ approvals: 2 });
  const asked: Asked[] = [];
  const frames: Uint8Array[] = [];
  for (let i = 0; i < 3; i += 1) {
    const envelope = founder.envelope();
    frames.push(founder.requestFrame(envelope));
    asked.push(await founder.request(envelope));
  }
  return { founder, asked, frames };
}

/** Runs steps on a ledger; a decision is made about the admission there, or about the one it would have been. */
class Story {
  readonly ledger: TestLedger;
  readonly #made: Awaited<ReturnType<typeof threeActions>>;
  #last: readonly [InputKind, Uint8Array] = ['tick', new Uint8Array(0)];

  constructor(made: Awaited<ReturnType<typeof threeActions>>) {
    this.#made = made;
    this.ledger = TestLedger.twinOf(made.founder, { stateCommitEvery: 5 });
  }

  async play({ op, about, passMs }: Step): Promise<void> {
    this.ledger.nowMs += passMs;
    if (op !== 'again') this.#last = this.#input(op, about);
    await this.ledger.submit(...this.#last);
  }

  #input(op: string, about: number): readonly [InputKind, Uint8Array] {
    const { ledger } = this;
    const asked = this.#asked(about);
    const frame = this.#made.frames[about];
    if (op === 'tick' || asked === undefined || frame === undefined) {
      return ['tick', new Uint8Array(0)];
    }
    if (op === 'request') return ['request', frame];
    if (op === 'use') return ['use', this.#useFrame(asked)];
    const person = op === 'alice' ? ledger.alice : ledger.bob;
    const verdict = op === 'deny' || op === 'revoke' ? op : 'approve';
    return ['decision', ledger.decisionFrame(person, asked, { verdict })];
  }

  #asked(about: number): Asked | undefined {
    const would = this.#made.asked[about];
    const admission = this.ledger
      .entries('request-admitted')
      .find(({ entry }) => entry.action_id === would?.action.envelope.action_id);
    return would && admission ? { ...would, admission } : would;
  }

  #useFrame(asked: Asked): Uint8Array {
    const { ledger } = this;
    const binding = ledger
      .entries('binding-made')
      .find(({ entry }) => entry.action_id === asked.action.envelope.action_id);
    const claim = ledger.useClaim({ ...asked, binding: binding ?? (asked.admission as never) });
    return frame(ledger.executor.key, 'use', canonicalBytes(claim));
  }
}

function endsOf(entries: readonly Entry[], actionId: string): string[] {
  return entries
    .filter((entry) => ENDS.has(entry.type) && 'action_id' in entry && entry.action_id === actionId)
    .map(({ type }) => type);
}

function assertSound(ledger: TestLedger): void {
  const entries = ledger.log.map(({ entry }) => entry);
  for (const { entry: admitted } of ledger.entries('request-admitted')) {
    const ends = endsOf(entries, admitted.action_id);
    // The first end stays; only a binding may still be revoked.
    if (ends.length > 1) expect(ends).toEqual(['binding-made', 'binding-revoked']);
  }
  const uses = ledger.entries('binding-used').map(({ entry }) => entry.binding);
  expect(new Set(uses).size).toBe(uses.length);
  for (const { entry: binding, index } of ledger.entries('binding-made')) {
    const accepted = entries
      .slice(0, index)
      .filter(
        (entry) =>
          entry.type === 'decision-accepted' &&
          entry.action_id === binding.action_id &&
          entry.statement.verdict === 'approve',
      );
    expect(accepted.length).toBeGreaterThanOrEqual(binding.requirement.approvals);
    const persons = new Set(binding.decisions.map(({ person }) => person));
    expect(persons.size).toBeGreaterThanOrEqual(binding.requirement.approvals);
  }
}

describe('inputs in any order and any number', () => {
  it('never bind twice, nor without enough persons, nor change an end; a replay agrees', async () => {
    const made = await threeActions();
    const step = fc.record({
      op: fc.constantFrom(...OPS),
      about: fc.nat(2),
      passMs: fc.constantFrom(0, 0, 0, 0, 0, 0, 1_000, 1_000, 61_000, 900_001),
    });
    let bindings = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
        const story = new Story(made);
        for (const each of steps) await story.play(each);
        const { ledger } = story;
        assertSound(ledger);
        bindings += ledger.entries('binding-made').length;
        const state = ledger.emptyState();
        for (const { bytes, index, leaf } of ledger.log) {
          state.evolve(parseEntry(bytes), { index, leaf });
        }
        expect(state.stateDigest()).toBe(ledger.state.stateDigest());
      }),
      { numRuns: 60 },
    );
    expect(bindings).toBeGreaterThan(0);
  }, 30_000);
});
