import { formatTimestamp, timestampMs, type JsonObject } from '@countersign/canonical';
import { describe, expect, it } from 'vitest';
import { DEFAULT_BOOTSTRAP, parsePolicy, type Outcome, type Policy } from '../src/index.ts';
import { policyOf } from './test-documents.ts';
import { TestLedger, type TestLedgerOptions } from './test-ledger.ts';

const MINUTE_MS = 60_000;

function limited(asking: JsonObject, options: Partial<TestLedgerOptions> = {}): TestLedger {
  return new TestLedger({ policy: policyOf(1, { asking }), ...options });
}

async function ask(
  ledger: TestLedger,
  envelope: JsonObject = ledger.envelope(),
  agent = ledger.agent,
): Promise<string> {
  const outcome: Outcome = await ledger.submit('request', ledger.requestFrame(envelope, agent));
  return 'code' in outcome ? outcome.code : outcome.status;
}

async function forwardTo(ledger: TestLedger, time: string): Promise<void> {
  await ledger.tick(timestampMs(`2026-11-${time}Z`) - ledger.nowMs);
}

describe('how often people are asked', () => {
  it('D15: after so many prompts within an hour they are left alone: PROMPTS_EXCEEDED', async () => {
    const ledger = limited({ prompts_1h_max: 3 });
    for (let i = 0; i < 3; i += 1) expect(await ask(ledger)).toBe('accepted');
    expect(await ask(ledger)).toBe('PROMPTS_EXCEEDED');
    // Of another agent its neighbour's owner may decide too, who was asked nothing yet.
    expect(await ask(ledger, ledger.envelope({}, ledger.other), ledger.other)).toBe('accepted');
    expect(ledger.last('request-refused').entry).not.toHaveProperty('until');
    await ledger.tick(60 * MINUTE_MS);
    expect(await ask(ledger)).toBe('accepted');
  });

  it('D15: goes on while enough of them were asked less: as many as the rule needs', async () => {
    const first = new TestLedger();
    const { alice, bob } = first;
    const [asked] = policyOf(1, { asking: { prompts_1h_max: 2 } }).rules;
    if (asked === undefined) throw new Error('expected a rule');
    for (const approvals of [1, 2]) {
      const approvers = [alice.id, bob.id];
      const policy = { v: 'countersign.policy.v1', rules: [{ ...asked, approvals, approvers }] };
      const ledger = new TestLedger({ policy: policy as Policy, people: first });
      const { other } = ledger;
      // What Alice's agent asks, Bob alone may decide.
      for (let i = 0; i < 2; i += 1) {
        expect(await ask(ledger, ledger.envelope({}, other), other)).toBe('accepted');
      }
      expect(await ask(ledger, ledger.envelope({}, other), other)).toBe('PROMPTS_EXCEEDED');
      expect(await ask(ledger)).toBe(approvals === 1 ? 'accepted' : 'PROMPTS_EXCEEDED');
    }
  });

  it('D15: nobody is asked in quiet hours, and whoever asks is told when they end: QUIET_HOURS', async () => {
    const quiet = [
      { from: '22:00', to: '05:30' },
      { from: '05:30', to: '06:00' },
    ];
    const ledger = limited({ quiet_utc: quiet });
    await forwardTo(ledger, '23T21:59:59.999');
    expect(await ask(ledger)).toBe('accepted');
    for (const time of ['23T22:00:00.000', '24T03:00:00.000', '24T05:59:59.999']) {
      await forwardTo(ledger, time);
      expect(await ask(ledger)).toBe('QUIET_HOURS');
      const { until } = ledger.last('request-refused').entry;
      expect(until).toBe('2026-11-24T06:00:00.000Z');
    }
    // Deciding, and stopping everything, is never quiet.
    const freeze = { kind: 'frozen' };
    expect(await ask(ledger, ledger.changeEnvelope(freeze))).toBe('accepted');
    await forwardTo(ledger, '24T06:00:00.000');
    expect(await ask(ledger)).toBe('accepted');
  });

  it('D15: the same is not asked again while it is open: REQUEST_OPEN', async () => {
    const ledger = limited({ open_max: 1 });
    const first = await ledger.request();
    const { action_id: id, action_digest: digest } = first.admission.entry;
    expect(await ask(ledger)).toBe('REQUEST_OPEN');
    expect(ledger.last('request-refused').entry.open).toBe(id);
    // Another agent has asked for nothing yet; and who corrects what is open asks for nothing more.
    expect(await ask(ledger, ledger.envelope({}, ledger.other), ledger.other)).toBe('accepted');
    expect(await ask(ledger, ledger.envelope({ parent_digest: digest }))).toBe('accepted');
    expect(ledger.last('request-admitted').entry.supersedes).toBe(id);
    expect(await ask(ledger)).toBe('REQUEST_OPEN');
    const second = ledger.entries('request-admitted').at(-1);
    expect(ledger.last('request-refused').entry.open).toBe(second?.entry.action_id);
    await ledger.tick(901_000);
    expect(await ask(ledger)).toBe('accepted');
  });

  it('D15: counts as it did after a start from the log', async () => {
    const ledger = limited({ prompts_1h_max: 2, open_max: 5 });
    for (let i = 0; i < 2; i += 1) await ask(ledger);
    const again = ledger.emptyState();
    for (const { entry, index, leaf } of ledger.log) again.evolve(entry, { index, leaf });
    const frame = ledger.requestFrame(ledger.envelope());
    expect(await ledger.decided('request', frame, again)).toMatchObject({
      outcome: { status: 'refused', code: 'PROMPTS_EXCEEDED' },
    });
  });

  it('holds no limit that it could not count: a log of rules 1 has no such rule', async () => {
    const ledger = limited({ prompts_1h_max: 3 }, { rules: 1 });
    expect(await ask(ledger)).toBe('NO_POLICY');
  });

  it('of several rules together each limit counts, the smaller one of both', async () => {
    const policy = parsePolicy({
      v: 'countersign.policy.v3',
      cedar: ['one', 'two']
        .map(
          (id) => `@id("${id}") @rule("${id}")
permit (principal, action == Action::"ask", resource is generic::command_v1);`,
        )
        .join('\n'),
      groups: {},
      rules: [
        {
          ...DEFAULT_BOOTSTRAP,
          id: 'one',
          asking: { open_max: 3, quiet_utc: [{ from: '12:00', to: '00:00' }] },
        },
        {
          ...DEFAULT_BOOTSTRAP,
          id: 'two',
          asking: { open_max: 2, quiet_utc: [{ from: '00:00', to: '06:00' }] },
        },
      ],
    });
    const ledger = new TestLedger({ policy });
    await ask(ledger);
    await ask(ledger);
    expect(await ask(ledger)).toBe('REQUEST_OPEN');
    await forwardTo(ledger, '23T12:00:00.000');
    expect(await ask(ledger)).toBe('QUIET_HOURS');
    expect(ledger.last('request-refused').entry.until).toBe('2026-11-24T06:00:00.000Z');
    // What is asked of a person says nothing of when it may be asked.
    const { requirement } = ledger.last('request-admitted').entry;
    expect(requirement).not.toHaveProperty('asking');
    expect(formatTimestamp(ledger.nowMs)).toBe('2026-11-23T12:00:00.000Z');
  });
});
