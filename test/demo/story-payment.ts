import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestBytes, sha256, toHex, utf8 } from '@countersign/canonical';
import { PaymentConnector, readStatement, vendorFolder } from '@countersign/connectors';
import { codeOf, ConnectorScene, shortIdOf } from './connector-scene.ts';
import { showDisplay } from './review-text.ts';
import { expectEqual, stage } from './stage.ts';
import { proveOffline, type Cast } from './story-command.ts';

const DEBTOR = 'DE89370400440532013000';
const PAYEE = 'AT611904300234573201';
const INVOICE = utf8('Invoice 2026-0412: 18250.40 EUR');

type PaymentParams = Parameters<PaymentConnector['preconditions']>[0];

/** The fear here: an approval that is stale, and works again. */
export async function playPayment(cast: Cast): Promise<void> {
  stage.title('3  A payment: exactly this payee and this amount, once');
  const folder = join(cast.work, 'bank');
  const payables = join(folder, 'payables');
  const outbox = join(folder, 'outbox');
  for (const name of ['vendors', 'invoices']) mkdirSync(join(payables, name), { recursive: true });
  mkdirSync(outbox);
  writeVendor(payables, PAYEE);
  writeFileSync(join(payables, 'invoices', '2026-0412'), INVOICE);
  const connector = new PaymentConnector({
    outbox,
    journal: join(folder, 'journal'),
    debtors: { [DEBTOR]: { name: 'Example GmbH', bic: 'COBADEFFXXX' } },
    vendors: vendorFolder(payables),
  });
  const scene = await ConnectorScene.open({
    cast,
    id: 'payment-executor',
    audience: 'bank:example',
    connector,
  });
  await pay(scene, cast, outbox);
  await attackPayment(scene, payables, outbox);
}

async function pay(
  scene: ConnectorScene<PaymentParams>,
  cast: Cast,
  outbox: string,
): Promise<void> {
  const action = await scene.draft(params());
  expectEqual(await scene.ask(action), 'requested', 'the request');
  stage.step('agent', 'asks to pay an invoice whose payee has changed its account');
  stage.step('person', 'sees, computed from the exact action:');
  showDisplay((await cast.founder.review(action.action_id)).action, 10);
  const early = await scene.run(action);
  expectEqual(early.outcome, 'refused', 'a run before anybody decided');
  stage.refused('the agent takes silence for consent and pays before the answer', codeOf(early));
  await cast.founder.decide(
    action.action_id,
    'approve',
    'confirmed by call-back on a known number',
  );
  stage.step('person', 'approves: "confirmed by call-back on a known number"');
  const shortId = shortIdOf(await scene.run(action));
  const [file] = readdirSync(outbox);
  if (file === undefined) throw new Error('expected a file in the outbox');
  const text = readFileSync(join(outbox, file), 'utf8');
  expectEqual(text.includes('<InstdAmt Ccy="EUR">18250.40</InstdAmt>'), true, 'the amount sent');
  stage.step('executor', `wrote outbox/${file}, a pain.001.001.09; its use is ${shortId}`);
  const line = readStatement(statement(file.replace('.xml', '')))[0];
  expectEqual(line?.endToEndId, file.replace('.xml', ''), 'the reference on the statement');
  stage.step(
    'bank',
    `its statement (camt.053) carries ${String(line?.endToEndId)}: from there to the binding`,
  );
  await proveOffline(cast, action.action_id, 'payment');
  const again = await scene.run(action);
  expectEqual(codeOf(again), 'ALREADY_CONSUMED', 'code of a second run');
  stage.refused(
    'the same approval is used again by an executor that was started anew',
    'ALREADY_CONSUMED',
  );
}

async function attackPayment(
  scene: ConnectorScene<PaymentParams>,
  payables: string,
  outbox: string,
): Promise<void> {
  const action = await scene.approved(params(), 'the second half');
  const other = { ...params(), creditor: { ...params().creditor, account: DEBTOR } };
  expectEqual(codeOf(await scene.run(action, other)), 'ACTION_DIGEST_MISMATCH', 'another account');
  stage.refused('the payee’s account is replaced after the approval', 'ACTION_DIGEST_MISMATCH');
  writeVendor(payables, 'AT483200000012345864');
  expectEqual(codeOf(await scene.run(action)), 'PRECONDITION_STALE', 'a vendor that has changed');
  stage.refused('the vendor’s record changes between approval and payment', 'PRECONDITION_STALE');
  expectEqual(readdirSync(outbox).length, 1, 'files in the outbox');
}

function params(): PaymentParams {
  return {
    rail: 'sepa-sct',
    debtor_account: DEBTOR,
    creditor: {
      name: 'Nordlicht Werkzeugbau GmbH',
      account: PAYEE,
      country: 'AT',
      record_id: 'V-1042',
    },
    amount: { amount: '18250.40', currency: 'EUR' },
    execution_date: '2026-12-01',
    charge_bearer: 'SLEV',
    remittance: 'Invoice 2026-0412',
    invoice: {
      number: '2026-0412',
      // As sha256sum tells it.
      document_digest: `sha256:${toHex(sha256(INVOICE))}`,
    },
    ...EXCEPTION,
  };
}

/** Why the policy asks for a person: shown as the agent's claim, and sent nowhere. */
const EXCEPTION = {
  policy_exception: {
    rule: 'ap.bank-details-changed.7d',
    policy_digest: digestBytes('countersign/file/v1', utf8('accounts payable, version 12')),
    reason_code: 'bank-details-changed',
    explanation: 'the account changed two days ago',
  },
};

function writeVendor(payables: string, account: string): void {
  const record = JSON.stringify({ id: 'V-1042', name: 'Nordlicht Werkzeugbau GmbH', account });
  writeFileSync(join(payables, 'vendors', 'V-1042.json'), record);
}

/** What the bank would send the next morning. */
function statement(reference: string): Uint8Array {
  return utf8(`<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt>
<Acct><Id><IBAN>${DEBTOR}</IBAN></Id></Acct>
<Ntry><Amt Ccy="EUR">18250.40</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
<BookgDt><Dt>2026-12-01</Dt></BookgDt>
<NtryDtls><TxDtls><Refs><EndToEndId>${reference}</EndToEndId></Refs>
<RltdPties><CdtrAcct><Id><IBAN>${PAYEE}</IBAN></Id></CdtrAcct></RltdPties></TxDtls></NtryDtls></Ntry>
</Stmt></BkToCstmrStmt></Document>`);
}
