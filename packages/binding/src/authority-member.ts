import { isJsonObject, type Digest, type Json } from '@countersign/canonical';
import type { AttestedModel } from '@countersign/human-proof';
import { attestedModel } from './attested-model.ts';
import {
  base64url,
  coseKey,
  credentialId,
  digest,
  id,
  issuerUrl,
  origin,
  personId,
  spki,
  sshKey,
  tenant,
  time,
  vkey,
} from './field-shape.ts';
import { deputyMember, type DeputyMember } from './deputy-member.ts';
import { issuerMember, type IssuerMember } from './issuer-member.ts';
import { approvalRule, type BootstrapRule } from './policy.ts';
import { recoveryRule, type RecoveryRule } from './recovery-rule.ts';
import {
  boolean,
  either,
  integer,
  list,
  matching,
  object,
  oneOf,
  optional,
  text,
  variant,
  type Shape,
} from './shape.ts';

export type Separation = 'solo' | 'full';

/** An rpId and the web origins that may use it. */
export interface RelyingParty {
  readonly id: string;
  readonly origins: readonly string[];
}

export interface LedgerMember {
  readonly kind: 'ledger';
  readonly id: 'ledger';
  readonly origin: string;
  readonly tenant: string;
  readonly separation: Separation;
  readonly demo: boolean;
  readonly rps: readonly RelyingParty[];
  readonly bootstrap: BootstrapRule;
  /** Of a ledger that was founded with a delay for it: without, there is no recovery. */
  readonly recovery?: RecoveryRule;
}

export interface LogKeyMember {
  readonly kind: 'log-key';
  /** Key id of the verifier key, 8 hex digits. */
  readonly id: string;
  readonly vkey: string;
}

/** Of a ledger on a cluster: at most one. */
export interface HomeMember {
  readonly kind: 'home';
  /** Its shard: the partition that it has of each topic, in decimal. */
  readonly id: string;
}

export interface PersonMember {
  readonly kind: 'person';
  readonly id: string;
  readonly class: 'natural' | 'role' | 'machine';
}

export interface InvitationMember {
  readonly kind: 'invitation';
  /** Thumbprint of `public_key`. */
  readonly id: string;
  readonly person: string;
  readonly public_key: string;
  /** Of a recovery alone: the end of its delay. */
  readonly not_before?: string;
  readonly not_after: string;
}

/** Whom of the company a person is: schemas/formats/authority.md §10. */
export interface IdentityMember {
  readonly kind: 'identity';
  /** The person. */
  readonly id: string;
  readonly issuer: string;
  readonly subject_digest: Digest;
}

export interface PasskeyMember {
  readonly kind: 'credential';
  readonly id: string;
  readonly person: string;
  /** COSE. */
  readonly public_key: string;
  readonly rp_id: string;
  readonly backup_eligible: boolean;
  /** Who vouches for its model, where its enrolment has shown that: schemas/formats/authority.md §5. */
  readonly attestation?: AttestedModel;
}

export interface SshKeyMember {
  readonly kind: 'credential';
  /** SHA-256 of the key. */
  readonly id: string;
  readonly person: string;
  /** The kind of the proofs that it makes. */
  readonly proof: 'sshsig';
  /** As in a `.pub` file. */
  readonly public_key: string;
}

/** A passkey or an SSH key, told apart by `proof`, which a passkey does not have. */
export type CredentialMember = PasskeyMember | SshKeyMember;

export function isSshKey(credential: CredentialMember): credential is SshKeyMember {
  return 'proof' in credential;
}

export interface AgentMember {
  readonly kind: 'agent';
  readonly id: string;
  readonly key_thumbprint: Digest;
  readonly public_key: string;
  /** The person accountable for it. */
  readonly owner: string;
  /** May order erasures. */
  readonly operator: boolean;
  /** Whose own tool this is: that person then is the requester. */
  readonly person?: string;
  /** For whom it works, where that is somebody else than its owner. */
  readonly sponsor?: string;
}

export interface ExecutorMember {
  readonly kind: 'executor';
  readonly id: string;
  readonly key_thumbprint: Digest;
  readonly public_key: string;
  readonly audiences: readonly string[];
  readonly interface_digest: Digest;
}

export interface PolicyMember {
  readonly kind: 'policy';
  readonly id: 'policy';
  readonly digest: Digest;
}

export interface DescriptorMember {
  readonly kind: 'descriptor';
  /** Type name, a slash, version. */
  readonly id: string;
  readonly digest: Digest;
}

/** Of a ledger that was frozen once: at most one. */
export interface FreezeMember {
  readonly kind: 'freeze';
  readonly id: 'freeze';
  /** How often it was frozen. */
  readonly epoch: number;
  readonly frozen: boolean;
}

