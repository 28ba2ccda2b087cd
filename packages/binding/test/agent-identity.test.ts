import { canonicalBytes } from '@countersign/canonical';
import { parseAction } from '@countersign/descriptors';
import { describe, expect, it } from 'vitest';
import { actOf, delegated, jktOf, TestIssuer } from './test-issuer.ts';
import { ed25519Key } from './test-keys.ts';
import { TestLedger, type Bound } from './test-ledger.ts';
import type { TestAgent } from './test-members.ts';

const MISMATCH = { status: 'refused', code: 'AGENT_MISMATCH' };

/** Takes the agent out and puts another one in, of the same name. */
async function replaced(
  ledger: TestLedger,
  more: { owner?: string; key?: string },
): Promise<TestAgent> {
  const { other } = ledger;
  const key = more.key === undefined ? other.key : ed25519Key(more.key);
  await ledger.change({ kind: 'agent-revoked', id: other.id });
  const agent = {
    id: other.id,
    public_key: key.publicKey,
    owner: more.owner ?? ledger.alice.id,
    operator: false,
  };
  const outcome = await ledger.change({ kind: 'agent-enrolled', agent });
  if (outcome.status !== 'accepted') throw new Error('expected the agent to be enrolled');
  return { ...other, key };
}

/** Of the agent that may be taken out, since the other one asks for the changes. */
async function boundFor(ledger: TestLedger): Promise<Bound> {
  const asked = await ledger.request(ledger.envelope({}, ledger.other), ledger.other);
  await ledger.decide(ledger.bob, asked);
  return { ...asked, binding: ledger.last('binding-made') };
}

describe('F08: an agent that is not who it was', () => {
  it('F08: of the same name with another key is AGENT_MISMATCH for what was asked before', async () => {
    const ledger = new TestLedger();
    const { other } = ledger;
    const asked = await ledger.request(ledger.envelope({}, other), other);
    expect(asked.admission.entry.agent).toEqual({
      id: other.id,
      key_thumbprint: other.key.thumbprint,
      owner: ledger.alice.id,
    });
    const successor = await replaced(ledger, { key: 'successor' });
    expect(await ledger.decide(ledger.bob, asked)).toEqual(MISMATCH);
    // Its key asks no more, and the new one not in the name of the old key.
    const old = ledger.requestFrame(ledger.envelope({}, other), other);
    expect(await ledger.submit('request', old)).toMatchObject({ code: 'AGENT_UNKNOWN' });
    const posing = ledger.requestFrame(ledger.envelope({}, other), successor);
    expect(await ledger.submit('request', posing)).toEqual(MISMATCH);
  });

  it('F08: of the same name and key with another owner is AGENT_MISMATCH', async () => {
    const ledger = new TestLedger();
    const asked = await ledger.request(ledger.envelope({}, ledger.other), ledger.other);
    await replaced(ledger, { owner: ledger.owner.id });
    expect(await ledger.decide(ledger.bob, asked)).toEqual(MISMATCH);
  });

  it('F08: as it was before, enrolled again, goes on with what it asked', async () => {
    const ledger = new TestLedger();
    const asked = await ledger.request(ledger.envelope({}, ledger.other), ledger.other);
    await replaced(ledger, {});
    expect(await ledger.decide(ledger.bob, asked)).toEqual({ status: 'accepted' });
  });

  it.each([
    ['with another key', { key: 'successor-3' }, MISMATCH],
    ['with another owner', { owner: 'the other one' }, MISMATCH],
    ['as it was', {}, { status: 'accepted' }],
  ])('F08: enrolled again %s since it was bound: %o at its use', async (_, more, expected) => {
    const ledger = new TestLedger();
    const bound = await boundFor(ledger);
    const owner = 'owner' in more ? { owner: ledger.owner.id } : {};
    await replaced(ledger, { ...more, ...owner });
    expect(await ledger.use(ledger.useClaim(bound))).toEqual(expected);
  });

  it('F08: revoked since it was bound is AGENT_UNKNOWN at its use, and by rules 1 nobody looks', async () => {
    const ledger = new TestLedger();
    const bound = await boundFor(ledger);
    await ledger.change({ kind: 'agent-revoked', id: ledger.other.id });
    expect(await ledger.use(ledger.useClaim(bound))).toEqual({
      status: 'refused',
      code: 'AGENT_UNKNOWN',
    });
    const older = new TestLedger({ rules: 1 });
    const boundBefore = await boundFor(older);
    await replaced(older, { key: 'successor-4' });
    expect(await older.use(older.useClaim(boundBefore))).toEqual({ status: 'accepted' });
  });

  it.each([
    ['model', { model: 'other-model-2' }],
    ['build', { build: `sha256:${'ee'.repeat(32)}` }],
  ])('F08: with another %s than it said is another action', async (_what, more) => {
    const ledger = new TestLedger();
    const { id, key } = ledger.agent;
    const said = { id, key_thumbprint: key.thumbprint, model: 'model-1' };
    const envelope = ledger.envelope({ agent: said });
    const bound = await ledger.bound(envelope);
    const changed = { ...envelope, agent: { ...said, ...more } };
    const { digest } = parseAction(canonicalBytes(changed));
    expect(await ledger.submit('request', ledger.requestFrame(changed))).toMatchObject({
      code: 'REQUEST_ID_REUSED',
    });
    const claim = ledger.useClaim(bound, { action_digest: digest });
    expect(await ledger.use(claim)).toMatchObject({ code: 'ACTION_DIGEST_MISMATCH' });
  });

  it('F08: a chain for the old key is not one for the new key', async () => {
    const ledger = new TestLedger();
    const issuer = new TestIssuer();
    await ledger.change(issuer.change([['carl', ledger.owner]]));
    const exp = Math.floor(ledger.nowMs / 1_000) + 600;
    const cnf = { jkt: await jktOf(ledger.other) };
    const token = await issuer.token({ sub: 'carl', exp, cnf, act: actOf(ledger.other.id) });
    const successor = await replaced(ledger, { key: 'successor-2' });
    const chain = delegated([token], [{ sub: ledger.owner.id, kind: 'person' }]);
    const frame = ledger.requestFrame(ledger.envelope(chain, successor), successor);
    expect(await ledger.submit('request', frame)).toEqual({
      status: 'refused',
      code: 'DELEGATION_INVALID',
    });
  });
});
