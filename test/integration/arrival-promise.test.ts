import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  PromiseWatch,
  openArrival,
  parseArrival,
  type Arrival,
  type PromiseOutcome,
} from '@countersign/audit';
import { decisionChallenge, parseDecisionMade } from '@countersign/binding';
import {
  canonicalBytes,
  canonicalText,
  parseStrict,
  utf8,
  type JsonObject,
} from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import { parseTrust } from '@countersign/verify';
import { describe, expect, it } from 'vitest';
import { auditOf } from '../support/audited-log.ts';
import { DecidedLog, writeFiles } from '../support/decided-log.ts';
import { actionIdOf } from '../support/parties.ts';
import { authorityAction } from '../support/log-key-rotation.ts';
import { arrivalFile, promisedOf } from '../support/promised.ts';
import { countersign } from './cli-process.ts';

async function outcomeOf(log: DecidedLog, arrival: Arrival): Promise<PromiseOutcome> {
  const { origin, logKeys } = parseTrust(utf8(canonicalText(log.trust())));
  const opened = parseArrival(utf8(arrivalFile(arrival)));
  const watch = new PromiseWatch(await openArrival(opened, { origin, logKeys, verifySignature }));
  const onEntry: PromiseWatch['note'] = (entry, place) => {
    watch.note(entry, place);
  };
  await auditOf(log, await log.files(), { onEntry }).run();
  return watch.outcome;
}

/** An entry of a later time. */
async function goOn(log: DecidedLog, ms = 600_000): Promise<void> {
  log.forward(ms);
  await log.admit();
}

