import { afterEach, describe, expect, it } from 'vitest';
import { decisionChallenge, type DecisionStatement } from '@countersign/binding';
import {
  parseStrict,
  toBase64url,
  utf8,
  type Digest,
  type JsonObject,
} from '@countersign/canonical';
import { inputDigest, runTicker } from '@countersign/ledger';
import type { InputAnswer } from '@countersign/projector';
import { decodeQuarantined, encodePublic, type PublicTopic } from '@countersign/wire';
import { ANSWER_MS, FoundedLedger, entryOf, type Admitted } from '../support/founded-ledger.ts';
import { auditLog, type Audit } from '../support/log-audit.ts';
import { Person, TENANT, actionIdOf, type KeyHolder } from '../support/parties.ts';

let ledger: FoundedLedger | undefined;

afterEach(async () => {
  ledger?.router.stop();
  await ledger?.discard();
  ledger = undefined;
});

/** All services, with the router reading the topics that anybody may write to. */
async function opened(): Promise<FoundedLedger> {
  ledger = await FoundedLedger.create({ tier: 'sqlite' });
  ledger.start();
  void ledger.router.run();
  return ledger;
}

interface Produced {
  readonly payload: Uint8Array;
  readonly actionId: string;
  /** Names and partitions are the producer's own choice: they mean nothing. */
  readonly key?: string;
}

/** Writes to a public topic as any client in any language may, without a ledger between. */
async function produce(
  at: FoundedLedger,
  topic: PublicTopic,
  { payload, actionId, key = 'eve' }: Produced,
): Promise<InputAnswer> {
  const arriving = at.projector.waitForInput(inputDigest(payload), ANSWER_MS);
  const value = encodePublic(topic, { tenant: TENANT, actionId, payload });
  await at.broker.append({ topic, partition: 0 }, [{ key, value }]);
  const answer = await arriving;
  if (answer === undefined) throw new Error(`expected an answer to what came by ${topic}`);
  return answer;
}

async function audited(at: FoundedLedger): Promise<Audit> {
  return auditLog(at.broker, { origin: at.origin, logKeys: [at.signer.vkey] });
}

async function typesOf(at: FoundedLedger): Promise<string[]> {
  return (await audited(at)).entries.map(({ type }) => type);
}

async function quarantined(at: FoundedLedger): Promise<string[]> {
  const records = await at.broker.read({ topic: 'quarantine', partition: 0 }, 0, 100);
  return records.map(({ value }) => decodeQuarantined(value ?? new Uint8Array()).reason);
}

function decisionOf(frame: Uint8Array): JsonObject & { statement: JsonObject } {
  return parseStrict(frame) as JsonObject & { statement: JsonObject };
}

function bytesOf(decision: object): Uint8Array {
  return utf8(JSON.stringify(decision));
}

/** A right decision of Alice with another proof, or none. */
function withProof(at: FoundedLedger, asked: Admitted, proof: unknown): Uint8Array {
  const { proof: right, ...rest } = decisionOf(at.parties.decisionFrame(asked.admission));
  expect(right).toBeDefined();
  return bytesOf(proof === undefined ? rest : { ...rest, proof });
}

function challengeOf(frame: Uint8Array): Uint8Array {
  return decisionChallenge(decisionOf(frame).statement as unknown as DecisionStatement);
}

