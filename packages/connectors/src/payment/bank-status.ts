import { ConnectorError } from '../connector-error.ts';
import { elementsAt, parseXml, textAt, type XmlElement } from '../xml-element.ts';

/** What a bank says in a pain.002 about one payment. */
export interface PaymentStatus {
  readonly endToEndId: string;
  /** ISO 20022 code: ACSC settled, RJCT rejected, and so on. */
  readonly status: string;
  readonly reason?: string;
}

/** One booked line of a camt.053. */
export interface StatementLine {
  readonly endToEndId: string | undefined;
  readonly direction: 'debit' | 'credit';
  readonly amount: string;
  readonly currency: string;
  readonly account: string | undefined;
  readonly creditorAccount: string | undefined;
  readonly bookedOn: string | undefined;
  /** Booked back: a payment that was sent and then returned. */
  readonly isReversal: boolean;
}

const NAMESPACE = /^urn:iso:std:iso:20022:tech:xsd:(pain\.002|camt\.053)\.001\.\d{2}$/;

/** @throws {ConnectorError} RECORD_FORMAT, RECORD_LIMIT */
export function readPaymentStatus(bytes: Uint8Array): readonly PaymentStatus[] {
  const report = rootOf(bytes, 'pain.002');
  return elementsAt(report, 'CstmrPmtStsRpt/OrgnlPmtInfAndSts').flatMap((payment) =>
    elementsAt(payment, 'TxInfAndSts').map((transaction) => {
      const status =
        textAt(transaction, 'TxSts') ??
        textAt(payment, 'PmtInfSts') ??
        textAt(report, 'CstmrPmtStsRpt/OrgnlGrpInfAndSts/GrpSts');
      const reason = textAt(transaction, 'StsRsnInf/Rsn/Cd');
      return {
        endToEndId: demanded(textAt(transaction, 'OrgnlEndToEndId'), 'OrgnlEndToEndId'),
        status: demanded(status, 'a status'),
        ...(reason !== undefined && { reason }),
      };
    }),
  );
}

/** @throws {ConnectorError} RECORD_FORMAT, RECORD_LIMIT */
export function readStatement(bytes: Uint8Array): readonly StatementLine[] {
  return elementsAt(rootOf(bytes, 'camt.053'), 'BkToCstmrStmt/Stmt').flatMap((statement) =>
    elementsAt(statement, 'Ntry')
      .filter(isBooked)
      .flatMap((entry) => linesOf(entry, textAt(statement, 'Acct/Id/IBAN'))),
  );
}

/** Pending lines may never be booked, and come again when they are. */
function isBooked(entry: XmlElement): boolean {
  const status = textAt(entry, 'Sts/Cd') ?? textAt(entry, 'Sts');
  return status === 'BOOK';
}

function linesOf(entry: XmlElement, account: string | undefined): readonly StatementLine[] {
  const transactions = elementsAt(entry, 'NtryDtls/TxDtls');
  const common = {
    direction: textAt(entry, 'CdtDbtInd') === 'DBIT' ? ('debit' as const) : ('credit' as const),
    account,
    bookedOn: textAt(entry, 'BookgDt/Dt') ?? textAt(entry, 'BookgDt/DtTm')?.slice(0, 10),
    isReversal: textAt(entry, 'RvslInd') === 'true',
  };
  // A line without details is one transaction of which the bank tells nothing more.
  return (transactions.length === 0 ? [entry] : transactions).map((transaction) => {
    const own =
      elementsAt(transaction, 'Amt')[0] ?? elementsAt(transaction, 'AmtDtls/TxAmt/Amt')[0];
    // The amount of the line is the sum of its transactions: it stands for one only where there is one.
    const amount = own ?? (transactions.length === 1 ? elementsAt(entry, 'Amt')[0] : undefined);
    return {
      ...common,
      endToEndId: textAt(transaction, 'Refs/EndToEndId'),
      amount: demanded(amount?.text, 'an amount'),
      currency: demanded(amount?.attributes.get('Ccy'), 'a currency'),
      creditorAccount: textAt(transaction, 'RltdPties/CdtrAcct/Id/IBAN'),
    };
  });
}

function rootOf(bytes: Uint8Array, kind: string): XmlElement {
  const root = parseXml(bytes);
  if (root.name === 'Document' && NAMESPACE.exec(root.namespace)?.[1] === kind) return root;
  throw new ConnectorError('RECORD_FORMAT', `expected a Document of ${kind}.001`);
}

function demanded(text: string | undefined, what: string): string {
  if (text !== undefined && text !== '') return text;
  throw new ConnectorError('RECORD_FORMAT', `expected ${what} for each transaction`);
}