describe('G10: a promise of an arrival', () => {
  it('is kept by an admission, and by a refusal', async () => {
    const log = new DecidedLog();
    const { parties } = log;
    for (const action of [parties.action(), parties.action({ type: 'unknown.type' })]) {
      const frame = parties.requestFrame(action);
      const arrival = await promisedOf(
        log,
        { kind: 'request', payload: frame },
        { action_id: actionIdOf(action) },
      );
      expect(await outcomeOf(log, arrival)).toMatchObject({ code: 'PROMISE_OPEN' });
      await log.submit('request', frame);
      const index = log.entries.length - 1;
      expect(await outcomeOf(log, arrival)).toMatchObject({ outcome: 'VALID', index });
      await goOn(log);
      expect(await outcomeOf(log, arrival)).toMatchObject({ outcome: 'VALID', index });
    }
  });

  it('G10: is PROMISE_BROKEN where the log went on without it, for each kind of input', async () => {
    const log = new DecidedLog();
    const { parties } = log;
    const bound = await log.bind();
    const open = await log.admit();
    await log.submit('use', parties.useFrame(bound.binding));
    const action = parties.action();
    const left = [
      await promisedOf(log, { kind: 'request', payload: parties.requestFrame(action) }),
      await promisedOf(
        log,
        { kind: 'decision', payload: parties.decisionFrame(open.admission, {}) },
        {
          action_id: open.actionId,
        },
      ),
      await promisedOf(log, { kind: 'use', payload: parties.useFrame(bound.binding) }),
      await promisedOf(log, { kind: 'finding', payload: parties.findingFrame(parties.agent) }),
    ];
    for (const arrival of left) {
      expect(await outcomeOf(log, arrival)).toMatchObject({ code: 'PROMISE_OPEN' });
    }
    await goOn(log);
    for (const arrival of left) {
      const outcome = await outcomeOf(log, arrival);
      expect(outcome).toMatchObject({ outcome: 'REFUSED', code: 'PROMISE_BROKEN' });
    }
  });

  it('is PROMISE_LATE where the answer is of a later time', async () => {
    const log = new DecidedLog();
    const frame = log.parties.requestFrame(log.parties.action());
    const arrival = await promisedOf(log, { kind: 'request', payload: frame });
    log.forward(300_001);
    await log.submit('request', frame);
    const index = log.entries.length - 1;
    expect(await outcomeOf(log, arrival)).toMatchObject({ code: 'PROMISE_LATE', index });
  });

  it('is kept by the entry that answers other bytes of the same decision', async () => {
    const log = new DecidedLog();
    const { admission, actionId } = await log.admit();
    const { alice } = log.parties;
    const frame = log.parties.decisionFrame(admission, { person: alice });
    const made = parseDecisionMade(frame);
    const { kind, ...proof } = alice.passkey.assert(decisionChallenge(made.statement));
    const again = { ...(parseStrict(frame) as JsonObject), proof: { kind, ...proof } };
    const arrival = await promisedOf(
      log,
      { kind: 'decision', payload: canonicalBytes(again) },
      {
        action_id: actionId,
      },
    );
    await log.submit('decision', frame);
    await goOn(log);
    expect(await outcomeOf(log, arrival)).toMatchObject({ outcome: 'VALID' });
    // Another statement of the same person is no answer to the first.
    const other = log.parties.decisionFrame(admission, { person: alice, text: 'later' });
    const left = await promisedOf(
      log,
      { kind: 'decision', payload: other },
      { action_id: actionId },
    );
    await goOn(log);
    expect(await outcomeOf(log, left)).toMatchObject({ code: 'PROMISE_BROKEN' });
  });

  it('is PROMISE_NOT_OWED once the refusals of its sender are used up', async () => {
    const log = new DecidedLog();
    const { parties } = log;
    const spent = async (count: number): Promise<PromiseOutcome> => {
      for (let at = 0; at < count; at += 1) {
        await log.submit('request', parties.requestFrame(parties.action({ type: 'unknown.type' })));
      }
      const frame = parties.requestFrame(parties.action({ type: 'unknown.type' }));
      const arrival = await promisedOf(log, { kind: 'request', payload: frame });
      await goOn(log);
      return outcomeOf(log, arrival);
    };
    expect(await spent(119)).toMatchObject({ code: 'PROMISE_BROKEN' });
    expect(await spent(120)).toMatchObject({
      outcome: 'INDETERMINATE',
      code: 'PROMISE_NOT_OWED',
      detail: expect.stringContaining('QUOTA_EXCEEDED') as string,
    });
  });

  it('is PROMISE_NOT_OWED where its sender was revoked, or a decision had no request', async () => {
    const log = new DecidedLog();
    const { parties } = log;
    const [crew] = parties.crew;
    if (crew === undefined) throw new Error('expected one more agent');
    const action = parties.action({ agent: { id: crew.id, key_thumbprint: crew.thumbprint } });
    const arrival = await promisedOf(log, {
      kind: 'request',
      payload: crew.frame('request', action),
    });
    const change = { kind: 'agent-revoked', id: crew.id } as const;
    await log.admit(authorityAction(log, 'authority.change', change));
    const admission = log.last('request-admitted');
    await log.decide(admission);
    await log.decide(admission, { person: parties.bob });
    await goOn(log);
    expect(await outcomeOf(log, arrival)).toMatchObject({
      code: 'PROMISE_NOT_OWED',
      detail: expect.stringContaining('REVOKED') as string,
    });
    const open = await log.admit();
    const frame = parties.decisionFrame(open.admission, {});
    const orphan = await promisedOf(log, { kind: 'decision', payload: frame });
    await goOn(log);
    expect(await outcomeOf(log, orphan)).toMatchObject({ code: 'PROMISE_NOT_OWED' });
  });

  it('G10: audit --promise says so, and keeps the promise with the signed head', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'promise-'));
    try {
      const log = new DecidedLog();
      const arrival = await promisedOf(log, {
        kind: 'request',
        payload: log.parties.requestFrame(log.parties.action()),
      });
      await goOn(log);
      await writeFiles(join(folder, 'log'), await log.files());
      await writeFile(join(folder, 'trust.json'), canonicalText(log.trust()));
      await writeFile(join(folder, 'asked.json'), arrivalFile(arrival));
      const args = ['audit', 'log', '--trust', 'trust.json', '--promise', 'asked.json', '--json'];
      const ended = await countersign(args, { cwd: folder });
      const report = JSON.parse(ended.stdout) as { outcome: string; promise: { proof: string } };
      expect([ended.exit, report]).toMatchObject([
        1,
        { outcome: 'VALID', promise: { outcome: 'REFUSED', code: 'PROMISE_BROKEN' } },
      ]);
      const proof = JSON.parse(await readFile(report.promise.proof, 'utf8')) as object;
      expect(proof).toEqual({
        v: 'countersign.promise-broken.v1',
        code: 'PROMISE_BROKEN',
        arrival,
        checkpoint: await readFile(join(folder, 'log', 'checkpoint'), 'utf8'),
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
