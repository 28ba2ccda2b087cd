import { utf8 } from '@countersign/canonical';
import { FindingWebhook } from '@countersign/projector';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { FoundedLedger, entryOf } from '../support/founded-ledger.ts';
import { TENANT } from '../support/parties.ts';
import { isSigned, WebhookReceiver } from '../support/webhook-receiver.ts';

const SECRET = utf8('0123456789abcdef0123456789abcdef');
const PAUSES = { firstMs: 20, longestMs: 100, idleMs: 20 };

const open: { discard: () => Promise<void> }[] = [];

afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.discard();
});

async function founded(): Promise<FoundedLedger> {
  const ledger = await FoundedLedger.create({ tier: 'sqlite' });
  ledger.start();
  open.push(ledger);
  return ledger;
}

async function raise(at: FoundedLedger, kind: string): Promise<number> {
  const frame = at.parties.agent.frame('finding', {
    v: 'countersign.finding.v1',
    tenant: TENANT,
    finding: 'UNBOUND_EXECUTION',
    kind,
    record: { source: 'cloudtrail', digest: `sha256:${'5a'.repeat(32)}` },
  });
  return entryOf(await at.ask('finding', '', frame), 'finding-raised').index;
}

function tellingOf(at: FoundedLedger, port: number): FindingWebhook {
  const webhook = new FindingWebhook({
    store: at.store,
    proofs: at.projector.proofs,
    origin: at.origin,
    target: { url: `http://127.0.0.1:${port}/findings`, secret: SECRET },
    nowMs: () => at.clock.nowMs(),
    pauses: PAUSES,
  });
  const running = webhook.run();
  open.push({
    discard: async () => {
      webhook.stop();
      await running;
    },
  });
  return webhook;
}

async function receiving(port: number): Promise<WebhookReceiver> {
  const receiver = await WebhookReceiver.listen(port);
  open.push({ discard: () => receiver.close() });
  return receiver;
}

describe('a webhook of findings', () => {
  it('tells each once the receiver is back, signed, with entry and receipt; and no ledger waits for it', async () => {
    const at = await founded();
    const port = await freePort();
    const webhook = tellingOf(at, port);
    const first = await raise(at, 'policy-written');
    await expect.poll(() => webhook.away, { timeout: 20_000 }).toBe('WEBHOOK_UNREACHABLE');
    const second = await raise(at, 'secret-read');
    const receiver = await receiving(port);
    const told = await receiver.hears(2);
    const bodies = told.map(({ body }) => JSON.parse(body) as { entry: { index: number } });
    expect(bodies.map(({ entry }) => entry.index)).toEqual([first, second]);
    expect(bodies[0]).toMatchObject({
      v: 'countersign.finding-told.v1',
      origin: at.origin,
      entry: { type: 'finding-raised' },
      receipt: expect.stringMatching(/^c2sp\.org\/tlog-proof@v1\n/) as string,
    });
    for (const each of told) {
      expect(isSigned(each, SECRET)).toBe(true);
      expect(isSigned(each, utf8('another secret, as long as that one'))).toBe(false);
      expect(isSigned({ ...each, body: each.body.replace('policy', 'polity') + ' ' }, SECRET)).toBe(
        false,
      );
    }
    await expect.poll(() => webhook.away).toBeUndefined();
  });

  it('tells it again until it is taken, follows nobody elsewhere, and goes on after a restart where it was', async () => {
    const at = await founded();
    const port = await freePort();
    const receiver = await receiving(port);
    receiver.status = 302;
    const webhook = tellingOf(at, port);
    await raise(at, 'policy-written');
    await expect.poll(() => webhook.away, { timeout: 20_000 }).toBe('WEBHOOK_UNREACHABLE');
    receiver.status = 500;
    await expect.poll(() => webhook.away, { timeout: 20_000 }).toBe('WEBHOOK_REFUSED');
    receiver.status = 200;
    await expect.poll(() => webhook.away, { timeout: 20_000 }).toBeUndefined();
    expect(new Set(receiver.told.map(({ body }) => body)).size).toBe(1);
    webhook.stop();
    const before = receiver.told.length;
    tellingOf(at, port);
    const next = await raise(at, 'secret-read');
    const told = await receiver.hears(before + 1);
    expect(JSON.parse(told.at(-1)?.body ?? '')).toMatchObject({ entry: { index: next } });
  });
});
