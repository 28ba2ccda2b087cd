import { afterEach, describe, expect, it } from 'vitest';
import { utf8 } from '@countersign/canonical';
import { verifyConsistency } from '@countersign/tlog';
import { evidenceOutcome } from '../support/evidence-outcome.ts';
import { FoundedLedger, entryOf } from '../support/founded-ledger.ts';
import { authorityAction } from '../support/log-key-rotation.ts';
import { TENANT, actionDigestOf, commandPolicy } from '../support/parties.ts';
import { expectWitnessedEvidence } from '../support/witnessed-evidence.ts';

let ledger: FoundedLedger | undefined;

afterEach(async () => {
  await ledger?.discard();
  ledger = undefined;
});

async function started(options = {}): Promise<FoundedLedger> {
  ledger = await FoundedLedger.create(options);
  ledger.start();
  return ledger;
}

async function stored(at: FoundedLedger): Promise<void> {
  expect(await at.projector.waitForStored(at.writer.status.acceptedSize, 5_000)).toBe(true);
}

describe('evidence', () => {
  it('is valid at level human for a verifier with the trust file alone', async () => {
    const at = await started({ policy: commandPolicy({ approvals: 2 }) });
    const asked = await at.admit();
    await at.decide(asked);
    const second = await at.decide(asked, { person: at.parties.bob });
    const binding = entryOf(second, 'binding-made');
    const use = entryOf(await at.use({ ...asked, binding }), 'binding-used');
    const report = at.parties.reportFrame(use, actionDigestOf(asked.action));
    await at.ask('report', asked.actionId, report);
    await stored(at);
    const outcome = await evidenceOutcome(at, asked.actionId);
    expect(outcome).toMatchObject({ outcome: 'VALID', level: 'human' });
  });

  it('is refused for an action that was never bound', async () => {
    const at = await started();
    const { actionId } = await at.admit();
    await stored(at);
    await expect(at.projector.evidence(TENANT, actionId)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });
});

describe('evidence at level witnessed', () => {
  it('is under a cosigned head alone, which is waited for', async () => {
    const at = await started();
    await expectWitnessedEvidence(at, at.projector, (size) => {
      at.projector.noteCosigned(size);
    });
  });
});

describe('read models', () => {
  it('keep a key that was revoked, with the entry and the time of that', async () => {
    const at = await started();
    const { alice, bob } = at.parties;
    const { credentialId: id } = alice.passkey;
    const revoking = { kind: 'credential-revoked', credential_id: id };
    const asked = await at.admit(authorityAction(at, 'authority.change', revoking));
    const { index } = entryOf(await at.decide(asked, { person: bob }), 'authority-changed');
    await stored(at);
    const [entry] = await at.store.entries(index, 1);
    const { rows } = await at.store.formerMembers({ kind: 'credential', limit: 9 });
    expect(rows).toMatchObject([
      { id, person: alice.id, removedIndex: index, removedAt: entry?.at },
    ]);
    expect(await at.store.member('credential', id)).toBeUndefined();
    expect((await at.store.formerMembers({ kind: 'agent', limit: 9 })).rows).toEqual([]);
  });

  it('are byte for byte the same when they are built again', async () => {
    const at = await started({ tier: 'sqlite' });
    const bound = await at.bind();
    await at.use(bound);
    await at.decide(await at.admit(), { verdict: 'deny' });
    await at.ask('erasure', bound.actionId, at.parties.erasureFrame(bound.actionId));
    await at.ask('use', bound.actionId, utf8('{"nobody":"known"}'));
    await at.bind();
    await stored(at);
    await at.restart();
    await at.bind();
    await stored(at);
    await at.stop();
    const grown = await at.store.dump();
    const other = await at.newStore();
    const projector = at.newProjector(other);
    const running = projector.run();
    await projector.waitForStored(at.writer.status.acceptedSize, 10_000);
    await expect.poll(() => other.dump(), { timeout: 5_000 }).toBe(grown);
    projector.stop();
    await running;
    await projector.rebuild();
    expect(await other.logPosition()).toBeUndefined();
    const again = at.newProjector(other);
    const rerun = again.run();
    await expect.poll(() => other.dump(), { timeout: 10_000 }).toBe(grown);
    again.stop();
    await rerun;
    await other.close();
  });

  it('prove that the log only grew', async () => {
    const at = await started();
    await at.bind();
    await stored(at);
    const from = at.projector.status.storedSize;
    const fromRoot = await at.projector.proofs.rootAt(from);
    await at.bind();
    await stored(at);
    const to = at.projector.status.storedSize;
    const toRoot = await at.projector.proofs.rootAt(to);
    if (fromRoot === undefined || toRoot === undefined) throw new Error('expected both roots');
    const proof = await at.projector.proofs.consistency(from, to);
    expect(() => {
      verifyConsistency({ from, to, fromRoot, toRoot, proof });
    }).not.toThrow();
    await expect(at.projector.proofs.inclusion(0, to + 1)).rejects.toMatchObject({
      code: 'SIZE_BEYOND_LOG',
    });
  });

  it('tell what came of an input also to whoever asks late, and again after a restart', async () => {
    const at = await started({ tier: 'sqlite' });
    const asked = await at.admit();
    const frame = at.parties.decisionFrame(asked.admission);
    const first = await at.ask('decision', asked.actionId, frame);
    await stored(at);
    await at.restart();
    const again = await at.ask('decision', asked.actionId, frame);
    expect(entryOf(again, 'binding-made').leaf).toBe(entryOf(first, 'binding-made').leaf);
    const nobody = await at.projector.waitForInput(`sha256:${'00'.repeat(32)}`, 10);
    expect(nobody).toBeUndefined();
  });

  it('tell a sender that is nobody known that its input was refused', async () => {
    const at = await started();
    const answer = await at.ask('use', '', utf8('{}'));
    expect(answer).toEqual({ kind: 'quarantined', code: 'SCHEMA_INVALID' });
  });

  it('wake up who waits for an action', async () => {
    const at = await started();
    const asked = await at.admit();
    const since = asked.admission.index;
    const { actionId } = asked;
    const waiting = at.projector.waitForAction({ tenant: TENANT, actionId, since }, 5_000);
    await at.decide(asked);
    expect(await waiting).toBeGreaterThan(since);
  });
});
