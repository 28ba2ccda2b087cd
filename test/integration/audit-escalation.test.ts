import { encodeEntry } from '@countersign/binding';
import { formatTimestamp } from '@countersign/canonical';
import { describe, expect, it } from 'vitest';
import { audited, auditRefusal } from '../support/audited-log.ts';
import { DecidedLog, filesOf } from '../support/decided-log.ts';
import { commandPolicy, entryIn } from '../support/parties.ts';

const AFTER_MS = 180_000;

/** Alice decides, and after three minutes Bob does as well. He came too early once. */
async function storied(): Promise<DecidedLog> {
  const people = new DecidedLog();
  const { alice, bob } = people.parties;
  const escalation = { after_s: AFTER_MS / 1_000, approvers: [bob.id] };
  const policy = commandPolicy({ approvers: [alice.id], escalation });
  const log = new DecidedLog({ like: people, policy });
  const { admission } = await log.admit();
  log.forward(AFTER_MS - 1);
  await log.decide(admission, { person: bob, verdict: 'deny' });
  log.forward(1);
  await log.decide(admission, { person: bob });
  return log;
}

describe('the replay of a log in which requests go on to a second group', () => {
  it('derives it all again', async () => {
    const log = await storied();
    expect((await audited(log)).head.size).toBe(log.entries.length);
    const admission = entryIn(log.last('request-admitted').text, 'request-admitted');
    expect(log.lastEntry('decision-refused')).toMatchObject({
      ...{ code: 'NOT_ELIGIBLE', from: admission.escalates_at },
    });
    expect(log.lastEntry('binding-made').decisions).toMatchObject([{ at: admission.escalates_at }]);
  });

  it('D11: an approval that was logged before it went on to who gave it: REPLAY_MISMATCH', async () => {
    const log = await storied();
    const { index } = log.last('decision-accepted');
    const real = log.lastEntry('decision-accepted');
    const early = { ...real, at: formatTimestamp(Date.parse(real.at) - 1) };
    const entries = [...log.entries.slice(0, index), encodeEntry(early)];
    const refused = await auditRefusal(log, await filesOf(entries, log.signer));
    expect(refused).toMatchObject({ code: 'REPLAY_MISMATCH', index });
    expect(refused.message).toContain('decision-refused NOT_ELIGIBLE');
  });

  it('a binding that tells of a later approval than there was: REPLAY_MISMATCH', async () => {
    const log = await storied();
    const { index } = log.last('binding-made');
    const real = log.lastEntry('binding-made');
    const decisions = real.decisions.map((each) => ({ ...each, at: real.use_by }));
    const entries = log.entries.with(index, encodeEntry({ ...real, decisions }));
    expect(await auditRefusal(log, await filesOf(entries, log.signer))).toMatchObject({
      ...{ code: 'REPLAY_MISMATCH', index },
    });
  });

  it('a refusal that says of another time from when it would be taken: REPLAY_MISMATCH', async () => {
    const log = await storied();
    const { index } = log.last('decision-refused');
    const real = log.lastEntry('decision-refused');
    for (const ms of [-1, 1]) {
      const lie = { ...real, from: formatTimestamp(log.nowMs + ms) };
      const entries = log.entries.with(index, encodeEntry(lie));
      expect(await auditRefusal(log, await filesOf(entries, log.signer))).toMatchObject({
        ...{ code: 'REPLAY_MISMATCH', index },
      });
    }
  });
});
