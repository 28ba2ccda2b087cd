/**
 * What a caller may do next. `retryable`: it had no effect, try again. `fenced`: another writer took over, stop writing.
 * `indefinite`: it may have happened or may still happen, read the tail before anything else. `fatal`: stop.
 */
export type BrokerErrorKind = 'retryable' | 'fenced' | 'indefinite' | 'fatal';

/**
 * BROKER_DISK_FULL: nothing of the append was stored; it goes on once there is space again.
 * BROKER_FOREIGN: the storage is not ours, or of a format version that this release cannot read.
 * BROKER_BUSY: another process, or another handle of this one, holds the storage.
 * BROKER_DENIED: the broker does not know us, or does not let us.
 * BROKER_CONNECTION_SETTINGS: how the broker is to be reached cannot be read, or makes no sense.
 * BROKER_TOPIC_SETTINGS: a topic is missing or set up so that it cannot hold what the port promises.
 */
export type BrokerErrorCode =
  | 'BROKER_UNAVAILABLE'
  | 'BROKER_DISK_FULL'
  | 'BROKER_FENCED'
  | 'BROKER_INDEFINITE'
  | 'BROKER_CLOSED'
  | 'BROKER_CORRUPT'
  | 'BROKER_FOREIGN'
  | 'BROKER_LIMIT'
  | 'BROKER_BUSY'
  | 'BROKER_DENIED'
  | 'BROKER_CONNECTION_SETTINGS'
  | 'BROKER_TOPIC_SETTINGS'
  | 'BROKER_NOT_ERASABLE';

const KIND_OF_CODE: Readonly<Record<BrokerErrorCode, BrokerErrorKind>> = {
  BROKER_UNAVAILABLE: 'retryable',
  BROKER_DISK_FULL: 'retryable',
  BROKER_FENCED: 'fenced',
  BROKER_INDEFINITE: 'indefinite',
  BROKER_CLOSED: 'fatal',
  BROKER_CORRUPT: 'fatal',
  BROKER_FOREIGN: 'fatal',
  BROKER_LIMIT: 'fatal',
  BROKER_BUSY: 'fatal',
  BROKER_DENIED: 'fatal',
  BROKER_CONNECTION_SETTINGS: 'fatal',
  BROKER_TOPIC_SETTINGS: 'fatal',
  BROKER_NOT_ERASABLE: 'fatal',
};

export class BrokerError extends Error {
  override readonly name = 'BrokerError';
  readonly code: BrokerErrorCode;
  readonly kind: BrokerErrorKind;

  constructor(code: BrokerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.kind = KIND_OF_CODE[code];
  }
}
