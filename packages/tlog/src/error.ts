/**
 * Why a proof, a note, a key or a tree state was refused. The codes are stable: callers switch on
 * them, and never on the message.
 */
export type TlogErrorCode =
  /** A position outside the tree, a size out of order, or a number that is no safe integer. */
  | 'PROOF_INDEX'
  /** Missing or surplus hashes, or a hash that is not 32 bytes. */
  | 'PROOF_LENGTH'
  /** The hashes do not lead to the expected root. */
  | 'PROOF_ROOT'
  | 'NOTE_MALFORMED'
  /** A known key's signature does not verify; the whole note is refused. */
  | 'NOTE_SIGNATURE'
  /** No key that the caller knows has signed. */
  | 'NOTE_UNSIGNED'
  | 'VKEY_FORMAT'
  /** Signed by keys that were, or will be, keys of the log, and at this size are none. */
  | 'SIGNING_KEY_NOT_VALID_AT'
  | 'CHECKPOINT_FORMAT'
  /** The checkpoint of another log, or one signed under another name than its origin. */
  | 'CHECKPOINT_ORIGIN'
  | 'TLOG_PROOF_FORMAT'
  /** Fewer distinct witnesses have cosigned than the caller asked for. */
  | 'WITNESS_QUORUM'
  /** No policy that says which witnesses must have cosigned. */
  | 'WITNESS_POLICY'
  /** No body of an add-checkpoint request. */
  | 'WITNESS_REQUEST'
  /** No path of a tile or bundle that some tree can have. */
  | 'TILE_PATH'
  /** Entries that no bundle can hold, or bytes that are not exactly so many entries. */
  | 'ENTRY_BUNDLE'
  /** A tree state that cannot be: wrong number of hashes, or a node that is not complete. */
  | 'RANGE_STATE';

export class TlogError extends Error {
  override readonly name = 'TlogError';
  readonly code: TlogErrorCode;

  constructor(code: TlogErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
