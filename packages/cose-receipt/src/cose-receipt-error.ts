/**
 * Why a receipt was refused. The codes are stable: callers switch on them, and never on the message. The path of
 * hashes inside is refused by TlogError.
 */
export type CoseReceiptErrorCode =
  /** Not the one form that is read: a COSE_Sign1 with a detached payload and one proof of inclusion, in strict CBOR. */
  | 'RECEIPT_MALFORMED'
  /** A header that is not known, and so could change what the receipt says. */
  | 'RECEIPT_HEADER'
  /** Another algorithm than that of the trusted key. */
  | 'RECEIPT_ALGORITHM'
  /** Another verifiable data structure than the tree of RFC 9162 with SHA-256. */
  | 'RECEIPT_TREE'
  /** Another index or size than the caller expects. */
  | 'RECEIPT_PLACE'
  /** The key has not signed the root that entry and path lead to. */
  | 'RECEIPT_SIGNATURE';

export class CoseReceiptError extends Error {
  override readonly name = 'CoseReceiptError';
  readonly code: CoseReceiptErrorCode;

  constructor(code: CoseReceiptErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