describe('a decision that is produced straight into the public topic', () => {
  it('D06: names an approver, holds no proof of hers: NO_HUMAN_PROOF, in quarantine, nothing bound', async () => {
    const at = await opened();
    const asked = await at.admit();
    const { actionId } = asked;
    const payload = withProof(at, asked, undefined);
    expect(decisionOf(payload).statement['person']).toBe(at.parties.alice.id);
    const answer = await produce(at, 'decision-made', { payload, actionId });
    expect(answer).toEqual({ kind: 'quarantined', code: 'NO_HUMAN_PROOF' });
    const nulled = withProof(at, asked, null);
    expect(await produce(at, 'decision-made', { payload: nulled, actionId })).toEqual(answer);
    expect(await quarantined(at)).toEqual(['NO_HUMAN_PROOF', 'NO_HUMAN_PROOF']);
    expect(await typesOf(at)).toEqual(['ledger-founded', 'request-admitted']);
    expect(await at.store.action(TENANT, actionId)).toMatchObject({ status: 'pending' });
  });

  it('D06: is signed with a key of the forger: CREDENTIAL_UNKNOWN, ASSERTION_INVALID, NO_HUMAN_PROOF', async () => {
    const at = await opened();
    const asked = await at.admit();
    const { actionId } = asked;
    const eve = new Person(at.clock.nowMs());
    const right = at.parties.decisionFrame(asked.admission);
    const ofEve = withProof(at, asked, eve.passkey.assert(challengeOf(right)));
    const codes: unknown[] = [];
    const byEve = bytesOf({
      ...decisionOf(ofEve),
      statement: { ...decisionOf(ofEve).statement, credential: eve.passkey.credentialId },
    });
    // Her own credential, then Alice's name over her own signature.
    for (const payload of [byEve, ofEve]) {
      codes.push(await produce(at, 'decision-made', { payload, actionId }));
    }
    expect(codes).toEqual([
      { kind: 'quarantined', code: 'CREDENTIAL_UNKNOWN' },
      { kind: 'quarantined', code: 'ASSERTION_INVALID' },
    ]);
    // Bob is enrolled, and signs as Alice: his own name stands in the refusal.
    const { bob, alice } = at.parties;
    const asBob = decisionOf(at.parties.decisionFrame(asked.admission, { person: bob }));
    const statement = { ...asBob.statement, person: alice.id } as unknown as DecisionStatement;
    const proof = bob.passkey.assert(decisionChallenge(statement));
    const payload = bytesOf({ ...asBob, statement, proof });
    const refused = entryOf(
      await produce(at, 'decision-made', { payload, actionId }),
      'decision-refused',
    );
    expect(JSON.parse(refused.text)).toMatchObject({ code: 'NO_HUMAN_PROOF', person: bob.id });
    expect(await typesOf(at)).not.toContain('binding-made');
  });

  it('B14: with routing fields that say something else than the payload: TYPE_CONFUSION', async () => {
    const at = await opened();
    const [one, two] = [await at.admit(), await at.admit()];
    const payload = at.parties.decisionFrame(one.admission);
    const value = encodePublic('decision-made', {
      tenant: TENANT,
      actionId: two.actionId,
      payload,
    });
    const tp = { topic: 'decision-made', partition: 0 } as const;
    await at.broker.append(tp, [{ key: 'eve', value }]);
    await expect.poll(() => quarantined(at), { timeout: ANSWER_MS }).toEqual(['TYPE_CONFUSION']);
    expect(await typesOf(at)).not.toContain('decision-accepted');
  });

  it('D06: with an action id that is none, too long for any key: SCHEMA_INVALID, and the router goes on', async () => {
    const at = await opened();
    const actionId = 'x'.repeat(600);
    const statement = { tenant: TENANT, action_id: actionId };
    const value = encodePublic('decision-made', {
      tenant: TENANT,
      actionId,
      payload: bytesOf({ statement }),
    });
    const tp = { topic: 'decision-made', partition: 0 } as const;
    await at.broker.append(tp, [{ key: 'eve', value }]);
    await expect.poll(() => quarantined(at), { timeout: ANSWER_MS }).toEqual(['SCHEMA_INVALID']);
    const asked = await at.admit();
    const payload = at.parties.decisionFrame(asked.admission);
    const made = await produce(at, 'decision-made', { payload, actionId: asked.actionId });
    entryOf(made, 'binding-made');
  });

  it('C03: is delivered again and again, by producer, router and partition: one binding', async () => {
    const at = await opened();
    const asked = await at.admit();
    const { actionId } = asked;
    const payload = at.parties.decisionFrame(asked.admission);
    const value = encodePublic('decision-made', { tenant: TENANT, actionId, payload });
    const tp = { topic: 'decision-made', partition: 0 } as const;
    const arriving = at.projector.waitForInput(inputDigest(payload), ANSWER_MS);
    await at.broker.append(
      tp,
      ['a', 'b', 'c'].map((key) => ({ key, value })),
    );
    const binding = entryOf((await arriving) as InputAnswer, 'binding-made');
    // A router that has lost its positions moves everything once more, while the writer starts anew.
    at.router.stop();
    await at.restart();
    void at.router.run();
    const again = await produce(at, 'decision-made', { payload, actionId, key: 'd' });
    expect(entryOf(again, 'binding-made').leaf).toBe(binding.leaf);
    await at.bind();
    const types = await typesOf(at);
    expect(types.filter((type) => type === 'decision-accepted')).toHaveLength(2);
    expect(types.filter((type) => type === 'binding-made')).toHaveLength(2);
    expect(types).not.toContain('decision-refused');
  });

  it('C04: comes before its request, waits its time, and is an orphan: ORPHAN_DECISION', async () => {
    const at = await opened();
    const asked = await at.admit();
    const action = at.parties.action();
    const actionId = actionIdOf(action);
    const early = decisionOf(at.parties.decisionFrame(asked.admission));
    const admission: Digest = `sha256:${'77'.repeat(32)}`;
    const statement = {
      ...early.statement,
      action_id: actionId,
      admission,
    } as unknown as DecisionStatement;
    const proof = at.parties.alice.passkey.assert(decisionChallenge(statement));
    const payload = bytesOf({ ...early, statement, proof });
    const arriving = at.projector.waitForInput(inputDigest(payload), ANSWER_MS);
    const value = encodePublic('decision-made', { tenant: TENANT, actionId, payload });
    await at.broker.append({ topic: 'decision-made', partition: 0 }, [{ key: 'eve', value }]);
    const intake = { topic: 'intake', partition: 0 } as const;
    await expect.poll(() => at.broker.end(intake), { timeout: ANSWER_MS }).toBe(2);
    let isStopped = false;
    const ticking = runTicker({
      broker: at.broker,
      clock: at.clock,
      partition: 0,
      nextDeadlineMs: () => at.writer.nextDeadlineMs,
      isStopped: () => isStopped,
    });
    await expect
      .poll(() => at.writer.status.intakeOffset, { timeout: ANSWER_MS })
      .toBeGreaterThan(0);
    at.clock.forward(61_000);
    const refused = entryOf((await arriving) as InputAnswer, 'decision-refused');
    isStopped = true;
    await ticking;
    expect(refused.text).toContain('"code":"ORPHAN_DECISION"');
    // The id is asked for afterwards: the decision of then is not found again.
    await at.admit(action);
    await expect
      .poll(() => at.store.action(TENANT, actionId), { timeout: ANSWER_MS })
      .toMatchObject({ status: 'pending' });
    expect(await typesOf(at)).not.toContain('binding-made');
  });
});