/** schemas/formats/authority.md §2. */
export type Member =
  | LedgerMember
  | LogKeyMember
  | HomeMember
  | FreezeMember
  | PersonMember
  | InvitationMember
  | IdentityMember
  | DeputyMember
  | CredentialMember
  | AgentMember
  | ExecutorMember
  | PolicyMember
  | DescriptorMember
  | IssuerMember;

export type MemberKind = Member['kind'];
export type MemberOf<K extends MemberKind> = Extract<Member, { kind: K }>;

const RPS_MAX = 8;
const ORIGINS_MAX = 8;
const AUDIENCES_MAX = 16;

const webOrigin: Shape<string> = matching(
  /^https?:\/\/[a-z0-9.-]{1,253}(:[0-9]{1,5})?$/,
  'a web origin',
);

const relyingParty: Shape<RelyingParty> = object<RelyingParty>({
  id: matching(/^[a-z0-9.-]{1,253}$/, 'an rpId'),
  origins: list(webOrigin, { min: 1, max: ORIGINS_MAX }),
});

export const relyingParties: Shape<readonly RelyingParty[]> = list(relyingParty, {
  min: 1,
  max: RPS_MAX,
});

export const audiences: Shape<readonly string[]> = list(id, { min: 1, max: AUDIENCES_MAX });

export const personClass: Shape<PersonMember['class']> = oneOf('natural', 'role', 'machine');

export const separation: Shape<Separation> = oneOf('solo', 'full');

const key = { key_thumbprint: digest, public_key: spki };

const passkeyMember: Shape<PasskeyMember> = object<PasskeyMember>({
  kind: oneOf('credential'),
  id: credentialId,
  person: personId,
  public_key: coseKey,
  rp_id: text(253),
  backup_eligible: boolean,
  attestation: optional(attestedModel),
});

const sshKeyMember: Shape<SshKeyMember> = object<SshKeyMember>({
  kind: oneOf('credential'),
  id: base64url(32, 32),
  person: personId,
  proof: oneOf('sshsig'),
  public_key: sshKey,
});

const hasProof = (json: Json): boolean => isJsonObject(json) && Object.hasOwn(json, 'proof');

const shapes: { readonly [K in MemberKind]: Shape<MemberOf<K>> } = {
  ledger: object<LedgerMember>({
    kind: oneOf('ledger'),
    id: oneOf('ledger'),
    origin,
    tenant,
    separation,
    demo: boolean,
    rps: relyingParties,
    bootstrap: approvalRule,
    recovery: optional(recoveryRule),
  }),
  'log-key': object<LogKeyMember>({
    kind: oneOf('log-key'),
    id: matching(/^[0-9a-f]{8}$/, 'a key id of 8 hex digits'),
    vkey,
  }),
  home: object<HomeMember>({
    kind: oneOf('home'),
    id: matching(/^(0|[1-9][0-9]{0,4})$/, 'a shard'),
  }),
  freeze: object<FreezeMember>({
    kind: oneOf('freeze'),
    id: oneOf('freeze'),
    epoch: integer(1, 1_000_000),
    frozen: boolean,
  }),
  person: object<PersonMember>({
    kind: oneOf('person'),
    id: personId,
    class: personClass,
  }),
  invitation: object<InvitationMember>({
    kind: oneOf('invitation'),
    id: digest,
    person: personId,
    public_key: spki,
    not_before: optional(time),
    not_after: time,
  }),
  identity: object<IdentityMember>({
    kind: oneOf('identity'),
    id: personId,
    issuer: issuerUrl,
    subject_digest: digest,
  }),
  deputy: deputyMember,
  credential: either<SshKeyMember, PasskeyMember>(hasProof, sshKeyMember, passkeyMember),
  agent: object<AgentMember>({
    kind: oneOf('agent'),
    id,
    ...key,
    owner: personId,
    operator: boolean,
    person: optional(personId),
    sponsor: optional(personId),
  }),
  executor: object<ExecutorMember>({
    kind: oneOf('executor'),
    id,
    ...key,
    audiences,
    interface_digest: digest,
  }),
  policy: object<PolicyMember>({ kind: oneOf('policy'), id: oneOf('policy'), digest }),
  descriptor: object<DescriptorMember>({
    kind: oneOf('descriptor'),
    id: matching(
      /^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+\/[1-9][0-9]{0,3}$/,
      'a type and its version',
    ),
    digest,
  }),
  issuer: issuerMember,
};

export const member: Shape<Member> = variant<Member>('kind', shapes);

/** The id of the member that describes this version of an action type. */
export function descriptorId(type: { readonly name: string; readonly version: number }): string {
  return `${type.name}/${type.version}`;
}
