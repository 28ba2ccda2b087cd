import { BATCH, BINDING_SEALED, CHECKPOINT_SEALED } from './avro-schema.ts';
import { fingerprintOfFrame, recordCodec, unknownSchema } from './record-codec.ts';

/** A proposal until a reader found it to be the first exact successor. schemas/formats/batch-and-wire.md §4 */
export interface Batch {
  readonly kind: 'batch';
  readonly origin: string;
  readonly sizeBefore: number;
  readonly rootBefore: Uint8Array;
  readonly sizeAfter: number;
  readonly rootAfter: Uint8Array;
  /** The next intake offset to read once this batch is accepted. */
  readonly intakeOffsetAfter: number;
  /** ULID of the writer. */
  readonly epoch: string;
  readonly rulesVersion: number;
  readonly entries: readonly Uint8Array[];
}

export interface CheckpointSealed {
  readonly kind: 'checkpoint';
  readonly size: number;
  readonly note: string;
}

export interface BindingSealed {
  readonly kind: 'binding';
  readonly index: number;
  readonly entry: Uint8Array;
  readonly receipt: string;
}

export type LogRecord = Batch | CheckpointSealed | BindingSealed;

const BATCH_CODEC = recordCodec<{
  origin: string;
  size_before: number;
  root_before: Uint8Array;
  size_after: number;
  root_after: Uint8Array;
  intake_offset_after: number;
  epoch: string;
  rules_version: number;
  entries: readonly Uint8Array[];
}>(BATCH);

const CHECKPOINT_CODEC = recordCodec<Omit<CheckpointSealed, 'kind'>>(CHECKPOINT_SEALED);
const BINDING_CODEC = recordCodec<Omit<BindingSealed, 'kind'>>(BINDING_SEALED);

/** @throws {WireError} WIRE_LIMIT, WIRE_MALFORMED */
export function encodeLogRecord(record: LogRecord): Uint8Array {
  switch (record.kind) {
    case 'batch':
      return encodeBatch(record);
    case 'checkpoint':
      return CHECKPOINT_CODEC.encode({ size: record.size, note: record.note });
    case 'binding': {
      const { index, entry, receipt } = record;
      return BINDING_CODEC.encode({ index, entry, receipt });
    }
  }
}

/** Whether a record says that it is a published binding: a reader of the log itself needs nothing of those. */
export function isBindingSealed(bytes: Uint8Array): boolean {
  return fingerprintOfFrame(bytes) === BINDING_CODEC.fingerprint;
}

/** @throws {WireError} */
export function decodeLogRecord(bytes: Uint8Array): LogRecord {
  switch (fingerprintOfFrame(bytes)) {
    case BATCH_CODEC.fingerprint:
      return decodeBatch(bytes);
    case CHECKPOINT_CODEC.fingerprint:
      return { kind: 'checkpoint', ...CHECKPOINT_CODEC.decode(bytes) };
    case BINDING_CODEC.fingerprint:
      return { kind: 'binding', ...BINDING_CODEC.decode(bytes) };
    default:
      throw unknownSchema();
  }
}

function encodeBatch(batch: Batch): Uint8Array {
  return BATCH_CODEC.encode({
    origin: batch.origin,
    size_before: batch.sizeBefore,
    root_before: batch.rootBefore,
    size_after: batch.sizeAfter,
    root_after: batch.rootAfter,
    intake_offset_after: batch.intakeOffsetAfter,
    epoch: batch.epoch,
    rules_version: batch.rulesVersion,
    entries: batch.entries,
  });
}

function decodeBatch(bytes: Uint8Array): Batch {
  const fields = BATCH_CODEC.decode(bytes);
  return {
    kind: 'batch',
    origin: fields.origin,
    sizeBefore: fields.size_before,
    rootBefore: fields.root_before,
    sizeAfter: fields.size_after,
    rootAfter: fields.root_after,
    intakeOffsetAfter: fields.intake_offset_after,
    epoch: fields.epoch,
    rulesVersion: fields.rules_version,
    entries: fields.entries,
  };
}
