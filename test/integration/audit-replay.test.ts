import {
  DEFAULT_BOOTSTRAP,
  encodeEntry,
  type Entry,
  type EntryOf,
  type Policy,
} from '@countersign/binding';
import { digestBytes, formatTimestamp } from '@countersign/canonical';
import { describe, expect, it } from 'vitest';
import { auditOf, audited, auditRefusal } from '../support/audited-log.ts';
import { DecidedLog, filesOf } from '../support/decided-log.ts';
import { authorityAction, removing, logKeyAction, adding } from '../support/log-key-rotation.ts';
import { noteSigner } from '../support/note-key.ts';
import { Person, commandPolicy, entryIn } from '../support/parties.ts';

const CEDAR: Policy = {
  v: 'countersign.policy.v3',
  cedar: `@id("commands") @rule("two")
permit (principal, action == Action::"ask", resource is generic::command_v1);

@id("payments") @rule("one")
permit (principal, action == Action::"ask", resource is payment::transfer_v1);
`,
  groups: {},
  rules: [
    { ...DEFAULT_BOOTSTRAP, id: 'one' },
    { ...DEFAULT_BOOTSTRAP, id: 'two', approvals: 2 },
  ],
};

/** Everything that one ledger is asked, right and wrong. */
async function storied(): Promise<DecidedLog> {
  const log = new DecidedLog({ limits: { stateCommitEvery: 1_000 } });
  const { parties } = log;
  const bound = await log.bind();
  log.forward(1_000);
  await log.submit('use', parties.useFrame(bound.binding));
  const used = log.last('binding-used');
  const digest = entryIn(bound.binding.text, 'binding-made').action_digest;
  await log.submit('report', parties.reportFrame(used, digest));
  await log.submit('report', parties.reportFrame(used, `sha256:${'1'.repeat(64)}`));
  await log.submit('use', parties.useFrame(bound.binding));
  await log.submit('erasure', parties.erasureFrame(bound.actionId));
  const denied = await log.admit();
  await log.decide(denied.admission, { verdict: 'deny' });
  await log.decide(denied.admission, { person: parties.bob });
  const revoked = await log.bind();
  await log.decide(revoked.admission, { verdict: 'revoke' });
  await log.submit('use', parties.useFrame(revoked.binding));
  const late = await log.admit();
  const own = await log.admit();
  await log.decide(own.admission, { person: parties.owner });
  await log.decide(own.admission, { text: ' ' });
  log.forward(901_000);
  await log.decide(late.admission);
  await log.tick();
  const action = parties.action({ type: 'unknown.type' });
  await log.submit('request', parties.requestFrame(action));
  const early = parties.action();
  await log.submit('request', parties.requestFrame(early));
  await log.submit('request', parties.requestFrame({ ...early, max_uses: 2 }));
  // By an operator, and by an agent that is none.
  for (const sender of [parties.agent, ...parties.crew]) {
    await log.submit('finding', parties.findingFrame(sender));
  }
  return log;
}

