import { writeFile } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { isSigned, WebhookReceiver } from '../support/webhook-receiver.ts';
import { countersign, type CliLedger } from './cli-process.ts';
import { ledgersOfTests } from './ledgers-of-tests.ts';

const { create } = ledgersOfTests();
const SECRET = '0123456789abcdef0123456789abcdef';

const receivers: WebhookReceiver[] = [];

afterEach(async () => {
  await Promise.all(receivers.splice(0).map((receiver) => receiver.close()));
});

/** A server that is told where findings go, and who listens there. */
async function served(): Promise<{
  ledger: CliLedger;
  receiver: WebhookReceiver;
  options: string[];
}> {
  const ledger = await create();
  const port = await freePort();
  const receiver = await WebhookReceiver.listen(port);
  receivers.push(receiver);
  await writeFile(ledger.at('webhook.secret'), `${SECRET}\n`);
  const options = [
    ...['--findings-webhook', `http://127.0.0.1:${port}/findings`],
    ...['--findings-webhook-secret', ledger.at('webhook.secret')],
  ];
  await ledger.serve('--port', String(ledger.port), ...options);
  return { ledger, receiver, options };
}

async function submit(ledger: CliLedger, id: string): Promise<void> {
  const effect = {
    id,
    at: '2026-11-23T12:00:00.000Z',
    kind: 'payment',
    target: 'AT611904300234573201',
    reference: 'cs-0000000000',
  };
  const path = ledger.at('effects.jsonl');
  await writeFile(path, JSON.stringify(effect));
  const { exit } = await ledger.run('reconcile', ['--effects', path, '--submit']).ended;
  expect(exit).toBe(1);
}

describe('serve --findings-webhook', () => {
  it('G12: posts a finding of the log, signed with the secret of the file, also after a new start', async () => {
    const { ledger, receiver, options } = await served();
    await ledger.founder();
    await submit(ledger, 'e-1');
    const [first] = await receiver.hears(1);
    if (first === undefined) throw new Error('expected a finding');
    expect(isSigned(first, SECRET)).toBe(true);
    expect(isSigned(first, `${SECRET}\n`)).toBe(false);
    expect(JSON.parse(first.body)).toMatchObject({
      v: 'countersign.finding-told.v1',
      entry: {
        type: 'finding-raised',
        text: expect.stringContaining('UNBOUND_EXECUTION') as string,
      },
    });
    // Neither the account nor the secret is told.
    expect(first.body).not.toMatch(/AT6119|0123456789abcdef/);
    await ledger.stop();
    await ledger.serve(...options);
    await submit(ledger, 'e-2');
    const told = await receiver.hears(2);
    expect(new Set(told.map(({ body }) => body)).size).toBe(2);
    expect(told.every((each) => isSigned(each, SECRET))).toBe(true);
  });

  it.each([
    [
      'without a secret',
      (path: string) => ['--findings-webhook', 'https://siem', path].slice(0, 2),
    ],
    [
      'with a short secret',
      (path: string) => ['--findings-webhook', 'https://siem', '--findings-webhook-secret', path],
    ],
    [
      'to an address with a password in it',
      (path: string) => [
        ...['--findings-webhook', 'https://me:it@siem'],
        ...['--findings-webhook-secret', path],
      ],
    ],
  ])('does not start %s', async (_, args) => {
    const ledger = await create();
    const path = ledger.at('short.secret');
    await writeFile(path, 'too short');
    const { exit, stderr } = await countersign(['serve', '--data', ledger.data, ...args(path)]);
    expect([exit, stderr]).toEqual([2, expect.stringContaining('USAGE')]);
    expect(stderr).not.toContain('me:it');
  });
});
