/** The one error of this package: bytes that are not one item of strict CBOR. */
export class CborError extends Error {
  override readonly name = 'CborError';
  readonly code = 'CBOR_MALFORMED';
}
