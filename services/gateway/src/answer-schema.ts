import { ACTION_STATUSES } from '@countersign/store';
import { Type } from 'typebox';

const closed = { additionalProperties: false } as const;

export const DigestSchema = Type.String({ pattern: '^sha256:[0-9a-f]{64}$' });
export const UlidSchema = Type.String({ pattern: '^[0-7][0-9A-HJKMNP-TV-Z]{25}$' });

/** The exact text that the log holds; its RFC 6962 leaf hash is `leaf`. */
export const EntrySchema = Type.Object(
  {
    index: Type.Integer({ minimum: 0 }),
    leaf: DigestSchema,
    type: Type.String(),
    text: Type.String({ description: 'Canonical JSON, exactly as hashed' }),
  },
  closed,
);

const ReceiptSchema = Type.String({ description: 'C2SP tlog-proof' });

export const StatusSchema = Type.Enum([...ACTION_STATUSES]);

const ShownStatusSchema = Type.Enum([...ACTION_STATUSES, 'epoch-ended']);

export const InputAnswerSchema = Type.Object(
  {
    input: DigestSchema,
    entry: EntrySchema,
    receipt: ReceiptSchema,
    action_id: Type.Optional(UlidSchema),
    action_digest: Type.Optional(DigestSchema),
    status: Type.Optional(StatusSchema),
    followed: Type.Optional(
      Type.Array(Type.Object({ entry: EntrySchema, receipt: ReceiptSchema }, closed), {
        description: 'What followed at once, such as the binding that a decision completed',
      }),
    ),
  },
  closed,
);

/** schemas/formats/arrival-promise.md §1 */
export const ArrivalSchema = Type.Object(
  {
    v: Type.Literal('countersign.arrival.v1'),
    promise: Type.String({ description: 'Signed note: when the log will hold the answer' }),
    certificate: Type.String({ description: "Signed note: the log's key lets its key promise" }),
  },
  closed,
);

export const PendingAnswerSchema = Type.Object(
  {
    input: DigestSchema,
    status: Type.Literal('pending'),
    arrival: Type.Optional(ArrivalSchema),
  },
  { ...closed, description: 'Not answered yet: ask GET /v1/inputs/{digest}' },
);

const ActionMembers = {
  action_id: UlidSchema,
  action_digest: DigestSchema,
  status: ShownStatusSchema,
  type: Type.Union([Type.String(), Type.Null()]),
  agent: Type.String(),
  executor: Type.Union([Type.String(), Type.Null()]),
  opened_at: Type.String(),
  changed_at: Type.String(),
  decide_by: Type.Union([Type.String(), Type.Null()]),
  use_by: Type.Union([Type.String(), Type.Null()]),
  uses: Type.Integer({ minimum: 0 }),
  result: Type.Union([Type.String(), Type.Null()]),
  code: Type.Union([Type.String(), Type.Null()]),
  erased: Type.Boolean(),
  last_index: Type.Integer({ minimum: 0 }),
};

export const ProvenEntrySchema = Type.Object(
  { entry: EntrySchema, receipt: ReceiptSchema },
  closed,
);

const ProvenMembers = {
  size: Type.Integer({ minimum: 0, description: 'Of the head that the receipts are at' }),
  entries: Type.Array(ProvenEntrySchema),
};

export const ProvenEntriesSchema = Type.Object(ProvenMembers, closed);

export const ActionEntriesSchema = Type.Object(
  {
    ...ProvenMembers,
    next: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()], {
      description: 'The `start` of the next page; null at the end',
    }),
  },
  closed,
);

export const LogSizeSchema = Type.Integer({
  minimum: 0,
  description: 'At least the entries before this index are in the answer',
});

export const ActionSummarySchema = Type.Object(
  {
    ...ActionMembers,
    newest: Type.Optional(ProvenEntrySchema),
  },
  closed,
);

const DecisionMembers = {
  index: Type.Integer({ minimum: 0 }),
  verdict: Type.String({ description: 'approve, deny, or revoke of what stopped it' }),
  person: Type.String(),
  at: Type.String(),
};

export const ActionSchema = Type.Object(
  {
    ...ActionMembers,
    decisions: Type.Array(
      Type.Object(
        {
          ...DecisionMembers,
          for: Type.Optional(Type.String({ description: 'The person in whose place it was' })),
          claimed_dwell_ms: Type.Optional(
            Type.Integer({
              minimum: 0,
              description: 'How long the device says that it showed it; nobody has measured it',
            }),
          ),
          rationale: Type.Union([Type.String(), Type.Null()], {
            description: 'Why, in the words of the person; null once it was erased',
          }),
        },
        closed,
      ),
    ),
    entries: Type.Array(
      Type.Object(
        { index: Type.Integer({ minimum: 0 }), type: Type.String(), at: Type.String() },
        closed,
      ),
    ),
    log_size: LogSizeSchema,
    proofs: Type.Optional(ProvenEntriesSchema),
  },
  closed,
);

