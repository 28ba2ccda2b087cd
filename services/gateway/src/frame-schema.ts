import { Type } from 'typebox';
import { DigestSchema, UlidSchema } from './answer-schema.ts';

const closed = { additionalProperties: false } as const;

const Base64url = Type.String({ pattern: '^[A-Za-z0-9_-]*$' });
export const PersonSchema = Type.String({ pattern: '^prs_[0-7][0-9A-HJKMNP-TV-Z]{25}$' });
const TimeSchema = Type.String({
  pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{3}Z$',
});

/** What agents and executors send: schemas/formats/entries.md §3. */
export const SignedFrameSchema = Type.Object(
  { payload: Base64url, key: DigestSchema, signature: Base64url },
  closed,
);

const AssertionBodySchema = Type.Object(
  {
    kind: Type.Literal('webauthn'),
    credential_id: Base64url,
    authenticator_data: Base64url,
    client_data_json: Base64url,
    signature: Base64url,
  },
  closed,
);

/** By ssh-keygen: schemas/formats/sshsig-proof.md §1. */
const SshsigBodySchema = Type.Object(
  { kind: Type.Literal('sshsig'), credential_id: Base64url, signature: Base64url },
  closed,
);

const ProofBodySchema = Type.Union([AssertionBodySchema, SshsigBodySchema]);

/** schemas/formats/decision.md §3. */
export const MembershipSchema = Type.Object(
  { token: Type.String(), subject_salt: Base64url, nonce_salt: Base64url },
  closed,
);

export const DecisionFrameSchema = Type.Object(
  {
    v: Type.Literal('countersign.decision-made.v1'),
    statement: Type.Object(
      {
        v: Type.Literal('countersign.decision.v1'),
        ledger: Type.String(),
        tenant: Type.String(),
        action_id: UlidSchema,
        admission: DigestSchema,
        action_digest: DigestSchema,
        display_digest: DigestSchema,
        verdict: Type.Union([
          Type.Literal('approve'),
          Type.Literal('deny'),
          Type.Literal('revoke'),
        ]),
        rationale_digest: DigestSchema,
        person: PersonSchema,
        credential: Base64url,
        not_after: TimeSchema,
        confirmation: Type.Optional(DigestSchema),
        claimed_dwell_ms: Type.Optional(Type.Integer()),
      },
      closed,
    ),
    proof: ProofBodySchema,
    rationale: Type.Object({ text: Type.String(), salt: Base64url }, closed),
    membership: Type.Optional(MembershipSchema),
  },
  closed,
);

export const EnrolmentOptionsBodySchema = Type.Object(
  { invitation: DigestSchema, person: PersonSchema },
  closed,
);

/** RegistrationResponseJSON of WebAuthn §5.1. */
const RegistrationSchema = Type.Object(
  {
    id: Base64url,
    rawId: Base64url,
    type: Type.Literal('public-key'),
    authenticatorAttachment: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    clientExtensionResults: Type.Object({}, { additionalProperties: true }),
    response: Type.Object(
      {
        clientDataJSON: Base64url,
        attestationObject: Base64url,
        authenticatorData: Type.Optional(Base64url),
        publicKeyAlgorithm: Type.Optional(Type.Integer()),
        publicKey: Type.Optional(Type.Union([Base64url, Type.Null()])),
        transports: Type.Optional(Type.Array(Type.String(), { maxItems: 16 })),
      },
      closed,
    ),
  },
  closed,
);

export const EnrolmentBodySchema = Type.Object(
  {
    response: RegistrationSchema,
    statement: Type.Object(
      {
        v: Type.Literal('countersign.enrolment.v1'),
        ledger: Type.String(),
        tenant: Type.String(),
        person: PersonSchema,
        invitation: DigestSchema,
        credential_id: Base64url,
        public_key: Base64url,
        rp_id: Type.String(),
        backup_eligible: Type.Boolean(),
        attestation: Type.Optional(
          Type.Object({ object: Base64url, client_data: Base64url, root: Base64url }, closed),
        ),
        nonce: Base64url,
      },
      closed,
    ),
    signature: Base64url,
    identity: Type.Optional(MembershipSchema),
  },
  closed,
);

export const SessionStatementSchema = Type.Object(
  {
    v: Type.Literal('countersign.session.v1'),
    ledger: Type.String(),
    nonce: Base64url,
    not_after: TimeSchema,
  },
  closed,
);

/** What an SSH key signs: a passkey's answer names the page that it was made for, and this does it here. */
const SshSessionStatementSchema = Type.Object(
  {
    v: Type.Literal('countersign.session.v2'),
    ledger: Type.String(),
    nonce: Base64url,
    not_after: TimeSchema,
    origin: Type.String(),
  },
  closed,
);

export const SessionBodySchema = Type.Union([
  Type.Object({ statement: SessionStatementSchema, proof: AssertionBodySchema }, closed),
  Type.Object({ statement: SshSessionStatementSchema, proof: SshsigBodySchema }, closed),
]);

export const WaitQuerySchema = Type.Object(
  { wait_ms: Type.Optional(Type.Integer({ minimum: 0, maximum: 30_000 })) },
  closed,
);
