import { formatTimestamp, ulidTimeMs, utf8 } from '@countersign/canonical';
import { create } from 'xmlbuilder2';
import { ConnectorError } from '../connector-error.ts';
import { useReference } from '../connector.ts';
import type { PaymentParams } from './payment-params.ts';

export const PAIN_001_NAMESPACE = 'urn:iso:std:iso:20022:tech:xsd:pain.001.001.09';

/** Who pays, as the bank knows it: from the configuration of the executor, by the account that was approved. */
export interface Debtor {
  readonly name: string;
  readonly bic?: string;
}

/** Service level and local instrument of each rail that a file of this kind is sent over. */
const RAILS: Readonly<Record<string, object>> = {
  'sepa-sct': { PmtTpInf: { SvcLvl: { Cd: 'SEPA' } } },
  'sepa-inst': { PmtTpInf: { SvcLvl: { Cd: 'SEPA' }, LclInstrm: { Cd: 'INST' } } },
  swift: {},
};

/** What the statement of the bank brings back: `CS-` and sixteen characters of the use id. */
export function endToEndId(useId: string): string {
  return `CS-${useReference(useId)}`;
}

/**
 * The file for the bank: a pure function of what was approved and of the use, so that the same use always makes the same
 * bytes. Its time is the one inside of the use id.
 *
 * @throws {ConnectorError} NOT_SUPPORTED for a rail that needs another kind of file
 */
export function paymentFile(params: PaymentParams, useId: string, debtor: Debtor): Uint8Array {
  const rail = Object.hasOwn(RAILS, params.rail) ? RAILS[params.rail] : undefined;
  if (rail === undefined) {
    throw new ConnectorError('NOT_SUPPORTED', `expected one of ${Object.keys(RAILS).join(', ')}`);
  }
  const reference = endToEndId(useId);
  const { amount } = params.amount;
  const totals = { NbOfTxs: '1', CtrlSum: amount };
  const document = {
    Document: {
      '@xmlns': PAIN_001_NAMESPACE,
      CstmrCdtTrfInitn: {
        GrpHdr: {
          MsgId: reference,
          CreDtTm: formatTimestamp(ulidTimeMs(useId)),
          ...totals,
          InitgPty: { Nm: debtor.name },
        },
        PmtInf: {
          PmtInfId: reference,
          PmtMtd: 'TRF',
          ...totals,
          ...rail,
          ReqdExctnDt: { Dt: params.execution_date },
          Dbtr: { Nm: debtor.name },
          DbtrAcct: { Id: { IBAN: params.debtor_account } },
          DbtrAgt: { FinInstnId: institution(debtor.bic) },
          ChrgBr: params.charge_bearer,
          CdtTrfTxInf: transfer(params, reference),
        },
      },
    },
  };
  return utf8(create({ version: '1.0', encoding: 'UTF-8' }, document).end({ prettyPrint: true }));
}

/** The order of the members is the order of the schema's sequence. */
function transfer(params: PaymentParams, reference: string): object {
  const { creditor, amount, uetr, purpose_code: purpose, remittance } = params;
  return {
    PmtId: { EndToEndId: reference, ...(uetr !== undefined && { UETR: uetr }) },
    Amt: { InstdAmt: { '@Ccy': amount.currency, '#': amount.amount } },
    ...(creditor.bic !== undefined && { CdtrAgt: { FinInstnId: institution(creditor.bic) } }),
    Cdtr: {
      Nm: creditor.name,
      PstlAdr: { Ctry: creditor.country },
      ...(creditor.lei !== undefined && { Id: { OrgId: { LEI: creditor.lei } } }),
    },
    CdtrAcct: { Id: { IBAN: creditor.account } },
    ...(purpose !== undefined && { Purp: { Cd: purpose } }),
    ...(remittance !== undefined && { RmtInf: { Ustrd: remittance } }),
  };
}

/** The schema wants an agent of the debtor; the rulebook names the bank by the IBAN alone where no BIC is given. */
function institution(bic: string | undefined): object {
  return bic === undefined ? { Othr: { Id: 'NOTPROVIDED' } } : { BICFI: bic };
}
