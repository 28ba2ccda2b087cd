/** The newest versions in schemas/avro, embedded so that nothing is read from disk at run time; a test holds the two equal. */

export type AvroFieldType =
  | 'string'
  | 'bytes'
  | 'long'
  | 'int'
  | 'dev.countersign.Bytes32'
  | { type: 'fixed'; name: 'Bytes32'; size: number }
  | { type: 'enum'; name: string; symbols: string[] }
  | { type: 'array'; items: 'bytes' };

export interface AvroRecord {
  type: 'record';
  name: string;
  namespace: string;
  doc: string;
  fields: { name: string; type: AvroFieldType; doc: string }[];
}

export const ACTION_REQUESTED: AvroRecord = {
  type: 'record',
  name: 'ActionRequested',
  namespace: 'dev.countersign',
  doc: 'An agent asks for an action. Topic action-requested.',
  fields: [
    {
      name: 'tenant',
      type: 'string',
      doc: 'Id of the tenant. Must agree with the payload.',
    },
    {
      name: 'action_id',
      type: 'string',
      doc: 'ULID of the action. Must agree with the payload.',
    },
    {
      name: 'payload',
      type: 'bytes',
      doc: 'The signed request, JSON. Exactly the bytes received: digests and signatures are over these.',
    },
  ],
};

export const DECISION_MADE: AvroRecord = {
  type: 'record',
  name: 'DecisionMade',
  namespace: 'dev.countersign',
  doc: 'A person decides on an admission. Topic decision-made.',
  fields: [
    {
      name: 'tenant',
      type: 'string',
      doc: 'Id of the tenant. Must agree with the payload.',
    },
    {
      name: 'action_id',
      type: 'string',
      doc: 'ULID of the action. Must agree with the payload.',
    },
    {
      name: 'payload',
      type: 'bytes',
      doc: 'The signed decision, JSON. Exactly the bytes received: digests and signatures are over these.',
    },
  ],
};

export const USE_CLAIMED: AvroRecord = {
  type: 'record',
  name: 'UseClaimed',
  namespace: 'dev.countersign',
  doc: 'An executor claims the use of a binding. Topic use-claimed.',
  fields: [
    {
      name: 'tenant',
      type: 'string',
      doc: 'Id of the tenant. Must agree with the payload.',
    },
    {
      name: 'action_id',
      type: 'string',
      doc: 'ULID of the action. Must agree with the payload.',
    },
    {
      name: 'payload',
      type: 'bytes',
      doc: 'The signed claim, JSON. Exactly the bytes received: digests and signatures are over these.',
    },
  ],
};

export const EXECUTION_REPORTED: AvroRecord = {
  type: 'record',
  name: 'ExecutionReported',
  namespace: 'dev.countersign',
  doc: 'An executor reports what it did. Topic execution-reported.',
  fields: [
    {
      name: 'tenant',
      type: 'string',
      doc: 'Id of the tenant. Must agree with the payload.',
    },
    {
      name: 'action_id',
      type: 'string',
      doc: 'ULID of the action. Must agree with the payload.',
    },
    {
      name: 'payload',
      type: 'bytes',
      doc: 'The signed report, JSON. Exactly the bytes received: digests and signatures are over these.',
    },
  ],
};

export const INTAKE: AvroRecord = {
  type: 'record',
  name: 'Intake',
  namespace: 'dev.countersign',
  doc: 'One input of a shard, in the order in which the ledger decides. Topic intake; the partition is the shard.',
  fields: [
    {
      name: 'kind',
      type: {
        type: 'enum',
        name: 'IntakeKind',
        symbols: [
          'ActionRequested',
          'DecisionMade',
          'UseClaimed',
          'ExecutionReported',
          'Enrolment',
          'Erasure',
          'Tick',
        ],
      },
      doc: 'What the payload is.',
    },
    {
      name: 'tenant',
      type: 'string',
      doc: 'Id of the tenant; empty for a Tick.',
    },
    {
      name: 'action_id',
      type: 'string',
      doc: 'ULID of the action; empty where the input concerns none.',
    },
    {
      name: 'payload',
      type: 'bytes',
      doc: 'The input as its sender signed it; empty for a Tick. Exactly the bytes received: digests and signatures are over these.',
    },
  ],
};

export const BATCH: AvroRecord = {
  type: 'record',
  name: 'Batch',
  namespace: 'dev.countersign',
  doc: 'A proposal of the next leaves of the log. It counts only if it is the first exact successor of the accepted head. Topic log.',
  fields: [
    {
      name: 'origin',
      type: 'string',
      doc: 'Origin of the log: the first line of its checkpoints.',
    },
    {
      name: 'size_before',
      type: 'long',
      doc: 'Number of leaves of the head that this batch extends.',
    },
    {
      name: 'root_before',
      type: {
        type: 'fixed',
        name: 'Bytes32',
        size: 32,
      },
      doc: 'Merkle root of that head.',
    },
    {
      name: 'size_after',
      type: 'long',
      doc: 'Number of leaves after it: size_before plus the number of entries.',
    },
    {
      name: 'root_after',
      type: 'dev.countersign.Bytes32',
      doc: 'Merkle root after it. Every reader computes it again.',
    },
    {
      name: 'intake_offset_after',
      type: 'long',
      doc: 'Offset from which the intake is read again after a restart, once this batch is accepted. Nothing before it is needed any more.',
    },
    {
      name: 'epoch',
      type: 'string',
      doc: 'ULID of the writer, made at its start. It tells writers apart and decides nothing.',
    },
    {
      name: 'rules_version',
      type: 'int',
      doc: 'Version of the rules that derived the entries from the inputs.',
    },
    {
      name: 'entries',
      type: {
        type: 'array',
        items: 'bytes',
      },
      doc: 'The leaves, in order: canonical JSON, each at most 65535 bytes.',
    },
  ],
};

