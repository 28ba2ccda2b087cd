/**
 * WIRE_SCHEMA_UNKNOWN: a frame of a schema that does not belong here. WIRE_MALFORMED: not a frame, or not the one encoding of
 * its record. WIRE_LIMIT: larger than any record may be.
 */
export type WireErrorCode = 'WIRE_SCHEMA_UNKNOWN' | 'WIRE_MALFORMED' | 'WIRE_LIMIT';

export class WireError extends Error {
  override readonly name = 'WireError';
  readonly code: WireErrorCode;

  constructor(code: WireErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
