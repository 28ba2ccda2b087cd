export { decodeContent, encodeContent, type Content } from './content.ts';
export {
  eventHeaders,
  logSource,
  ROUTER_SOURCE,
  type EventRecord,
  type RecordedEvent,
} from './event-headers.ts';
export { MAX_BATCH_ENTRIES } from './encoding-check.ts';
export {
  decodeIntake,
  decodeQuarantined,
  encodeIntake,
  encodeQuarantined,
  type Intake,
  type IntakeKind,
  type Quarantined,
} from './intake.ts';
export {
  decodeLogRecord,
  encodeLogRecord,
  isBindingSealed,
  type Batch,
  type BindingSealed,
  type CheckpointSealed,
  type LogRecord,
} from './log-record.ts';
export { decodePublic, encodePublic, type PublicEvent, type PublicTopic } from './public-event.ts';
export { MAX_WIRE_BYTES } from './record-codec.ts';
export { WireError, type WireErrorCode } from './wire-error.ts';
