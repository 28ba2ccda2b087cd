import { BrokerError, type BrokerErrorCode } from '@countersign/broker';

/** An error that the protocol names. */
export class KafkaFailure extends Error {
  override readonly name = 'KafkaFailure';
  readonly type: string;

  constructor(type: string) {
    super(type);
    this.type = type;
  }
}

/** The same whatever was asked, and never with an effect. */
const REFUSED: Readonly<Record<string, BrokerErrorCode>> = {
  MESSAGE_TOO_LARGE: 'BROKER_LIMIT',
  RECORD_LIST_TOO_LARGE: 'BROKER_LIMIT',
  INVALID_RECORD: 'BROKER_TOPIC_SETTINGS',
  INVALID_TOPIC_EXCEPTION: 'BROKER_TOPIC_SETTINGS',
  INVALID_TIMESTAMP: 'BROKER_TOPIC_SETTINGS',
  TOPIC_AUTHORIZATION_FAILED: 'BROKER_DENIED',
  CLUSTER_AUTHORIZATION_FAILED: 'BROKER_DENIED',
  GROUP_AUTHORIZATION_FAILED: 'BROKER_DENIED',
  SASL_AUTHENTICATION_FAILED: 'BROKER_DENIED',
  UNSUPPORTED_SASL_MECHANISM: 'BROKER_DENIED',
  TLS_CERTIFICATE_REFUSED: 'BROKER_DENIED',
  INVALID_PRODUCER_EPOCH: 'BROKER_FENCED',
  NOT_ENOUGH_REPLICAS: 'BROKER_UNAVAILABLE',
};

/** With which the broker ends a handshake that lacks a certificate which it knows. */
const CERTIFICATE_ALERT =
  /^ERR_SSL_.*_ALERT_(BAD_CERTIFICATE|CERTIFICATE_\w+|UNSUPPORTED_CERTIFICATE|UNKNOWN_CA)$/;

/**
 * `none`: nothing was asked for yet, or reading was all. `unknown`: a batch was on its way. An answer that names another error
 * than the above leaves that open: a leader that loses its place answers NOT_LEADER_FOR_PARTITION for a batch that its successor may
 * hold.
 */
export function brokerError(error: unknown, effect: 'none' | 'unknown'): BrokerError {
  if (error instanceof BrokerError) return error;
  // An answer that is not what the protocol says, or a fault of ours: trying again would not mend it.
  if (error instanceof TypeError || error instanceof RangeError) {
    return new BrokerError('BROKER_CORRUPT', `Kafka: ${error.message}`, { cause: error });
  }
  const type = typeOf(error);
  const code = type === undefined ? undefined : REFUSED[type];
  const otherwise = effect === 'none' ? 'BROKER_UNAVAILABLE' : 'BROKER_INDEFINITE';
  return new BrokerError(code ?? otherwise, `Kafka: ${type ?? messageOf(error)}`, { cause: error });
}

/** Whether an error is one that the protocol has this name for. */
export function isProtocolError(error: unknown, type: string): boolean {
  return typeOf(error) === type;
}

/** kafkajs wraps what it gives up on. */
function typeOf(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    if ('type' in at && typeof at.type === 'string') return at.type;
    // Its message repeats what the broker said of the user.
    if (at.name === 'KafkaJSSASLAuthenticationError') return 'SASL_AUTHENTICATION_FAILED';
    if ('code' in at && CERTIFICATE_ALERT.test(String(at.code))) return 'TLS_CERTIFICATE_REFUSED';
  }
  return undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'an unknown failure';
}
