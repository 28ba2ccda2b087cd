export { verifyCoseReceipt } from './cose-receipt.ts';
export type { CoseReceiptTrust, LogKey, VerifiedCoseReceipt } from './cose-receipt.ts';
export { formatCoseReceipt, signRoot } from './signed-root.ts';
export type { CoseReceiptParts, SignedRoot } from './signed-root.ts';
export { CoseReceiptError } from './cose-receipt-error.ts';
export type { CoseReceiptErrorCode } from './cose-receipt-error.ts';
