import type { CedarPolicy, CedarRule, Outcome } from '@countersign/binding';
import { formatTimestamp } from '@countersign/canonical';
import { describe, expect, it } from 'vitest';
import { QUORUM_CEDAR, QUORUM_RULE } from './test-documents.ts';
import { TestLedger, type Asked, type DecideOptions } from './test-ledger.ts';
import { testPerson, type TestPerson } from './test-members.ts';

const people = { owner: testPerson(), alice: testPerson(), bob: testPerson() };
const { alice, bob } = people;
const [carol, dave, erin] = [testPerson(), testPerson(), testPerson()];
const extra = [...carol.members, ...dave.members, ...erin.members];

const MINUTE_MS = 60_000;

function ledgerOf(rule: Partial<CedarRule>): TestLedger {
  const policy: CedarPolicy = {
    v: 'countersign.policy.v3',
    cedar: QUORUM_CEDAR,
    groups: { treasury: [alice.id, carol.id, erin.id] },
    rules: [{ ...QUORUM_RULE, decide_within_s: 7_200, ...rule }],
  };
  return new TestLedger({ people, extra, policy });
}

/** Asks once, and lets everybody approve of the same. */
class Approvals {
  readonly #ledger: TestLedger;
  readonly #asked: Asked;
  readonly #startMs: number;

  private constructor(ledger: TestLedger, asked: Asked) {
    this.#ledger = ledger;
    this.#asked = asked;
    this.#startMs = ledger.nowMs;
  }

  static async of(ledger: TestLedger): Promise<Approvals> {
    return new Approvals(ledger, await ledger.request());
  }

  async by(person: TestPerson, options: DecideOptions = {}): Promise<string> {
    const outcome: Outcome = await this.#ledger.decide(person, this.#asked, options);
    return 'code' in outcome ? outcome.code : outcome.status;
  }

  /** So many seconds after it was asked for. */
  async at(afterS: number, person: TestPerson, lifeS: number = 3_600): Promise<string> {
    this.#ledger.nowMs = this.#startMs + afterS * 1_000;
    const endMs = this.#ledger.nowMs + lifeS * 1_000;
    return this.by(person, { statement: { not_after: formatTimestamp(endMs) } });
  }

  get status(): string | undefined {
    return this.#ledger.state.action(this.#asked.admission.entry.action_id)?.status;
  }
}

function boundBy(ledger: TestLedger): readonly string[] {
  return ledger.last('binding-made').entry.decisions.map(({ person }) => person);
}

async function lend(ledger: TestLedger, deputy: TestPerson): Promise<void> {
  const outcome = await ledger.change({
    kind: 'deputy-named',
    principal: alice.id,
    deputy: deputy.id,
    types: ['generic.command'],
    not_before: formatTimestamp(ledger.nowMs),
    not_after: formatTimestamp(ledger.nowMs + 10 * MINUTE_MS),
  });
  expect(outcome).toEqual({ status: 'accepted' });
}

describe('an approval that was given anew', () => {
  it('D12: replaces that of a deputy, also once the deputy is named again', async () => {
    const ledger = ledgerOf({ approvals: 3, approvers: { group: 'treasury' } });
    await lend(ledger, bob);
    const approvals = await Approvals.of(ledger);
    expect(await approvals.by(bob)).toBe('accepted');
    ledger.nowMs += 11 * MINUTE_MS;
    expect(await approvals.by(alice)).toBe('accepted');
    await lend(ledger, bob);
    // Alice, Bob for her and Carol would be three approvals of two voices.
    expect(await approvals.by(carol)).toBe('accepted');
    expect(approvals.status).toBe('pending');
    expect(await approvals.by(bob)).toBe('DUPLICATE_HUMAN');
    expect(await approvals.by(erin)).toBe('accepted');
    expect(boundBy(ledger)).toEqual([alice.id, carol.id, erin.id]);
  });

  it('D12: replaces that of one deputy by that of another, who was named after them', async () => {
    const ledger = ledgerOf({ approvals: 2, approvers: { group: 'treasury' } });
    await lend(ledger, bob);
    const approvals = await Approvals.of(ledger);
    expect(await approvals.by(bob)).toBe('accepted');
    await lend(ledger, dave);
    expect(await approvals.by(dave)).toBe('accepted');
    await lend(ledger, bob);
    // Neither counts now: Dave is nobody's deputy, and what Bob said before was replaced.
    expect(await approvals.by(carol)).toBe('accepted');
    expect(approvals.status).toBe('pending');
    expect(await approvals.by(bob, { text: 'still right' })).toBe('accepted');
    expect(boundBy(ledger)).toEqual([carol.id, bob.id]);
  });

  it('D04: does not count twice where the window has moved the order', async () => {
    const seats = [[alice, erin], [bob], [erin, carol], [dave]].map((persons) => ({
      approvers: persons.map(({ id }) => id),
      count: 1,
    }));
    const ledger = ledgerOf({ approvals: 4, ordered: true, window_s: 3_600, seats });
    const approvals = await Approvals.of(ledger);
    expect(await approvals.at(0, alice)).toBe('accepted');
    expect(await approvals.at(3_400, bob, 60)).toBe('accepted');
    expect(await approvals.at(3_430, erin)).toBe('accepted');
    // Bob's is over, and what came behind it is in no order any more.
    expect(await approvals.at(3_470, bob)).toBe('accepted');
    expect(await approvals.at(3_500, erin)).toBe('accepted');
    // Alice's is out of the window: the first of Erin's would fill her seat, and the second her own.
    expect(await approvals.at(3_700, dave)).not.toBe('accepted');
    expect(approvals.status).toBe('pending');
  });
});
