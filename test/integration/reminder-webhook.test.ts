import { utf8 } from '@countersign/canonical';
import { ReminderWebhook } from '@countersign/projector';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { FoundedLedger } from '../support/founded-ledger.ts';
import { authorityAction } from '../support/log-key-rotation.ts';
import { TENANT, commandPolicy, entryIn } from '../support/parties.ts';
import { isSigned, WebhookReceiver, type Told } from '../support/webhook-receiver.ts';

const SECRET = utf8('0123456789abcdef0123456789abcdef');
const EVERY_MS = 20;

const STRANGER = 'prs_01M83T4CM00000000000000001';
const OTHER = 'prs_01M83T4CM00000000000000002';

const open: { discard: () => Promise<void> }[] = [];

afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.discard();
});

function stagesIn(told: readonly Told[]): unknown[] {
  return told.map(({ body }) => {
    const { action_id: id, stage } = JSON.parse(body) as { action_id: string; stage: string };
    return [id, stage];
  });
}

/** Whoever is told, and what tells them from now on. */
async function reminding(
  at: FoundedLedger,
  nowMs: () => number,
): Promise<{ receiver: WebhookReceiver; remind: () => ReminderWebhook }> {
  const port = await freePort();
  const receiver = await WebhookReceiver.listen(port);
  open.push({ discard: () => receiver.close() });
  const remind = (): ReminderWebhook => {
    const webhook = new ReminderWebhook({
      ...{ store: at.store, proofs: at.projector.proofs, origin: at.origin, tenant: TENANT },
      target: { url: `http://127.0.0.1:${port}/reminders`, secret: SECRET },
      nowMs,
      everyMs: EVERY_MS,
    });
    const running = webhook.run();
    open.push({
      discard: async () => {
        webhook.stop();
        await running;
      },
    });
    return webhook;
  };
  return { receiver, remind };
}

describe('a webhook of reminders', () => {
  it('tells of what is undecided after half of its time and after nine tenths, each once, and of nothing that is decided', async () => {
    const at = await FoundedLedger.create({ tier: 'sqlite' });
    at.start();
    open.push(at);
    const waiting = await at.admit();
    const decided = await at.admit();
    const { at: askedAt, decide_by: decideBy } = JSON.parse(waiting.admission.text) as {
      readonly at: string;
      readonly decide_by: string;
    };
    const [start, end] = [Date.parse(askedAt), Date.parse(decideBy)];
    // Its clock alone goes on: a reminder is nothing that the ledger decides.
    let nowMs = start;
    const { receiver, remind } = await reminding(at, () => nowMs);
    const first = remind();
    await at.decide(decided, { verdict: 'deny' });
    nowMs = start + (end - start) / 2;
    const [half] = await receiver.hears(1);
    if (half === undefined) throw new Error('expected a reminder');
    expect(isSigned(half, SECRET)).toBe(true);
    expect(JSON.parse(half.body)).toMatchObject({
      v: 'countersign.request-undecided.v1',
      origin: at.origin,
      stage: 'half',
      action_id: waiting.actionId,
      decide_by: decideBy,
      entry: { type: 'request-admitted' },
      receipt: expect.stringMatching(/^c2sp\.org\/tlog-proof@v1\n/) as string,
    });
    nowMs = start + (end - start) * 0.9;
    expect(stagesIn(await receiver.hears(2))[1]).toEqual([waiting.actionId, 'last-tenth']);
    first.stop();
    // Who comes next knows nothing of what was told: once more, and not more often.
    remind();
    await receiver.hears(3);
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS * 5));
    expect(stagesIn(receiver.told).slice(2)).toEqual([[waiting.actionId, 'last-tenth']]);
    // What is over is told by its entry.
    nowMs = end + 1;
    remind();
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS * 5));
    expect(receiver.told).toHaveLength(3);
  });

  it('F10: tells nobody of what a freeze has ended', async () => {
    const at = await FoundedLedger.create({ tier: 'sqlite' });
    at.start();
    open.push(at);
    const { admission } = await at.admit();
    const { at: askedAt, decide_by: decideBy } = entryIn(admission.text, 'request-admitted');
    await at.bind(authorityAction(at, 'authority.freeze', { kind: 'frozen' }));
    const nowMs = (Date.parse(askedAt) + Date.parse(decideBy)) / 2;
    const { receiver, remind } = await reminding(at, () => nowMs);
    remind();
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS * 5));
    expect(receiver.told).toEqual([]);
  });

  it('tells once that a request has gone on to a second group, when, and whom to call', async () => {
    const called = [STRANGER, OTHER];
    const escalation = { after_s: 180, approvers: called };
    const policy = commandPolicy({ approvers: [STRANGER], escalation });
    const at = await FoundedLedger.create({ tier: 'sqlite', policy });
    at.start();
    open.push(at);
    const { actionId, admission } = await at.admit();
    const { escalates_at: dueAt } = entryIn(admission.text, 'request-admitted');
    let nowMs = Date.parse(dueAt ?? '') - 1;
    const { receiver, remind } = await reminding(at, () => nowMs);
    remind();
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS * 5));
    expect(receiver.told).toEqual([]);
    nowMs += 1;
    const [told] = await receiver.hears(1);
    expect(JSON.parse(told?.body ?? '')).toMatchObject({
      ...{ stage: 'escalated', action_id: actionId, escalates_at: dueAt, persons: called },
      entry: { type: 'request-admitted' },
    });
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS * 5));
    expect(receiver.told).toHaveLength(1);
  });
});
