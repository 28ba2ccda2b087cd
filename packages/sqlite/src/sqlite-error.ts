/**
 * DISK_FULL, BUSY, CONSTRAINT, MISUSE, QUEUE_FULL: nothing of the request happened.
 * IO: unknown whether it happened; the database stays closed until it is opened again, since a failed fsync cannot be repeated.
 * FOREIGN: not a file of this application, or of a version this release cannot read. CORRUPT: damaged.
 */
export type SqliteErrorCode =
  | 'BUSY'
  | 'CLOSED'
  | 'CONSTRAINT'
  | 'CORRUPT'
  | 'DISK_FULL'
  | 'FOREIGN'
  | 'IO'
  | 'MISUSE'
  | 'QUEUE_FULL';

export class SqliteError extends Error {
  override readonly name = 'SqliteError';
  readonly code: SqliteErrorCode;

  constructor(code: SqliteErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
