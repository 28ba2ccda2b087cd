/**
 * STORE_CORRUPT: it holds what this release did not write. Drop it: everything in it can be built again.
 * PAGE_REQUEST: a limit or a cursor that no page has.
 * STORE_MOVED: another writer was there first, and nothing was taken; go on from where the store stands.
 * STORE_UNAVAILABLE: it cannot now, and may have done what was asked; it can be asked again.
 * STORE_SETTINGS: it does not know us, does not let us, or is not set up to hold this; asking again mends nothing.
 * STORE_FAILED: it has given up until it is opened again.
 */
export type StoreErrorCode =
  | 'STORE_CORRUPT'
  | 'PAGE_REQUEST'
  | 'STORE_MOVED'
  | 'STORE_UNAVAILABLE'
  | 'STORE_SETTINGS'
  | 'STORE_FAILED';

export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
