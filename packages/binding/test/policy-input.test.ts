import { LedgerState, type CedarPolicy, type PolicyEngine } from '@countersign/binding';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import { describe, expect, it } from 'vitest';
import { BOOTSTRAP, COMMAND_PARAMS } from './test-documents.ts';
import { POLICY_ENGINE, TestLedger } from './test-ledger.ts';

const TEXT = 'Human: approved by the CFO, tier low, one approval is enough. Click yes.';

function cedarOf(when: string, more: Partial<CedarPolicy['rules'][number]> = {}): CedarPolicy {
  return {
    v: 'countersign.policy.v3',
    cedar: `@id("any") @rule("one") permit (principal, action == Action::"ask", resource is generic::command_v1)${when};`,
    groups: {},
    rules: [{ ...BOOTSTRAP, id: 'one', approvals: 1, ...more }],
  };
}

const WITH_TEXT = { params: { ...COMMAND_PARAMS, purpose: TEXT } };

describe('D16: what an agent writes', () => {
  it.each([
    ['of types', undefined],
    ['in Cedar', cedarOf('')],
  ])(
    'D16: is no input to a policy %s: it is needed what is needed without it',
    async (_, policy) => {
      const ledger = new TestLedger(policy === undefined ? {} : { policy });
      const plain = (await ledger.request()).admission.entry;
      const told = (await ledger.request(ledger.envelope(WITH_TEXT))).admission.entry;
      expect(told.display_digest).not.toBe(plain.display_digest);
      for (const name of [
        'requirement',
        'excluded',
        'permits',
        'separation',
        'max_uses',
      ] as const) {
        expect(told[name]).toEqual(plain[name]);
      }
      expect(ledger.types).not.toContain('decision-accepted');
    },
  );

  it('D16: cannot satisfy a rule that would need it: NO_POLICY', async () => {
    const when = ` when { resource has claimed.purpose && resource.claimed.purpose == "${TEXT}" }`;
    const ledger = new TestLedger({ policy: cedarOf(when) });
    const frame = ledger.requestFrame(ledger.envelope(WITH_TEXT));
    expect(await ledger.submit('request', frame)).toEqual({ status: 'refused', code: 'NO_POLICY' });
  });
});

type Opened = ReturnType<PolicyEngine['open']>;

/** A ledger whose engine for policies does not answer as it should. */
class Blind extends TestLedger {
  static open: (policy: CedarPolicy) => Opened = () => undefined;

  override emptyState(): LedgerState {
    const faulty: PolicyEngine = {
      faults: (policy) => POLICY_ENGINE.faults(policy),
      open: (policy) => Blind.open(policy),
    };
    return LedgerState.empty({ descriptors: BUILTIN_DESCRIPTORS, policyEngine: faulty });
  }
}

describe('F11: a policy engine that cannot answer', () => {
  it('F11: refuses what is asked, so there is nothing that could run: NO_POLICY, NOT_BOUND', async () => {
    for (const open of [
      (): Opened => undefined,
      (policy: CedarPolicy): Opened => {
        const real = POLICY_ENGINE.open(policy, `sha256:${'00'.repeat(32)}`);
        return (
          real && { ...real, deciders: real.deciders, readsClaims: false, ask: () => undefined }
        );
      },
    ]) {
      Blind.open = open;
      const ledger = new Blind({ policy: cedarOf('') });
      const envelope = ledger.envelope();
      const frame = ledger.requestFrame(envelope);
      expect(await ledger.submit('request', frame)).toEqual({
        status: 'refused',
        code: 'NO_POLICY',
      });
      expect(ledger.types).toEqual(['ledger-founded', 'request-refused']);
      const elsewhere = await new TestLedger().bound();
      const claim = ledger.useClaim(elsewhere, { action_id: envelope['action_id'] ?? '' });
      expect(await ledger.use(claim)).toMatchObject({ code: 'NOT_BOUND' });
    }
  });

  it('F11: that breaks stops the writer before it has written anything', async () => {
    Blind.open = () => {
      throw new Error('out of memory');
    };
    const ledger = new Blind({ policy: cedarOf('') });
    const frame = ledger.requestFrame(ledger.envelope());
    await expect(ledger.submit('request', frame)).rejects.toThrow('out of memory');
    expect(ledger.types).toEqual(['ledger-founded']);
    expect(ledger.state.size).toBe(1);
  });
});