describe('a request that is produced straight into the public topic', () => {
  it('A06: under an id that is in use: REQUEST_ID_REUSED, and the open request is not overwritten', async () => {
    const at = await opened();
    const asked = await at.admit();
    const { actionId } = asked;
    const params = { ...(asked.action['params'] as JsonObject), argv: ['rm', '-rf', '/'] };
    const second = at.parties.requestFrame(at.parties.action({ action_id: actionId, params }));
    const answer = await produce(at, 'action-requested', { payload: second, actionId });
    expect(entryOf(answer, 'request-refused').text).toContain('"code":"REQUEST_ID_REUSED"');
    const bound = entryOf(await at.decide(asked), 'binding-made');
    expect(JSON.parse(bound.text)).toMatchObject({ admission: asked.admission.leaf });
  });

  it('B14: is signed by an agent as an order to erase, or by an executor: nothing', async () => {
    const at = await opened();
    const action = at.parties.action();
    const actionId = actionIdOf(action);
    const signers: [KeyHolder, 'erasure' | 'request', string][] = [
      [at.parties.agent, 'erasure', 'SIGNATURE_INVALID'],
      [at.parties.executor, 'request', 'AGENT_UNKNOWN'],
    ];
    for (const [holder, kind, code] of signers) {
      const payload = holder.frame(kind, action);
      const answer = await produce(at, 'action-requested', { payload, actionId });
      expect(answer).toEqual({ kind: 'quarantined', code });
    }
    expect(await typesOf(at)).toEqual(['ledger-founded']);
  });

  it('B11: is larger than any frame: LIMIT_EXCEEDED, and the ledger goes on', async () => {
    const at = await opened();
    const action = at.parties.action();
    const actionId = actionIdOf(action);
    const payload = bytesOf({ payload: toBase64url(new Uint8Array(150_000)) });
    const value = encodePublic('action-requested', { tenant: TENANT, actionId, payload });
    const tp = { topic: 'action-requested', partition: 0 } as const;
    await at.broker.append(tp, [{ key: 'eve', value }]);
    await expect.poll(() => quarantined(at), { timeout: ANSWER_MS }).toEqual(['LIMIT_EXCEEDED']);
    await at.bind();
  });
});

describe('two requests that wait at once', () => {
  it('A05: whose answers are swapped are both DECISION_REQUEST_MISMATCH, and neither binds', async () => {
    const at = await opened();
    const [one, two] = await Promise.all([at.admit(), at.admit()]);
    const swapped = ([asked, other]: readonly [Admitted, Admitted]): Uint8Array => {
      const meant = decisionOf(at.parties.decisionFrame(other.admission));
      const statement = { ...meant.statement, action_id: asked.actionId };
      const proof = at.parties.alice.passkey.assert(
        decisionChallenge(statement as unknown as DecisionStatement),
      );
      return bytesOf({ ...meant, statement, proof });
    };
    const pairs = [
      [one, two],
      [two, one],
    ] as const;
    const answers = await Promise.all(
      pairs.map((pair) => at.ask('decision', pair[0].actionId, swapped(pair))),
    );
    for (const answer of answers) {
      const { text } = entryOf(answer, 'decision-refused');
      expect(text).toContain('"code":"DECISION_REQUEST_MISMATCH"');
    }
    expect(await typesOf(at)).not.toContain('binding-made');
    // Each bears its own answer still.
    await Promise.all([at.decide(one), at.decide(two)]);
    expect((await typesOf(at)).filter((type) => type === 'binding-made')).toHaveLength(2);
  });
});
