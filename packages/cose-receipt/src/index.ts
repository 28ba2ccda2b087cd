export { verifyCoseReceipt } from './cose-receipt.ts';
export type { CoseReceiptTrust, LogKey, VerifiedCoseReceipt } from './cose-receipt.ts';
export { CoseReceiptError } from './cose-receipt-error.ts';
export type { CoseReceiptErrorCode } from './cose-receipt-error.ts';
