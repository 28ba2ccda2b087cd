import { AuditError, LogAudit, type AuditFindings, type AuditOptions } from '@countersign/audit';
import { encodeEntry, type Entry } from '@countersign/binding';
import { canonicalBytes, formatTimestamp } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import { parseTrust } from '@countersign/verify';
import { describe, expect, it } from 'vitest';
import { DecidedLog, filesOf } from '../support/decided-log.ts';
import { commandPolicy, entryIn } from '../support/parties.ts';

type Files = ReadonlyMap<string, Uint8Array>;

function optionsFor(log: DecidedLog, files: Files): AuditOptions {
  return {
    source: {
      checkpoint: () => Promise.resolve(Buffer.from(files.get('checkpoint') ?? []).toString()),
      read: (path) => {
        const bytes = files.get(path);
        const missing = new AuditError('TILE_MISSING', `${path}: expected this tile`);
        return bytes === undefined ? Promise.reject(missing) : Promise.resolve(bytes);
      },
    },
    trust: parseTrust(canonicalBytes(log.trust())),
    allowDemo: false,
    descriptors: BUILTIN_DESCRIPTORS,
    verifySignature,
    nearMs: 3_600_000,
  };
}

async function audited(log: DecidedLog, files?: Files): Promise<AuditFindings> {
  return new LogAudit(optionsFor(log, files ?? (await log.files()))).run();
}

async function refusal(
  log: DecidedLog,
  files?: Files,
): Promise<{ code: string; index: number | undefined; message: string }> {
  try {
    await audited(log, files);
  } catch (error) {
    if (!(error instanceof AuditError)) throw error;
    return { code: error.code, index: error.index, message: error.message };
  }
  throw new Error('expected a refusal');
}

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

  it('a finding that its operator did not sign: SIGNATURE_INVALID at its index', async () => {
    const log = new DecidedLog();
    await log.submit('finding', log.parties.findingFrame());
    const real = log.lastEntry('finding-raised');
    if (real.submission === undefined) throw new Error('expected a submission');
    const payload = real.submission.payload.replace('policy-written', 'policy-deleted');
    const forged: Entry = { ...real, submission: { ...real.submission, payload } };
    const entries = [...log.entries.slice(0, -1), encodeEntry(forged)];
    const refused = await refusal(log, await filesOf(entries, log.signer));
    expect(refused).toMatchObject({ code: 'SIGNATURE_INVALID', index: 1 });
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
    expect(await refusal(log, files)).toMatchObject({
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
    const refused = await refusal(log, await filesOf(entries, log.signer));
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
    expect(await refusal(log, files)).toMatchObject({ code: 'REPLAY_MISMATCH', index: 3 });
  });

  it('G10: a request that expired, and whose end was left out: REPLAY_MISMATCH', async () => {
    const log = new DecidedLog();
    await log.admit();
    log.forward(901_000);
    await log.admit();
    const entries = log.entries.filter((_, index) => index !== 2);
    const refused = await refusal(log, await filesOf(entries, log.signer));
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
    const refused = await refusal(log, await filesOf(entries.slice(0, index + 1), log.signer));
    expect(refused).toMatchObject({ code: 'ASSERTION_INVALID', index });
  });
});
