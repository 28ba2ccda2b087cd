import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GrantConnector, PaymentConnector, type PaymentParams } from '@countersign/connectors';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pythonEnvironment } from '../support/python-environment.ts';

const XMLSCHEMA = {
  name: 'xmlschema',
  requirement: 'xmlschema==4.3.2',
  also: ['sepaxml==2.7.0'],
};
const INSTALL_TIMEOUT_MS = 300_000;

const program = fileURLToPath(new URL('./payment-file/check.py', import.meta.url));

const LEAST: PaymentParams = {
  rail: 'sepa-sct',
  debtor_account: 'DE89370400440532013000',
  creditor: { name: 'Nordlicht & Söhne', account: 'AT611904300234573201', country: 'AT' },
  amount: { amount: '18250.40', currency: 'EUR' },
  execution_date: '2026-11-23',
  charge_bearer: 'SLEV',
};

const MOST: PaymentParams = {
  ...LEAST,
  rail: 'sepa-inst',
  creditor: { ...LEAST.creditor, bic: 'BKAUATWWXXX', lei: '529900T8BM49AURSDO55' },
  uetr: '5f2a2f3e-0c7e-4b61-9a51-d6f7c2a1b3c4',
  purpose_code: 'SUPP',
  remittance: 'Invoice 2026-0412 <paid> & closed',
};

const SWIFT: PaymentParams = { ...MOST, rail: 'swift', charge_bearer: 'SHAR' };

let python: string;
let folder: string;

beforeAll(() => {
  const bin = pythonEnvironment(XMLSCHEMA);
  if (bin === undefined)
    throw new Error(`expected Python 3 with venv, and ${XMLSCHEMA.requirement}`);
  python = join(bin, 'python');
  folder = mkdtempSync(join(tmpdir(), 'payment-file-'));
  mkdirSync(join(folder, 'outbox'));
}, INSTALL_TIMEOUT_MS);

afterAll(() => {
  rmSync(folder, { recursive: true });
});

function checked(path: string): { status: number | null; text: string } {
  const { status, stdout, stderr } = spawnSync(python, ['-B', program, path], { encoding: 'utf8' });
  return { status, text: `${stdout}${stderr}` };
}

async function paid(params: PaymentParams, useId: string): Promise<string> {
  const connector = new PaymentConnector({
    outbox: join(folder, 'outbox'),
    journal: join(folder, 'journal'),
    debtors: { [params.debtor_account]: { name: 'Hansa Maschinen AG' } },
    vendors: {
      payee: () => Promise.resolve(null),
      invoice: () => Promise.resolve(Uint8Array.of()),
    },
  });
  const use = { params, preconditions: {}, useId, shortId: `cs-${useId.slice(-10)}` };
  const { targetRef } = await connector.execute({ ...use, idempotencyKey: useId });
  return join(folder, 'outbox', `${targetRef}.xml`);
}

describe('the file of a payment', () => {
  it.each([
    ['the least of a payment', LEAST, '01M83G8PGDVFCDVZ5H41H6NGY8'],
    ['all that a payment can say', MOST, '01M83G8PGDVFCDVZ5H41H6NGY9'],
    ['a rail without a level of service', SWIFT, '01M83G8PGDVFCDVZ5H41H6NGYB'],
  ])('is valid by the schema of ISO 20022 with %s', async (_, params, useId) => {
    expect(checked(await paid(params, useId))).toEqual({ status: 0, text: '' });
  });

  it('is valid by the schema of ISO 20022 under a grant', async () => {
    const useId = '01M83G8PGDVFCDVZ5H41H6NGYC';
    const connector = new GrantConnector({
      outbox: join(folder, 'outbox'),
      journal: join(folder, 'journal'),
      debtors: { [LEAST.debtor_account]: { name: 'Hansa Maschinen AG' } },
    });
    const { targetRef } = await connector.execute({
      params: {
        debtor_account: LEAST.debtor_account,
        creditor: LEAST.creditor,
        currency: 'EUR',
        amount_min: '0.01',
        amount_max: '500.00',
        remittance: 'Parcels of the week',
        amount: '12.50',
      },
      preconditions: {},
      useId,
      shortId: `cs-${useId.slice(-10)}`,
      idempotencyKey: useId,
    });
    const path = join(folder, 'outbox', `${targetRef}.xml`);
    expect(checked(path)).toEqual({ status: 0, text: '' });
  });

  it('is found where one member is out of order', async () => {
    const text = readFileSync(await paid(LEAST, '01M83G8PGDVFCDVZ5H41H6NGYA'), 'utf8');
    const moved = join(folder, 'moved.xml');
    const amount = /<Amt>.*<\/Amt>/s.exec(text)?.[0] ?? '';
    writeFileSync(
      moved,
      text.replace(amount, '').replace('</CdtTrfTxInf>', `${amount}</CdtTrfTxInf>`),
    );
    expect(checked(moved).status).toBe(1);
  });
});