export const CHECKPOINT_SEALED: AvroRecord = {
  type: 'record',
  name: 'CheckpointSealed',
  namespace: 'dev.countersign',
  doc: 'A signed checkpoint of an accepted head. Derived, no leaf, may occur twice. Topic log.',
  fields: [
    {
      name: 'size',
      type: 'long',
      doc: 'Number of leaves that the checkpoint covers.',
    },
    {
      name: 'note',
      type: 'string',
      doc: 'The checkpoint: a C2SP signed note.',
    },
  ],
};

export const BINDING_SEALED: AvroRecord = {
  type: 'record',
  name: 'BindingSealed',
  namespace: 'dev.countersign',
  doc: 'A binding with its offline proof. Derived, no leaf, may occur twice. Topic log.',
  fields: [
    {
      name: 'index',
      type: 'long',
      doc: 'Index of the leaf.',
    },
    {
      name: 'entry',
      type: 'bytes',
      doc: 'The bytes of the leaf, a binding-made entry.',
    },
    {
      name: 'receipt',
      type: 'string',
      doc: 'The receipt: a C2SP tlog-proof with the sealed checkpoint.',
    },
  ],
};

export const CONTENT: AvroRecord = {
  type: 'record',
  name: 'Content',
  namespace: 'dev.countersign',
  doc: 'Readable content behind a salted digest; the only place where it is kept. Erasable. Topic content.',
  fields: [
    {
      name: 'tenant',
      type: 'string',
      doc: 'Id of the tenant. Must agree with the payload.',
    },
    {
      name: 'action_id',
      type: 'string',
      doc: 'ULID of the action. Must agree with the payload.',
    },
    {
      name: 'kind',
      type: {
        type: 'enum',
        name: 'ContentKind',
        symbols: ['ACTION', 'RATIONALE'],
      },
      doc: 'What the body is.',
    },
    {
      name: 'digest',
      type: 'string',
      doc: 'The digest that the log holds of it.',
    },
    {
      name: 'body',
      type: 'bytes',
      doc: 'The content with its salt. Exactly the bytes that the digest is over.',
    },
  ],
};

export const QUARANTINED: AvroRecord = {
  type: 'record',
  name: 'Quarantined',
  namespace: 'dev.countersign',
  doc: 'An input of an unknown sender, refused. It tells what arrived without keeping it. Topic quarantine.',
  fields: [
    {
      name: 'kind',
      type: {
        type: 'enum',
        name: 'IntakeKind',
        symbols: [
          'ActionRequested',
          'DecisionMade',
          'UseClaimed',
          'ExecutionReported',
          'Enrolment',
          'Erasure',
          'Tick',
        ],
      },
      doc: 'What the input claimed to be.',
    },
    {
      name: 'reason',
      type: 'string',
      doc: 'Code of the refusal, or where the answer to a repetition is.',
    },
    {
      name: 'input_digest',
      type: 'string',
      doc: 'Tagged digest of the payload, by which its sender finds the answer.',
    },
    {
      name: 'size',
      type: 'int',
      doc: 'Size of the payload in bytes.',
    },
  ],
};

export const FINDING_SUBMITTED: AvroRecord = {
  type: 'record',
  name: 'FindingSubmitted',
  namespace: 'dev.countersign',
  doc: 'An operator tells what a comparison with the record of a target has found. Topics finding-submitted and intake.',
  fields: [
    {
      name: 'tenant',
      type: 'string',
      doc: 'Id of the tenant. Must agree with the payload.',
    },
    {
      name: 'payload',
      type: 'bytes',
      doc: 'The signed finding, JSON. Exactly the bytes received: digests and signatures are over these.',
    },
  ],
};

export const FINDING_QUARANTINED: AvroRecord = {
  type: 'record',
  name: 'FindingQuarantined',
  namespace: 'dev.countersign',
  doc: 'A finding of an unknown sender, refused. It tells what arrived without keeping it. Topic quarantine.',
  fields: [
    {
      name: 'reason',
      type: 'string',
      doc: 'Code of the refusal, or where the answer to a repetition is.',
    },
    {
      name: 'input_digest',
      type: 'string',
      doc: 'Tagged digest of the payload, by which its sender finds the answer.',
    },
    {
      name: 'size',
      type: 'int',
      doc: 'Size of the payload in bytes.',
    },
  ],
};
