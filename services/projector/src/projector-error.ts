export type ProjectorErrorCode =
  /** No such entry, size or action. */
  | 'NOT_FOUND'
  /** The entry is in the log, and no signed head covers it yet. */
  | 'NOT_SEALED'
  /** No head of this size was signed; the size is within the log. */
  | 'SIZE_NOT_PUBLISHED'
  | 'SIZE_BEYOND_LOG'
  | 'INDEX_BEYOND_SIZE'
  /** Witnesses have not cosigned a head yet that covers it. */
  | 'NOT_WITNESSED'
  /** More are waiting than this process allows. */
  | 'TOO_MANY_WAITERS'
  | 'PROJECTOR_RUNNING'
  /** The log and the store disagree: the store is to be built again. */
  | 'STORE_STALE';

export class ProjectorError extends Error {
  override readonly name = 'ProjectorError';
  readonly code: ProjectorErrorCode;

  constructor(code: ProjectorErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
