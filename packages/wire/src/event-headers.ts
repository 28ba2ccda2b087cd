/** The records whose headers say what they are. */
export type EventRecord =
  | 'Intake'
  | 'Batch'
  | 'CheckpointSealed'
  | 'BindingSealed'
  | 'Content'
  | 'Quarantined'
  | 'FindingSubmitted'
  | 'FindingQuarantined';

export interface RecordedEvent {
  readonly record: EventRecord;
  /** Equal for equal events of one source, so that a record which is written twice can be told from two. */
  readonly id: string;
  /** Who tells it: a URI reference. */
  readonly source: string;
}

const SPEC_VERSION = '1.0';
/** All records are written in their first version. */
const RECORD_VERSION = 1;
/** Avro, in single-object encoding. */
const CONTENT_TYPE = 'application/avro';

export const ROUTER_SOURCE = '/countersign/router';

/** The attributes of an event as the Kafka protocol binding of CloudEvents writes them, in its binary content mode. */
export function eventHeaders({ record, id, source }: RecordedEvent): Record<string, string> {
  return {
    ce_specversion: SPEC_VERSION,
    ce_type: `dev.countersign.${record}.v${RECORD_VERSION}`,
    ce_source: source,
    ce_id: id,
    'content-type': CONTENT_TYPE,
  };
}

/** Of what the writers of a log tell. */
export function logSource(origin: string): string {
  return encodeURI(`//${origin}`);
}