export const ActionPageSchema = Type.Object(
  {
    log_size: LogSizeSchema,
    actions: Type.Array(ActionSummarySchema),
    cursor: Type.Union([Type.String(), Type.Null()]),
  },
  closed,
);

const RelyingPartySchema = Type.Object(
  { id: Type.String(), origins: Type.Array(Type.String()) },
  closed,
);

const AnyObject = Type.Object({}, { additionalProperties: true });

export const ReviewSchema = Type.Object(
  {
    action: Type.String({ description: 'Canonical JSON; its digest is action_digest' }),
    admission: Type.Object({ entry: EntrySchema, receipt: ReceiptSchema }, closed),
    descriptor: AnyObject,
    policy: Type.Union([AnyObject, Type.Null()]),
    display: AnyObject,
    rp: RelyingPartySchema,
    decisions: Type.Array(
      Type.Object(
        {
          ...DecisionMembers,
          leaf: DigestSchema,
          entry: EntrySchema,
          receipt: ReceiptSchema,
          rationale: Type.Union(
            [Type.Object({ text: Type.String(), salt: Type.String() }, closed), Type.Null()],
            { description: 'Its salted digest is in the statement of the entry' },
          ),
        },
        closed,
      ),
    ),
    status: ShownStatusSchema,
    log_size: LogSizeSchema,
  },
  closed,
);

export const LedgerSchema = Type.Object(
  {
    log_size: LogSizeSchema,
    origin: Type.String(),
    tenant: Type.String(),
    demo: Type.Boolean(),
    separation: Type.Union([Type.Literal('solo'), Type.Literal('full')]),
    rp: RelyingPartySchema,
    log_keys: Type.Array(Type.String()),
    genesis: DigestSchema,
    freeze: Type.Object({ epoch: Type.Integer({ minimum: 0 }), frozen: Type.Boolean() }, closed),
    recovery: Type.Optional(
      Type.Object(
        { quorum: Type.Integer({ minimum: 1 }), delay_h: Type.Integer({ minimum: 1 }) },
        { ...closed, description: 'Absent where the founding has no delay: there is no recovery' },
      ),
    ),
    version: Type.String(),
    sign_in: Type.Optional(
      Type.Object(
        { issuer: Type.String() },
        { ...closed, description: 'People sign in with an account of this issuer first' },
      ),
    ),
  },
  closed,
);

export const TrustSchema = Type.Object(
  {
    v: Type.Literal('countersign.trust.v1'),
    origin: Type.String(),
    log_keys: Type.Array(Type.String()),
    genesis: DigestSchema,
    accept: Type.Object(
      {
        proof_classes: Type.Array(Type.String()),
        separation: Type.Array(Type.String()),
        demo: Type.Boolean(),
      },
      closed,
    ),
    witness_policy: Type.Optional(Type.String()),
  },
  { ...closed, description: 'From the server itself: pin it once, by a way that you trust' },
);

export const UsesSchema = Type.Object(
  {
    uses: Type.Array(
      Type.Object(
        {
          use_id: UlidSchema,
          action_id: UlidSchema,
          used_at: Type.String(),
          index: Type.Integer({ minimum: 0, description: 'Of its entry' }),
          assurance: Type.Union([Type.String(), Type.Null()], {
            description: 'schemas/formats/policy.md §6; null where the policy says nothing',
          }),
        },
        closed,
      ),
    ),
  },
  closed,
);

export const EntryPageSchema = Type.Object(
  { size: Type.Integer({ minimum: 0 }), entries: Type.Array(EntrySchema) },
  closed,
);

const Hashes = Type.Array(Type.String({ description: 'Base64 of 32 bytes' }));
const Position = Type.Integer({ minimum: 0 });

export const InclusionSchema = Type.Object(
  { index: Position, size: Position, hashes: Hashes },
  closed,
);

export const ConsistencySchema = Type.Object(
  { from: Position, to: Position, hashes: Hashes },
  closed,
);

export const SessionSchema = Type.Object(
  { person: Type.String(), credential: Type.String(), expires_at: Type.String() },
  closed,
);
