import { readPaymentStatus, readStatement } from '@countersign/connectors';
import { describe, expect, it } from 'vitest';

const CAMT = 'urn:iso:std:iso:20022:tech:xsd:camt.053.001.08';
const PAIN = 'urn:iso:std:iso:20022:tech:xsd:pain.002.001.10';

function statement(entries: string): Uint8Array {
  const account = '<Acct><Id><IBAN>DE89370400440532013000</IBAN></Id></Acct>';
  return Buffer.from(
    `<d:Document xmlns:d="${CAMT}" xmlns="${CAMT}"><BkToCstmrStmt><Stmt>${account}${entries}</Stmt></BkToCstmrStmt></d:Document>`,
  );
}

function entry(members: { status?: string; details?: string; more?: string }): string {
  const { status = '<Sts><Cd>BOOK</Cd></Sts>', details = '', more = '' } = members;
  return (
    `<Ntry><Amt Ccy="EUR">18250.40</Amt><CdtDbtInd>DBIT</CdtDbtInd>${more}${status}` +
    `<BookgDt><Dt>2026-11-23</Dt></BookgDt>${details}</Ntry>`
  );
}

function transaction(amount: string, end = 'CS-VFCDVZ5H41H6NGY8'): string {
  return (
    `<TxDtls><Refs><EndToEndId>${end}</EndToEndId></Refs>${amount}<RltdPties><CdtrAcct><Id>` +
    '<IBAN>AT611904300234573201</IBAN></Id></CdtrAcct></RltdPties></TxDtls>'
  );
}

const LINE = {
  endToEndId: 'CS-VFCDVZ5H41H6NGY8',
  direction: 'debit',
  amount: '18250.40',
  currency: 'EUR',
  account: 'DE89370400440532013000',
  creditorAccount: 'AT611904300234573201',
  bookedOn: '2026-11-23',
  isReversal: false,
};

describe('a statement of the bank, camt.053', () => {
  it('has a line for each booked transaction', () => {
    const details = `<NtryDtls>${transaction('')}</NtryDtls>`;
    expect(readStatement(statement(entry({ details })))).toEqual([LINE]);
  });

  it('gives each of several transactions its own amount', () => {
    const details = `<NtryDtls>${transaction('<Amt Ccy="EUR">1.00</Amt>')}${transaction('<AmtDtls><TxAmt><Amt Ccy="EUR">18249.40</Amt></TxAmt></AmtDtls>', 'X')}</NtryDtls>`;
    const amounts = readStatement(statement(entry({ details }))).map(({ amount }) => amount);
    expect(amounts).toEqual(['1.00', '18249.40']);
  });

  it('is refused where one of several transactions has no amount: the sum is none of it', () => {
    const details = `<NtryDtls>${transaction('')}${transaction('')}</NtryDtls>`;
    expect(() => readStatement(statement(entry({ details })))).toThrow(
      expect.objectContaining({ code: 'RECORD_FORMAT' }),
    );
  });

  it('leaves out what is pending, and reads the older form of a status', () => {
    const pending = entry({ status: '<Sts><Cd>PDNG</Cd></Sts>' });
    const older = entry({ status: '<Sts>BOOK</Sts>', more: '<RvslInd>true</RvslInd>' });
    const lines = readStatement(statement(pending + older));
    expect(lines).toMatchObject([{ endToEndId: undefined, isReversal: true }]);
  });
});

describe('a status report of the bank, pain.002', () => {
  function report(group: string, payment: string, transactions: string): Uint8Array {
    return Buffer.from(
      `<Document xmlns="${PAIN}"><CstmrPmtStsRpt><OrgnlGrpInfAndSts>${group}</OrgnlGrpInfAndSts>` +
        `<OrgnlPmtInfAndSts>${payment}${transactions}</OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>`,
    );
  }
  const id = '<OrgnlEndToEndId>CS-VFCDVZ5H41H6NGY8</OrgnlEndToEndId>';

  it('tells the status of a transaction with its reason, else that of what holds it', () => {
    const rejected = `<TxInfAndSts>${id}<TxSts>RJCT</TxSts><StsRsnInf><Rsn><Cd>AC04</Cd></Rsn></StsRsnInf></TxInfAndSts>`;
    expect(readPaymentStatus(report('<GrpSts>PART</GrpSts>', '', rejected))).toEqual([
      { endToEndId: 'CS-VFCDVZ5H41H6NGY8', status: 'RJCT', reason: 'AC04' },
    ]);
    const plain = `<TxInfAndSts>${id}</TxInfAndSts>`;
    expect(readPaymentStatus(report('', '<PmtInfSts>ACSC</PmtInfSts>', plain))).toMatchObject([
      { status: 'ACSC' },
    ]);
  });

  it('is refused where a transaction has no status', () => {
    expect(() => readPaymentStatus(report('', '', `<TxInfAndSts>${id}</TxInfAndSts>`))).toThrow(
      expect.objectContaining({ code: 'RECORD_FORMAT' }),
    );
  });
});