describe('the replay of a log', () => {
  it('derives every decision of a story again, and says what is not in the log', async () => {
    const log = await storied();
    const found = await audited(log);
    expect(found.head.size).toBe(log.entries.length);
    expect(Object.values(found.counts).reduce((sum, count) => sum + count, 0)).toBe(
      found.head.size,
    );
    expect(found.counts).toMatchObject({ 'request-expired': 2, 'binding-revoked': 1 });
    expect(log.lastEntry('finding-raised')).toMatchObject({ finding: 'NOT_ELIGIBLE' });
    expect(found.notDerived).toEqual({
      requests: found.counts['request-admitted'],
      rationales: 4,
      refusals: 4,
    });
  });

  it.each([1, 2] as const)(
    'goes by the rules that the founding names, whoever the agent is by then: %i',
    async (rules) => {
      const log = new DecidedLog({ rules });
      const { parties } = log;
      const other = new DecidedLog({ rules, like: log });
      const asking = parties.requestFrame(parties.action());
      for (const each of [log, other]) await each.submit('request', asking);
      const deciding = parties.decisionFrame(log.last('request-admitted'));
      for (const each of [log, other]) await each.submit('decision', deciding);
      const using = parties.useFrame(log.last('binding-made'));
      const revoking = { kind: 'agent-revoked', id: parties.agent.id };
      const change = await log.admit(authorityAction(log, 'authority.change', revoking));
      await log.decide(change.admission, { person: parties.bob });
      const [made] = await log.submit('use', using);
      expect(made).toMatchObject(
        rules === 1 ? { type: 'binding-used' } : { type: 'use-refused', code: 'AGENT_UNKNOWN' },
      );
      expect((await audited(log)).head.size).toBe(log.entries.length);
      // What the other version comes to is no answer, though every signature in it is good.
      await other.submit('use', using);
      const honest = other.lastEntry('binding-used');
      const refused: Entry = {
        ...{ v: 'countersign.entry.v1', type: 'use-refused', at: log.at, tenant: honest.tenant },
        ...{ action_id: honest.action_id, executor: parties.executor.id, use_id: honest.use_id },
        key_thumbprint: parties.executor.thumbprint,
        ...{ code: 'AGENT_UNKNOWN', input: honest.input },
      };
      const index = log.entries.length - 1;
      const entries = log.entries.with(index, encodeEntry(rules === 1 ? refused : honest));
      expect(await auditRefusal(log, await filesOf(entries, log.signer))).toMatchObject({
        ...{ code: 'REPLAY_MISMATCH', index },
      });
    },
  );

  it('a finding that its operator did not sign: SIGNATURE_INVALID at its index', async () => {
    const log = new DecidedLog();
    await log.submit('finding', log.parties.findingFrame());
    const real = log.lastEntry('finding-raised');
    if (real.submission === undefined) throw new Error('expected a submission');
    const payload = real.submission.payload.replace('policy-written', 'policy-deleted');
    const forged: Entry = { ...real, submission: { ...real.submission, payload } };
    const entries = [...log.entries.slice(0, -1), encodeEntry(forged)];
    const refused = await auditRefusal(log, await filesOf(entries, log.signer));
    expect(refused).toMatchObject({ code: 'SIGNATURE_INVALID', index: 1 });
  });

  it('F02: under a policy in Cedar, takes the permits that an admission cites, of its policy alone', async () => {
    const log = new DecidedLog({ policy: CEDAR });
    const { parties } = log;
    const { admission } = await log.admit();
    for (const person of [parties.alice, parties.bob]) await log.decide(admission, { person });
    expect((await audited(log)).counts).toMatchObject({ 'binding-made': 1 });
    const real = entryIn(admission.text, 'request-admitted');
    const lax = { ...real, requirement: { ...real.requirement, approvals: 1 } };
    const unknown = { ...real, permits: ['nobody'] };
    for (const forged of [lax, unknown]) {
      const entries = log.entries.with(admission.index, encodeEntry(forged));
      const files = await filesOf(entries.slice(0, admission.index + 1), log.signer);
      expect(await auditRefusal(log, files)).toMatchObject({ index: admission.index });
    }
  });

  it('holds over many tiles, and over what the rules commit to', async () => {
    const log = new DecidedLog({ policy: commandPolicy({ max_uses: 3 }) });
    while (log.entries.length < 1_300) {
      await log.bind();
      log.forward(1_000);
    }
    const found = await audited(log);
    expect(found.counts['state-committed']).toBe(1);
    expect(found.head.size).toBe(log.entries.length);
  });

  it('G06: a binding of nobody, under a root that is signed: REPLAY_MISMATCH at its index', async () => {
    const log = await storied();
    const { admission } = await log.admit();
    const real = log.lastEntry('binding-made');
    const open = entryIn(admission.text, 'request-admitted');
    const forged: Entry = { ...real, action_id: open.action_id, at: log.at };
    const files = await filesOf([...log.entries, encodeEntry(forged)], log.signer);
    expect(await auditRefusal(log, files)).toMatchObject({
      code: 'REPLAY_MISMATCH',
      index: log.entries.length,
    });
  });

  it('C07: a use after its time that is logged as if it were in time: REPLAY_MISMATCH', async () => {
    const log = new DecidedLog();
    const bound = await log.bind();
    await log.submit('use', log.parties.useFrame(bound.binding));
    const entries = [...log.entries];
    const use = log.lastEntry('binding-used');
    const late = { ...use, at: formatTimestamp(log.nowMs + 901_000) };
    entries[entries.length - 1] = encodeEntry(late);
    const refused = await auditRefusal(log, await filesOf(entries, log.signer));
    expect(refused).toMatchObject({ code: 'REPLAY_MISMATCH', index: entries.length - 1 });
    expect(refused.message).toContain('use-refused EXPIRED');
  });

  it('F02: a binding with fewer approvals than its rule needs: REPLAY_MISMATCH', async () => {
    const log = new DecidedLog({ policy: commandPolicy({ approvals: 2 }) });
    const { admission } = await log.admit();
    await log.decide(admission);
    const one = new DecidedLog();
    await one.bind();
    const open = entryIn(admission.text, 'request-admitted');
    const real = one.lastEntry('binding-made');
    const forged: Entry = { ...real, action_id: open.action_id, at: log.at };
    const files = await filesOf([...log.entries, encodeEntry(forged)], log.signer);
    expect(await auditRefusal(log, files)).toMatchObject({ code: 'REPLAY_MISMATCH', index: 3 });
  });

  it('G10: a request that expired, and whose end was left out: REPLAY_MISMATCH', async () => {
    const log = new DecidedLog();
    await log.admit();
    log.forward(901_000);
    await log.admit();
    const entries = log.entries.filter((_, index) => index !== 2);
    const refused = await auditRefusal(log, await filesOf(entries, log.signer));
    expect(refused).toMatchObject({ code: 'REPLAY_MISMATCH', index: 2 });
    expect(refused.message).toContain('expected request-expired');
  });

  it('D07: an approval whose signature is of something else: ASSERTION_INVALID', async () => {
    const log = new DecidedLog();
    await log.bind();
    const accepted = log.lastEntry('decision-accepted');
    const second = await log.admit();
    await log.decide(second.admission);
    const entries = [...log.entries];
    const index = log.last('decision-accepted').index;
    const genuine = log.lastEntry('decision-accepted');
    if (genuine.proof.kind !== 'webauthn' || accepted.proof.kind !== 'webauthn') throw new Error();
    const proof = { ...genuine.proof, signature: accepted.proof.signature };
    entries[index] = encodeEntry({ ...genuine, proof });
    const refused = await auditRefusal(log, await filesOf(entries.slice(0, index + 1), log.signer));
    expect(refused).toMatchObject({ code: 'ASSERTION_INVALID', index });
  });

  it('D15: a decision that tells of fewer prompts than there were: REPLAY_MISMATCH', async () => {
    const log = new DecidedLog();
    for (let i = 0; i < 5; i += 1) await log.admit();
    const { admission } = await log.admit();
    await log.decide(admission, { verdict: 'deny' });
    const { index } = log.last('decision-accepted');
    const told = log.lastEntry('decision-accepted');
    expect(told.load).toEqual({ prompts_1h: 6, decisions_1h: 0 });
    const entries = log.entries.slice(0, index + 1);
    entries[index] = encodeEntry({ ...told, load: { prompts_1h: 1, decisions_1h: 0 } });
    const refused = await auditRefusal(log, await filesOf(entries, log.signer));
    expect(refused).toMatchObject({ code: 'REPLAY_MISMATCH', index });
  });

  it('D15: a request in quiet hours, or one more than may be open, admitted all the same: QUIET_HOURS, REQUEST_OPEN', async () => {
    const asking = { open_max: 1, quiet_utc: [{ from: '09:30', to: '10:30' }] };
    const log = new DecidedLog({ policy: commandPolicy({ asking }) });
    log.forward(1_799_999);
    const first = await log.admit();
    log.forward(1);
    await log.submit('request', log.parties.requestFrame(log.parties.action()));
    expect(log.lastEntry('request-refused')).toMatchObject({
      ...{ code: 'QUIET_HOURS', until: '2026-11-23T10:30:00.000Z' },
    });
    log.forward(3_600_000);
    const { admission } = await log.admit();
    await log.submit('request', log.parties.requestFrame(log.parties.action()));
    const refused = log.lastEntry('request-refused');
    expect(refused).toMatchObject({ code: 'REQUEST_OPEN' });
    expect(refused.open).toBe(entryIn(admission.text, 'request-admitted').action_id);
    expect((await audited(log)).head.size).toBe(log.entries.length);
    const real = entryIn(first.admission.text, 'request-admitted');
    const later = (ms: number): Entry => ({
      ...real,
      at: formatTimestamp(Date.parse(real.at) + ms),
      decide_by: formatTimestamp(Date.parse(real.decide_by) + ms),
    });
    // A millisecond later nobody could be asked.
    const quiet = [...log.entries.slice(0, first.admission.index), encodeEntry(later(1))];
    expect(await auditRefusal(log, await filesOf(quiet, log.signer))).toMatchObject({
      ...{ code: 'QUIET_HOURS', index: first.admission.index },
    });
    const second = {
      ...entryIn(admission.text, 'request-admitted'),
      ...{ action_id: refused.action_id ?? '', action_digest: refused.action_digest },
      input: refused.input,
    };
    const again = [...log.entries.slice(0, admission.index + 1), encodeEntry(second)];
    expect(await auditRefusal(log, await filesOf(again, log.signer))).toMatchObject({
      ...{ code: 'REQUEST_OPEN', index: admission.index + 1 },
    });
  });

  it('D15: a refusal for a limit that was not reached: REPLAY_MISMATCH', async () => {
    const asking = { prompts_1h_max: 2, open_max: 2, quiet_utc: [{ from: '22:00', to: '06:00' }] };
    const log = new DecidedLog({ policy: commandPolicy({ asking }) });
    await log.admit();
    await log.submit(
      'request',
      log.parties.requestFrame(log.parties.action({ type: 'unknown.type' })),
    );
    const honest = log.lastEntry('request-refused');
    const lies = [
      { ...honest, code: 'PROMPTS_EXCEEDED' as const },
      { ...honest, code: 'QUIET_HOURS' as const, until: '2026-11-24T06:00:00.000Z' },
      { ...honest, code: 'REQUEST_OPEN' as const, open: honest.action_id ?? '' },
    ];
    const index = log.entries.length - 1;
    for (const lie of lies) {
      const entries = log.entries.with(index, encodeEntry(lie));
      expect(await auditRefusal(log, await filesOf(entries, log.signer))).toMatchObject({
        ...{ code: 'REPLAY_MISMATCH', index },
      });
    }
  });

  it('D10: an approval by a key that was revoked before: REPLAY_MISMATCH', async () => {
    const log = new DecidedLog();
    const { alice, bob } = log.parties;
    const revoking = { kind: 'credential-revoked', credential_id: alice.passkey.credentialId };
    const before = await log.admit();
    log.forward(1);
    const change = await log.admit(authorityAction(log, 'authority.change', revoking));
    await log.decide(change.admission, { person: bob });
    log.forward(1);
    const late = log.parties.decisionFrame(before.admission, { person: alice });
    const { statement, proof } = JSON.parse(Buffer.from(late).toString()) as Pick<
      EntryOf<'decision-accepted'>,
      'statement' | 'proof'
    >;
    const forged: Entry = {
      v: 'countersign.entry.v1',
      type: 'decision-accepted',
      at: log.at,
      tenant: log.parties.tenant,
      action_id: before.actionId,
      admission: statement.admission,
      statement,
      proof,
      proof_class: 'uv',
      input: digestBytes('countersign/input/v1', late),
    };
    const index = log.entries.length;
    const files = await filesOf([...log.entries, encodeEntry(forged)], log.signer);
    const refused = await auditRefusal(log, files);
    expect(refused).toMatchObject({ code: 'REPLAY_MISMATCH', index });
    expect(refused.message).toContain('decision-refused KEY_NOT_ENROLLED_AT_TIME');
  });

  it('D13: an approval by a key that nobody enrolled: CREDENTIAL_UNKNOWN', async () => {
    const log = new DecidedLog();
    const { admission } = await log.admit();
    const stranger = new Person(log.nowMs);
    await log.decide(admission);
    const entries = log.entries.slice(0, 2);
    const real = log.lastEntry('decision-accepted');
    const frame = log.parties.decisionFrame(admission, { person: stranger });
    const made = JSON.parse(Buffer.from(frame).toString()) as typeof real;
    const forged = { ...real, statement: made.statement, proof: made.proof };
    const files = await filesOf([...entries, encodeEntry(forged)], log.signer);
    expect(await auditRefusal(log, files)).toMatchObject({ code: 'CREDENTIAL_UNKNOWN', index: 2 });
  });

  it('G07: a head after a rotation holds by the key in the log, and not by the one before', async () => {
    const log = new DecidedLog();
    const next = noteSigner(log.origin);
    for (const change of [adding(next), removing(log.signer)]) {
      log.forward(1);
      const asked = await log.admit(logKeyAction(log, change));
      await log.decide(asked.admission);
    }
    const rotated = await auditOf(log, await filesOf(log.entries, next)).run();
    expect(rotated.signedBy).toBe(next.vkey);
    expect(await auditRefusal(log, await log.files())).toMatchObject({
      code: 'SIGNING_KEY_NOT_VALID_AT',
    });
    const stranger = await filesOf(log.entries, noteSigner(log.origin));
    expect(await auditRefusal(log, stranger)).toMatchObject({ code: 'LOG_KEY_UNKNOWN' });
  });

  it('F02: an admission by another rule than that of the policy: REPLAY_MISMATCH', async () => {
    const log = new DecidedLog({ policy: commandPolicy({ approvals: 2 }) });
    await log.admit();
    const real = log.lastEntry('request-admitted');
    const forged = { ...real, requirement: { ...real.requirement, approvals: 1 } };
    const files = await filesOf([...log.entries.slice(0, 1), encodeEntry(forged)], log.signer);
    expect(await auditRefusal(log, files)).toMatchObject({ code: 'REPLAY_MISMATCH', index: 1 });
  });

  it('G10: a decision in time that is logged as late: REPLAY_MISMATCH', async () => {
    const log = new DecidedLog();
    const { admission } = await log.admit();
    await log.decide(admission);
    const real = log.lastEntry('decision-accepted');
    const { statement } = real;
    const forged: Entry = {
      v: 'countersign.entry.v1',
      type: 'decision-refused',
      at: real.at,
      tenant: real.tenant,
      action_id: real.action_id,
      admission: real.admission,
      person: statement.person,
      credential: statement.credential,
      verdict: 'approve',
      statement_digest: real.input,
      code: 'LATE_DECISION',
      input: real.input,
    };
    const files = await filesOf([...log.entries.slice(0, 2), encodeEntry(forged)], log.signer);
    expect(await auditRefusal(log, files)).toMatchObject({ code: 'REPLAY_MISMATCH', index: 2 });
  });

  it('an entry of a version that this build does not know: RULES_UNKNOWN, and no pass', async () => {
    const log = new DecidedLog();
    await log.bind();
    const text = Buffer.from(log.entries[1] ?? []).toString();
    const later = Buffer.from(text.replace('countersign.entry.v1', 'countersign.entry.v9'));
    const files = await filesOf([...log.entries.slice(0, 1), later], log.signer);
    expect(await auditRefusal(log, files)).toMatchObject({ code: 'RULES_UNKNOWN', index: 1 });
  });

  it('takes up decisions that came before their admission, as the ledger did', async () => {
    const log = new DecidedLog();
    const ahead = new DecidedLog({ like: log });
    const action = log.parties.action();
    await ahead.submit('request', log.parties.requestFrame(action));
    log.forward(0);
    await log.submit('decision', log.parties.decisionFrame(ahead.last('request-admitted')));
    expect(log.entries.length).toBe(1);
    await log.submit('request', log.parties.requestFrame(action));
    expect(log.entries.length).toBe(4);
    expect((await audited(log)).counts).toMatchObject({ 'binding-made': 1 });
  });
});
