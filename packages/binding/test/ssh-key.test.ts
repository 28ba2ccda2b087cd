import {
  BindingError,
  DECISION_NAMESPACE,
  decisionMessage,
  parsePolicy,
  sshKeyChange,
  type Outcome,
} from '@countersign/binding';
import type { Json, JsonObject } from '@countersign/canonical';
import { SoftwareSshKey, type SshsigOverrides } from '@countersign/software-passkey';
import { describe, expect, it } from 'vitest';
import { decisionBytes, policyOf } from './test-documents.ts';
import { TestLedger, type Asked } from './test-ledger.ts';
import { testAgent, type TestPerson } from './test-members.ts';

const FILE = 'ssh-ed25519';
const TOKEN = 'sk-ssh-ed25519@openssh.com';
const LAX = { policy: policyOf(1, { proof_classes: ['uv', 'possession'] }) };

function enrolled(person: TestPerson, key: SoftwareSshKey, more: JsonObject = {}): JsonObject {
  const { public_key } = key.credentialKey;
  return { ...sshKeyChange(person.id, key.publicKey, public_key), ...more };
}

interface Signing extends SshsigOverrides {
  readonly namespace?: string;
  readonly credential?: string;
}

function decisionOf(
  ledger: TestLedger,
  { person, key }: { readonly person: TestPerson; readonly key: SoftwareSshKey },
  { asked, namespace, credential, ...overrides }: Signing & { readonly asked: Asked },
): Promise<Outcome> {
  const { credential_id } = key.credentialKey;
  const { statement, rationale } = ledger.statement(person, asked, {
    statement: { credential: credential ?? credential_id },
  });
  const message = decisionMessage(statement);
  const proof = key.proof(namespace ?? DECISION_NAMESPACE, message, overrides);
  return ledger.submit('decision', decisionBytes(statement, proof, rationale));
}

/** Alice has enrolled the key, with her passkey. */
async function ledgerWith(
  key: SoftwareSshKey,
  options: ConstructorParameters<typeof TestLedger>[0] = {},
): Promise<TestLedger> {
  const ledger = new TestLedger(options);
  const outcome = await ledger.change(enrolled(ledger.alice, key));
  if (outcome.status !== 'accepted') throw new Error('expected the key to be enrolled');
  return ledger;
}

