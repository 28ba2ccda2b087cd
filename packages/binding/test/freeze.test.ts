import { describe, expect, it } from 'vitest';
import { epochOf, isFrozen } from '@countersign/binding';
import type { JsonObject } from '@countersign/canonical';
import { TestLedger, type TestLedgerOptions } from './test-ledger.ts';

const FREEZE = { kind: 'frozen' };
const THAW = { kind: 'thawed', epoch: 1 };

async function frozenLedger(options: TestLedgerOptions = {}): Promise<TestLedger> {
  const ledger = new TestLedger(options);
  await freeze(ledger);
  return ledger;
}

async function freeze(ledger: TestLedger): Promise<void> {
  const asked = await ledger.request(ledger.changeEnvelope(FREEZE));
  expect(await ledger.decide(ledger.owner, asked)).toEqual({ status: 'accepted' });
}

async function codeOf(ledger: TestLedger, change: JsonObject): Promise<unknown> {
  const frame = ledger.requestFrame(ledger.changeEnvelope(change));
  const outcome = await ledger.submit('request', frame);
  return 'code' in outcome ? outcome.code : outcome.status;
}

describe('a freeze', () => {
  it('F10: is pressed by any one natural person, whatever the bootstrap rule wants', async () => {
    const ledger = await frozenLedger({ bootstrapApprovals: 2 });
    expect(isFrozen(ledger.state.authority)).toBe(true);
    expect(epochOf(ledger.state.authority)).toBe(1);
    // The owner of the agent that asked, under separation full.
    expect(ledger.last('binding-made').entry).toMatchObject({
      epoch: 0,
      excluded: [],
      requirement: { rule: 'freeze', approvals: 1, proof_classes: ['uv'] },
      decisions: [{ person: ledger.owner.id }],
    });
  });

  it('F10: wants a person who is verified, and is pressed by no role', async () => {
    const ledger = new TestLedger();
    const asked = await ledger.request(ledger.changeEnvelope(FREEZE));
    const outcome = await ledger.decide(ledger.alice, asked, {
      assertion: { flags: 0x01 },
    });
    expect(outcome).toEqual({ status: 'refused', code: 'PROOF_CLASS' });
    expect(isFrozen(ledger.state.authority)).toBe(false);
  });

  it('F10: lets nothing be used, and what was bound before stays dead after the thaw', async () => {
    const ledger = new TestLedger();
    const bound = await ledger.bound();
    await freeze(ledger);
    const frozen = await ledger.use(ledger.useClaim(bound));
    expect(frozen).toEqual({ status: 'refused', code: 'FROZEN' });
    expect(await ledger.change(THAW)).toEqual({ status: 'accepted' });
    const thawed = await ledger.use(ledger.useClaim(bound));
    expect(thawed).toEqual({ status: 'refused', code: 'EPOCH_ENDED' });
    expect(ledger.entries('binding-used')).toEqual([]);
    const anew = await ledger.bound();
    expect(anew.admission.entry.epoch).toBe(1);
    expect(anew.binding.entry.epoch).toBe(1);
    expect(await ledger.use(ledger.useClaim(anew))).toEqual({ status: 'accepted' });
  });

  it('F10: lets nothing be asked for, and binds nothing that was asked for before', async () => {
    const ledger = new TestLedger();
    const asked = await ledger.request();
    await freeze(ledger);
    const outcome = await ledger.submit('request', ledger.requestFrame(ledger.envelope()));
    expect(outcome).toEqual({ status: 'refused', code: 'FROZEN' });
    const frozen = await ledger.decide(ledger.alice, asked);
    expect(frozen).toEqual({ status: 'refused', code: 'FROZEN' });
    await ledger.change(THAW);
    const thawed = await ledger.decide(ledger.bob, asked);
    expect(thawed).toEqual({ status: 'refused', code: 'EPOCH_ENDED' });
    // It can still be ended.
    const denied = await ledger.decide(ledger.bob, asked, { verdict: 'deny' });
    expect(denied).toEqual({ status: 'accepted' });
  });

  it('F10: an approval of before it completes no quorum after it', async () => {
    const ledger = new TestLedger({ approvals: 2 });
    const asked = await ledger.request();
    await ledger.decide(ledger.alice, asked);
    await freeze(ledger);
    await ledger.change(THAW);
    expect(await ledger.decide(ledger.bob, asked)).toMatchObject({ code: 'EPOCH_ENDED' });
    expect(ledger.entries('binding-made').map(({ entry }) => entry.action_type.name)).toEqual([
      'authority.freeze',
      'authority.thaw',
    ]);
  });

  it('is lifted by the bootstrap rule alone', async () => {
    const ledger = await frozenLedger({ bootstrapApprovals: 2 });
    const asked = await ledger.request(ledger.changeEnvelope(THAW));
    await ledger.decide(ledger.alice, asked);
    expect(isFrozen(ledger.state.authority)).toBe(true);
    await ledger.decide(ledger.bob, asked);
    expect(isFrozen(ledger.state.authority)).toBe(false);
    expect(epochOf(ledger.state.authority)).toBe(1);
  });

  it('lets rights be taken away, and nothing be given', async () => {
    const ledger = await frozenLedger();
    const { credentialId: credential_id } = ledger.bob.passkey;
    const policy = ledger.state.policy as unknown as JsonObject;
    expect(await codeOf(ledger, { kind: 'policy-set', policy })).toBe('FROZEN');
    expect(await codeOf(ledger, { kind: 'log-key-removed', id: '00000000' })).toBe('FROZEN');
    expect(await ledger.change({ kind: 'executor-revoked', id: 'build-1' })).toEqual({
      status: 'accepted',
    });
    expect(await ledger.change({ kind: 'agent-revoked', id: 'janitor' })).toEqual({
      status: 'accepted',
    });
    expect(await ledger.change({ kind: 'credential-revoked', credential_id })).toEqual({
      status: 'accepted',
    });
  });

  it('lets what has started be reported', async () => {
    const ledger = new TestLedger();
    const claim = ledger.useClaim(await ledger.bound());
    await ledger.use(claim);
    await freeze(ledger);
    expect(await ledger.submitReport(ledger.report(claim))).toEqual({ status: 'accepted' });
    const { index } = ledger.last('binding-used');
    expect(await ledger.use(claim)).toEqual({ status: 'repeated', index });
  });

  it('is not pressed twice, and a thaw ends the freeze that it names', async () => {
    const ledger = await frozenLedger();
    expect(await codeOf(ledger, FREEZE)).toBe('MEMBER_EXISTS');
    expect(await codeOf(ledger, { ...THAW, epoch: 2 })).toBe('MEMBER_UNKNOWN');
    const late = await ledger.request(ledger.changeEnvelope(THAW));
    await ledger.change(THAW);
    expect(await codeOf(ledger, THAW)).toBe('MEMBER_UNKNOWN');
    await freeze(ledger);
    expect(epochOf(ledger.state.authority)).toBe(2);
    expect(await ledger.decide(ledger.alice, late)).toMatchObject({ code: 'AUTHORITY_STALE' });
    expect(isFrozen(ledger.state.authority)).toBe(true);
  });

  it('carries no other change than itself', async () => {
    const ledger = new TestLedger();
    const { credentialId: credential_id } = ledger.bob.passkey;
    const envelope = ledger.changeEnvelope(FREEZE);
    const other = { kind: 'credential-revoked', credential_id };
    const frame = ledger.requestFrame({ ...envelope, params: { change: other } });
    expect(await ledger.submit('request', frame)).toMatchObject({ status: 'refused' });
  });

  it('is in the state, and in the record of what was bound in a later epoch', async () => {
    const ledger = await frozenLedger({ limits: { stateCommitEvery: 1 } });
    await ledger.change(THAW);
    await ledger.bound();
    const committed = ledger.state.takeCommitted();
    expect(committed?.parts.members).toContainEqual({
      kind: 'freeze',
      id: 'freeze',
      epoch: 1,
      frozen: false,
    });
    const texts = [...(committed?.changes.values() ?? [])].map((each) =>
      new TextDecoder().decode(each?.bytes()),
    );
    expect(texts.some((text) => text.includes('"epoch":1'))).toBe(true);
  });

  it('is nothing that a ledger is founded with', () => {
    const member = { kind: 'freeze', id: 'freeze', epoch: 1, frozen: true } as const;
    expect(() => new TestLedger({ extra: [member] })).toThrow(
      expect.objectContaining({ code: 'SCHEMA_INVALID' }) as Error,
    );
  });
});
