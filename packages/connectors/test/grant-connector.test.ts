import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GrantConnector, type Effect, type GrantParams } from '@countersign/connectors';
import { connectorContract, type ConnectorStage } from '@countersign/connectors/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { textsIn } from './texts-in.ts';

const USE_ID = '01M83G8PGDVFCDVZ5H41H6NGY8';

const PARAMS: GrantParams = {
  debtor_account: 'DE89370400440532013000',
  creditor: { name: 'Nordlicht GmbH', account: 'AT611904300234573201', country: 'AT' },
  currency: 'EUR',
  amount_min: '0.01',
  amount_max: '500.00',
  remittance: 'Parcels of the week',
  amount: '12.50',
};

let folder: string;

function connector(): GrantConnector {
  return new GrantConnector({
    outbox: join(folder, 'outbox'),
    journal: join(folder, 'journal'),
    debtors: { DE89370400440532013000: { name: 'Hansa Maschinen AG' } },
  });
}

async function found(): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), 'countersign-grant-'));
  await mkdir(join(folder, 'outbox'));
}

function outbox(): Promise<Record<string, string>> {
  return textsIn(join(folder, 'outbox'));
}

async function open(): Promise<ConnectorStage<GrantParams>> {
  await found();
  return {
    connector: connector(),
    params: PARAMS,
    others: { ...PARAMS, amount: '12.51' },
    restarted: connector,
    targetState: outbox,
    effects: async () => Object.keys(await outbox()).length,
    targetRecord: async () => JSON.stringify(await outbox()),
    cutOff: () => rename(join(folder, 'outbox'), join(folder, 'gone')),
  };
}

const close = (): Promise<void> => rm(folder, { recursive: true, force: true });

connectorContract('payments of a grant', { open, close, hasNoAnswers: true, hasNoState: true });

describe('the payment of a grant', () => {
  beforeEach(found);
  afterEach(close);

  function pay(more: Partial<Record<keyof GrantParams, unknown>>): Promise<Effect> {
    return connector().execute({
      // As it comes out of JSON: what is undefined is not there.
      params: JSON.parse(JSON.stringify({ ...PARAMS, ...more })) as GrantParams,
      preconditions: {},
      useId: USE_ID,
      shortId: 'cs-5H41H6NGY8',
      idempotencyKey: `countersign-${USE_ID}`,
    });
  }

  it('is the file of a payment over the amount that was chosen', async () => {
    expect(await pay({})).toMatchObject({ targetRef: 'CS-VFCDVZ5H41H6NGY8' });
    expect((await outbox())['CS-VFCDVZ5H41H6NGY8.xml']).toMatchSnapshot();
  });

  it.each(['0.01', '500.00'])('A13: is made exactly at the limit %s', async (amount) => {
    expect(await pay({ amount })).toMatchObject({ result: 'succeeded' });
    const [text] = Object.values(await outbox());
    expect(text).toContain(`<InstdAmt Ccy="EUR">${amount}</InstdAmt>`);
  });

  it.each([
    ['nothing that was chosen', undefined],
    ['a cent above the limit', '500.01'],
    ['a cent below the limit', '0.00'],
    ['another scale', '5'],
    ['a negative amount', '-5.00'],
    ['an amount with its currency', '5.00 USD'],
    ['a list of amounts', ['5.00']],
  ])('A13: is not made for %s', async (_, amount) => {
    const effect = await pay({ amount });
    expect(effect).toMatchObject({ result: 'failed', code: 'CONSTRAINT_VIOLATED' });
    expect(await outbox()).toEqual({});
  });

  it('is not made from another account than ours, which is found out before a use is claimed', async () => {
    const other = { debtor_account: 'DE02120300000000202051' };
    await expect(connector().preconditions({ ...PARAMS, ...other })).rejects.toMatchObject({
      code: 'TARGET_UNKNOWN',
    });
    const effect = await pay(other);
    expect(effect).toMatchObject({ result: 'failed', code: 'TARGET_UNKNOWN' });
    expect(await outbox()).toEqual({});
  });
});
