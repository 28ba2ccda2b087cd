import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestBytes } from '@countersign/canonical';
import {
  PaymentConnector,
  readStatement,
  vendorFolder,
  type Effect,
  type LiveState,
  type PaymentParams,
} from '@countersign/connectors';
import { connectorContract, type ConnectorStage } from '@countersign/connectors/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { textsIn } from './texts-in.ts';

const DOCUMENT = 'invoice 2026-0412: 18250.40 EUR\n';
const USE_ID = '01M83G8PGDVFCDVZ5H41H6NGY8';

const PARAMS: PaymentParams = {
  rail: 'sepa-sct',
  debtor_account: 'DE89370400440532013000',
  creditor: {
    name: 'Nordlicht & Söhne <Werkzeugbau> GmbH',
    account: 'AT611904300234573201',
    country: 'AT',
    record_id: 'V-1042',
  },
  amount: { amount: '18250.40', currency: 'EUR' },
  execution_date: '2026-11-23',
  charge_bearer: 'SLEV',
  remittance: 'Invoice 2026-0412',
  invoice: {
    number: '2026-0412',
    document_digest: `sha256:${createHash('sha256').update(DOCUMENT).digest('hex')}`,
  },
};

let folder: string;

function connector(): PaymentConnector {
  return new PaymentConnector({
    outbox: join(folder, 'outbox'),
    journal: join(folder, 'journal'),
    debtors: { DE89370400440532013000: { name: 'Hansa Maschinen AG', bic: 'COBADEFFXXX' } },
    vendors: vendorFolder(join(folder, 'payables')),
  });
}

function vendorFile(): string {
  return join(folder, 'payables', 'vendors', 'V-1042.json');
}

async function found(): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), 'countersign-payment-'));
  for (const name of ['outbox', 'payables/vendors', 'payables/invoices']) {
    await mkdir(join(folder, name), { recursive: true });
  }
  await writeFile(vendorFile(), '{"name":"Nordlicht","iban":"AT611904300234573201"}');
  await writeFile(join(folder, 'payables/invoices/2026-0412'), DOCUMENT);
}

function outbox(): Promise<Record<string, string>> {
  return textsIn(join(folder, 'outbox'));
}

async function open(): Promise<ConnectorStage<PaymentParams>> {
  await found();
  return {
    connector: connector(),
    params: PARAMS,
    others: { ...PARAMS, amount: { amount: '18250.41', currency: 'EUR' } },
    restarted: connector,
    moveTarget: () => writeFile(vendorFile(), '{"name":"Nordlicht","iban":"DE00"}'),
    targetState: outbox,
    effects: async () => Object.keys(await outbox()).length,
    targetRecord: async () => JSON.stringify(await outbox()),
    cutOff: () => rename(join(folder, 'outbox'), join(folder, 'gone')),
  };
}

const close = (): Promise<void> => rm(folder, { recursive: true, force: true });

connectorContract('payments by file', { open, close, hasNoAnswers: true });

describe('a payment file', () => {
  beforeEach(found);
  afterEach(close);

  async function pay(params: PaymentParams, key?: string): Promise<Effect> {
    return execute(params, await connector().preconditions(params), key);
  }

  function execute(
    params: PaymentParams,
    preconditions: LiveState,
    key = 'b3'.repeat(32),
  ): Promise<Effect> {
    return connector().execute({
      params,
      preconditions,
      useId: USE_ID,
      shortId: 'cs-5H41H6NGY8',
      idempotencyKey: key,
    });
  }

  it('is a function of the approved parameters and the use alone', async () => {
    const effect = await pay(PARAMS);
    const text = (await outbox())['CS-VFCDVZ5H41H6NGY8.xml'] ?? '';
    expect(effect.targetRef).toBe('CS-VFCDVZ5H41H6NGY8');
    expect(effect.afterDigest).toBe(digestBytes('countersign/file/v1', Buffer.from(text)));
    expect(text).toMatchSnapshot();
  });

  it('C16: is not written again when the bank has taken it', async () => {
    await pay(PARAMS);
    await rm(join(folder, 'outbox', 'CS-VFCDVZ5H41H6NGY8.xml'));
    expect(await pay(PARAMS)).toMatchObject({ result: 'succeeded' });
    expect(await outbox()).toEqual({});
  });

  it('never takes the place of another file of its name', async () => {
    await writeFile(join(folder, 'outbox', 'CS-VFCDVZ5H41H6NGY8.xml'), '<other/>');
    expect(await pay(PARAMS)).toMatchObject({ result: 'failed', code: 'EFFECT_DIFFERS' });
    expect(await outbox()).toEqual({ 'CS-VFCDVZ5H41H6NGY8.xml': '<other/>' });
  });

  it('is not made for a rail of other files', async () => {
    const failed = { result: 'failed', code: 'NOT_SUPPORTED' };
    expect(await pay({ ...PARAMS, rail: 'fedwire' })).toMatchObject(failed);
    expect(await outbox()).toEqual({});
  });

  it('is not made from another account than ours, which is found out before a use is claimed', async () => {
    const params = { ...PARAMS, debtor_account: 'DE02120300000000202051' };
    const refused = { code: 'TARGET_UNKNOWN' };
    await expect(connector().preconditions(params)).rejects.toMatchObject(refused);
    const preconditions = await connector().preconditions(PARAMS);
    expect(await execute(params, preconditions)).toMatchObject({ result: 'failed', ...refused });
    expect(await outbox()).toEqual({});
  });

  it('A07: is not made where the document is not the one that was shown', async () => {
    const other = { number: '2026-0412', document_digest: `sha256:${'0'.repeat(64)}` } as const;
    expect(await pay({ ...PARAMS, invoice: other })).toMatchObject({ code: 'PRECONDITION_STALE' });
    expect(await outbox()).toEqual({});
  });

  it.each(['../../secret', '.', 'a/b', ''])('reads no record that is named %j', async (name) => {
    const params = { ...PARAMS, creditor: { ...PARAMS.creditor, record_id: name } };
    await expect(connector().preconditions(params)).rejects.toMatchObject({
      code: 'TARGET_UNKNOWN',
    });
  });
});

describe('a file of the bank', () => {
  it.each([
    ['a document type', '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', 'RECORD_FORMAT'],
    ['an open element', '<a><b></a>', 'RECORD_FORMAT'],
    [
      'another kind of message',
      '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"/>',
      'RECORD_FORMAT',
    ],
    ['a deep nest', '<a>'.repeat(100), 'RECORD_LIMIT'],
  ])('is refused for %s', (_, text, code) => {
    expect(() => readStatement(Buffer.from(text))).toThrow(expect.objectContaining({ code }));
  });
});
