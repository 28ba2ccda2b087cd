export type StoreErrorCode =
  /** The file holds what this release did not write. Drop it: everything in it can be built again. */
  | 'STORE_CORRUPT'
  /** A limit or a cursor that no page has. */
  | 'PAGE_REQUEST'
  | 'STORE_UNAVAILABLE';

export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