describe('the enrolment of an SSH key', () => {
  it('is bound by persons, and makes a credential named after the key', async () => {
    const key = new SoftwareSshKey(TOKEN, { application: 'ssh:work' });
    const ledger = await ledgerWith(key);
    const { credential_id: id, public_key } = key.credentialKey;
    expect(ledger.state.authority.get('credential', id)).toEqual({
      kind: 'credential',
      id,
      person: ledger.alice.id,
      proof: 'sshsig',
      public_key,
    });
    expect(ledger.last('authority-changed').entry.authority_root).toBe(ledger.state.authority.root);
    expect(await ledger.change({ kind: 'credential-revoked', credential_id: id })).toMatchObject({
      status: 'accepted',
    });
    expect(await ledger.change(enrolled(ledger.alice, key)).catch(String)).toContain(
      'DUPLICATE_KEY',
    );
  });

  const shownWrong: readonly (readonly [string, JsonObject])[] = [
    ['type', { key_type: FILE }],
    ['fingerprint', { fingerprint: `SHA256:${'A'.repeat(43)}` }],
    ['application', { application: 'ssh:other' }],
  ];
  it.each(shownWrong)('is refused when another %s would be shown', async (_what, more) => {
    const ledger = new TestLedger();
    const change = enrolled(ledger.alice, new SoftwareSshKey(TOKEN), more);
    expect(await ledger.change(change).catch(String)).toContain('SCHEMA_INVALID');
  });

  it('is refused for a key of an unknown person, and for a bad one', async () => {
    const ledger = new TestLedger();
    const key = new SoftwareSshKey(FILE);
    const nobody = { person: 'prs_01KAR5RWY0000000000000000Z' };
    expect(await ledger.change(enrolled(ledger.alice, key, nobody)).catch(String)).toContain(
      'MEMBER_UNKNOWN',
    );
    const small = new SoftwareSshKey('ssh-rsa', { bits: 1_024 });
    expect(() => enrolled(ledger.alice, small)).toThrow(BindingError);
  });

  it('D04: one key has one seat, whoever brings it and whatever else it is', async () => {
    const key = new SoftwareSshKey(FILE);
    const ledger = await ledgerWith(key);
    expect(await ledger.change(enrolled(ledger.bob, key)).catch(String)).toContain('MEMBER_EXISTS');
    // The same Ed25519 point, passed off as that of a security key.
    const [type, point] = [Buffer.alloc(4), key.publicKey.subarray(-36)];
    type.writeUInt32BE(TOKEN.length);
    const application = Buffer.from('\0\0\0\u0004ssh:', 'latin1');
    const twice = Buffer.concat([type, Buffer.from(TOKEN), point, application]);
    const change = { ...sshKeyChange(ledger.bob.id, twice, twice.toString('base64url')) };
    expect(await ledger.change(change as unknown as JsonObject).catch(String)).toContain(
      'DUPLICATE_KEY',
    );
  });

  it('an agent cannot have the key of a person, nor a person that of an agent', async () => {
    const key = new SoftwareSshKey(FILE);
    const ledger = await ledgerWith(key);
    const spki = Buffer.concat([
      Buffer.from('302a300506032b6570032100', 'hex'),
      key.publicKey.subarray(-32),
    ]).toString('base64url');
    const agent = { id: 'bot', public_key: spki, owner: ledger.alice.id, operator: false };
    expect(await ledger.change({ kind: 'agent-enrolled', agent }).catch(String)).toContain(
      'MEMBER_EXISTS',
    );
    const point = Buffer.from(testAgent('x', ledger.alice.id).key.publicKey, 'base64url');
    expect(point).toHaveLength(44);
    const own = Buffer.from(ledger.agent.key.publicKey, 'base64url').subarray(-32);
    const blob = Buffer.concat([key.publicKey.subarray(0, -32), own]);
    const change = { ...sshKeyChange(ledger.bob.id, blob, blob.toString('base64url')) };
    expect(await ledger.change(change as unknown as JsonObject).catch(String)).toContain(
      'DUPLICATE_KEY',
    );
  });

  it('D04: a revoked key does not come back as another kind of key', async () => {
    const key = new SoftwareSshKey(TOKEN);
    const ledger = await ledgerWith(key);
    const { credential_id: id } = key.credentialKey;
    await ledger.change({ kind: 'credential-revoked', credential_id: id });
    const point = key.publicKey.subarray(4 + TOKEN.length, 4 + TOKEN.length + 36);
    const file = Buffer.concat([Buffer.from('\0\0\0\u000bssh-ed25519', 'latin1'), point]);
    const change = { ...sshKeyChange(ledger.bob.id, file, file.toString('base64url')) };
    expect(await ledger.change(change as unknown as JsonObject).catch(String)).toContain(
      'DUPLICATE_KEY',
    );
    const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), point.subarray(4)]);
    const agent = { id: 'bot', public_key: spki.toString('base64url'), owner: ledger.alice.id };
    const enrolment = { kind: 'agent-enrolled', agent: { ...agent, operator: false } };
    expect(await ledger.change(enrolment).catch(String)).toContain('MEMBER_EXISTS');
  });

  it('does not keep a person able to change the authority', async () => {
    const ledger = await ledgerWith(new SoftwareSshKey(TOKEN), { bootstrapApprovals: 3 });
    const change = { kind: 'credential-revoked', credential_id: ledger.alice.passkey.credentialId };
    expect(await ledger.change(change).catch(String)).toContain('WOULD_LOCK_OUT');
  });
});

describe('a decision by SSH', () => {
  it('with a security key that was verified binds as a passkey does', async () => {
    const key = new SoftwareSshKey(TOKEN);
    const ledger = await ledgerWith(key);
    const asked = await ledger.request();
    const outcome = await decisionOf(ledger, { person: ledger.alice, key }, { asked });
    expect(outcome).toEqual({ status: 'accepted' });
    const [decision] = ledger.last('binding-made').entry.decisions;
    expect(decision).toMatchObject({ proof_class: 'uv', proof: { kind: 'sshsig' } });
  });

  it('is refused where the rule does not take its class', async () => {
    const [token, file] = [new SoftwareSshKey(TOKEN), new SoftwareSshKey(FILE)];
    const ledger = await ledgerWith(token);
    await ledger.change(enrolled(ledger.alice, file));
    const asked = await ledger.request();
    const refused = { status: 'refused', code: 'PROOF_CLASS' };
    const by = { person: ledger.alice, key: token };
    expect(await decisionOf(ledger, by, { asked, flags: 1 })).toEqual(refused);
    expect(await decisionOf(ledger, { ...by, key: file }, { asked })).toEqual(refused);
  });

  it('with a key in a file binds where a rule says so, and never changes the authority', async () => {
    const key = new SoftwareSshKey(FILE);
    const ledger = await ledgerWith(key, LAX);
    const asked = await ledger.request();
    const by = { person: ledger.alice, key };
    expect(await decisionOf(ledger, by, { asked })).toEqual({ status: 'accepted' });
    expect(ledger.last('binding-made').entry.decisions[0]?.proof_class).toBe('possession');
    const change = enrolled(ledger.bob, new SoftwareSshKey(FILE));
    const other = await ledger.request(ledger.changeEnvelope(change));
    expect(await decisionOf(ledger, by, { asked: other })).toMatchObject({ code: 'PROOF_CLASS' });
  });

  const wrong: readonly (readonly [string, Signing, string])[] = [
    ['the namespace of sessions', { namespace: 'countersign-session-v1' }, 'namespace'],
    ['no touch', { flags: 4 }, 'user-present'],
    ['another application', { application: 'ssh:x' }, 'signature'],
    ['the key of somebody else', { publicKey: new SoftwareSshKey(TOKEN).publicKey }, 'key'],
  ];
  it.each(wrong)('D07: %s is quarantined', async (_what, how, why) => {
    const key = new SoftwareSshKey(TOKEN);
    const ledger = await ledgerWith(key);
    const asked = await ledger.request();
    expect(await decisionOf(ledger, { person: ledger.alice, key }, { asked, ...how })).toEqual({
      status: 'quarantined',
      code: 'ASSERTION_INVALID',
      why,
    });
  });

  it('D03: the key of a role decides nothing', async () => {
    const key = new SoftwareSshKey(TOKEN);
    const role = `prs_01KAR5RWY0000000000000000R`;
    const { public_key, credential_id } = key.credentialKey;
    const ledger = new TestLedger({
      extra: [
        { kind: 'person', id: role, class: 'role' },
        { kind: 'credential', id: credential_id, person: role, proof: 'sshsig', public_key },
      ],
    });
    const person = { ...ledger.alice, id: role };
    const asked = await ledger.request();
    expect(await decisionOf(ledger, { person, key }, { asked })).toEqual({
      status: 'refused',
      code: 'NOT_A_NATURAL_PERSON',
    });
  });

  it('cannot stand in the place of a passkey, nor a passkey in its', async () => {
    const key = new SoftwareSshKey(TOKEN);
    const ledger = await ledgerWith(key);
    const asked = await ledger.request();
    const { credentialId: credential } = ledger.alice.passkey;
    const by = { person: ledger.alice, key };
    expect(await decisionOf(ledger, by, { asked, credential })).toMatchObject({
      code: 'ASSERTION_INVALID',
      why: 'credential',
    });
    const { credential_id } = key.credentialKey;
    const { statement } = ledger.statement(ledger.alice, asked);
    const outcome = await ledger.decide(ledger.alice, asked, {
      statement: { ...statement, credential: credential_id },
    });
    expect(outcome).toMatchObject({ code: 'ASSERTION_INVALID', why: 'credential' });
  });

  it('of a counter that does not grow is a finding', async () => {
    const key = new SoftwareSshKey(TOKEN);
    const ledger = await ledgerWith(key);
    for (const counter of [7, 7]) {
      const asked = await ledger.request();
      await decisionOf(ledger, { person: ledger.alice, key }, { asked, counter });
    }
    expect(ledger.last('finding-raised').entry.finding).toBe('CLONE_SUSPECTED');
  });
});

describe('a policy', () => {
  it('has version 2 where a rule accepts possession, and nowhere else', () => {
    const lax = policyOf(1, { proof_classes: ['possession'] }) as unknown as JsonObject;
    expect(parsePolicy(lax)).toEqual(lax);
    const old: Json = { ...lax, v: 'countersign.policy.v1' };
    expect(() => parsePolicy(old)).toThrow(expect.objectContaining({ code: 'SCHEMA_INVALID' }));
    const strict: Json = { ...(policyOf(1) as unknown as JsonObject), v: 'countersign.policy.v2' };
    expect(() => parsePolicy(strict)).toThrow(expect.objectContaining({ code: 'TYPE_CONFUSION' }));
  });
});
