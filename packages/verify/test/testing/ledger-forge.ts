import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import {
  applyChange,
  applyEnrolment,
  authorityFromGenesis,
  authorityRule,
  confirmationOf,
  AuthorityState,
  DECISION_NAMESPACE,
  decisionChallenge,
  decisionMessage,
  DEFAULT_POLICY,
  enrolmentPayload,
  escalationTime,
  epochOf,
  excludesNobody,
  foundLedger,
  type RulesVersion,
  homeMember,
  keyThumbprint,
  leafHash,
  leafOf,
  membershipProof,
  parseAuthorityChange,
  isCedarPolicy,
  policyDigest,
  rationaleDigest,
  requirementOf,
  batchOf,
  ruleOfType,
  shortIdOf,
  signedMessage,
  type ApprovalRule,
  type AuthorityRef,
  type BindingMade,
  type BindingRevoked,
  type BindingUsed,
  type BoundDecision,
  type ContentErased,
  type DecisionStatement,
  type Entry,
  type ExecutionReported,
  type Leaf,
  type LedgerMember,
  type Member,
  type MemberKind,
  type Policy,
  type Rationale,
  type RecoveryRule,
  type ProvenMembership,
  type RequestAdmitted,
  type RuleInForce,
  type Separation,
  type SignedKind,
} from '@countersign/binding';
import {
  canonicalBytes,
  canonicalText,
  digestBytes,
  formatTimestamp,
  fromUtf8,
  makeUlid,
  toBase64,
  utf8,
  type Digest,
  type Json,
  type JsonObject,
} from '@countersign/canonical';
import {
  BUILTIN_DESCRIPTORS,
  boundsOf,
  displayDigest,
  loadDescriptor,
  parseAction,
  render,
  type ActionEnvelope,
  type Descriptor,
} from '@countersign/descriptors';
import type { Attestation, AttestedModel, HumanProof, ProofClass } from '@countersign/human-proof';
import {
  SoftwarePasskey,
  type SoftwareSshKey,
  type SshsigOverrides,
  type PasskeyAlgorithm,
} from '@countersign/software-passkey';
import {
  formatCheckpoint,
  formatTlogProof,
  formatVerifierKey,
  inclusionProof,
  MemoryTree,
  signNote,
  type NoteSigner,
} from '@countersign/tlog';
import { changeType } from '../../../../test/support/change-type.ts';

export interface SigningKey {
  readonly privateKey: KeyObject;
  readonly spki: Uint8Array;
  readonly publicKey: string;
  readonly thumbprint: Digest;
}

function signingKey(pair: { privateKey: KeyObject; publicKey: KeyObject }): SigningKey {
  const spki = Uint8Array.from(pair.publicKey.export({ type: 'spki', format: 'der' }));
  return {
    privateKey: pair.privateKey,
    spki,
    publicKey: Buffer.from(spki).toString('base64url'),
    thumbprint: keyThumbprint(spki),
  };
}

export function ed25519Key(): SigningKey {
  return signingKey(generateKeyPairSync('ed25519'));
}

export function p256Key(): SigningKey {
  return signingKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }));
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}

function isEd25519(key: SigningKey): boolean {
  return key.privateKey.asymmetricKeyType === 'ed25519';
}

export function rawSignature(message: Uint8Array, key: SigningKey): Uint8Array {
  return sign(isEd25519(key) ? null : 'sha256', message, key.privateKey);
}

export function signed(kind: SignedKind, payload: Uint8Array, key: SigningKey): string {
  return base64url(rawSignature(signedMessage(kind, payload), key));
}

export interface Person {
  readonly id: string;
  readonly passkey: SoftwarePasskey;
  readonly invitation: SigningKey;
}

export interface Placed<E> {
  readonly text: string;
  readonly entry: E;
  readonly leaf: Leaf;
  readonly index: number;
}

export interface Bound {
  readonly action: string;
  readonly descriptor: Descriptor;
  readonly admission: Placed<RequestAdmitted>;
  readonly binding: Placed<BindingMade>;
  readonly rationales: readonly (Rationale & { readonly decision: Leaf })[];
}

export interface ForgeOptions {
  readonly separation?: Separation;
  readonly demo?: boolean;
  readonly policy?: Policy;
  readonly bootstrap?: ApprovalRule;
  readonly recovery?: RecoveryRule;
  /** By which recoveries are bound, of a ledger that has none. */
  readonly falseRecovery?: RecoveryRule;
  /** Of Carol. */
  readonly personClass?: 'natural' | 'role' | 'machine';
  readonly logKey?: SigningKey;
  /** Shard that the founding names. */
  readonly home?: number;
  /** That no founding may have beside the others. */
  readonly falseFounder?: (ledger: LedgerForge) => Member;
  /** In place of the built-in one of its type. */
  readonly descriptor?: JsonObject;
  /** Of Bob. */
  readonly passkey?: PasskeyAlgorithm;
  /** As Bob enrols his passkey. */
  readonly isBackupEligible?: boolean;
  /** By which it decides; the newest unless given. */
  readonly rulesVersion?: RulesVersion;
}

export interface ActionOptions {
  readonly type?: string;
  readonly params?: JsonObject;
  readonly preconditions?: Json;
  /** Members of the envelope in place of the usual ones. */
  readonly envelope?: JsonObject;
  readonly admission?: Partial<RequestAdmitted>;
  /** What persons were shown, in place of what the action is. */
  readonly shown?: JsonObject;
  /** Freezes no limits, whatever the type has. */
  readonly isUnbounded?: true;
  /** Says nothing of a chain. */
  readonly isUnchained?: boolean;
  /** In place of the rule of the policy. */
  readonly rule?: ApprovalRule;
  readonly signer?: SigningKey;
}

export interface SshSigning extends SshsigOverrides {
  readonly key: SoftwareSshKey;
  readonly namespace?: string;
}

export interface BindOptions {
  readonly approvers: readonly Person[];
  readonly rationale?: string;
  readonly decision?: Partial<BoundDecision>;
  readonly common?: Partial<BindingMade['statement']>;
  readonly proof?: (challenge: Uint8Array, person: Person) => HumanProof;
  /** For how long each claims to have been shown it. */
  readonly dwellMs?: number;
  /** In place of what the admission froze of what is to be typed. */
  readonly typed?: Digest | 'nothing';
  /** What the binding says of when a decision was accepted; nothing otherwise. */
  readonly acceptedAt?: (person: Person, at: string) => string;
  /** In whose place somebody decides. */
  readonly standsFor?: (person: Person) => string | undefined;
  /** Signed in a terminal with this key, in place of the passkey. */
  readonly ssh?: SshSigning;
  readonly binding?: Partial<BindingMade>;
  /** Leaves out the limits that the admission froze. */
  readonly isUnbounded?: true;
  readonly isUnbatched?: true;
}

export const ORIGIN = 'countersign.local/01JDA5C8000000000000000009/0';
export const TENANT = 'acme';
export const RP = { id: 'localhost', origins: ['http://localhost:7420'] };
export const INTERFACE: Digest = `sha256:${'44'.repeat(32)}`;
const START_MS = Date.parse('2026-11-22T16:00:00.000Z');
const LATER = '2026-12-31T00:00:00.000Z';
const INPUT: Digest = `sha256:${'77'.repeat(32)}`;

export const COMMAND: JsonObject = {
  argv: ['/opt/app/bin/migrate', '--plan', 'billing 2026-11'],
  cwd: '/opt/app',
  executable: { path: '/opt/app/bin/migrate', digest: `sha256:${'aa'.repeat(32)}` },
  env: [{ name: 'REGION', value: 'eu-west-1' }],
  secret_env: [],
  stdin: { kind: 'empty' },
  purpose: 'Monthly migration INC-4711',
  timeout_s: 900,
};

/**
 * A ledger that writes whatever it is told to, each entry well-formed, logged and signed by its own key: honest by
 * default, and able to lie in each single thing.
 */
export class LedgerForge {
  readonly logKey: SigningKey;
  /** What it signs its heads with. */
  signing: readonly SigningKey[];
  readonly agent: SigningKey = ed25519Key();
  readonly executor: SigningKey = ed25519Key();
  readonly alice: Person = newPerson();
  readonly bob: Person;
  readonly carol: Person = newPerson();
  readonly tree: MemoryTree = new MemoryTree();
  policy: Policy;
  readonly chain: { entry: string; binding?: string }[] = [];
  readonly genesis: Leaf;
  readonly vkey: string;
  authority: AuthorityState;
  ref: AuthorityRef;
  #clockMs = START_MS;
  #ids = 0;
  readonly #descriptors: readonly Descriptor[];
  readonly #isBackupEligible: boolean;
  readonly #falseRecovery: Pick<LedgerMember, 'recovery'>;

  constructor(options: ForgeOptions = {}) {
    const own = options.descriptor === undefined ? [] : [loadDescriptor(options.descriptor)];
    const isReplaced = ({ type }: Descriptor): boolean => own.some((each) => each.type === type);
    this.#descriptors = [...own, ...BUILTIN_DESCRIPTORS.filter((each) => !isReplaced(each))];
    this.logKey = options.logKey ?? ed25519Key();
    this.signing = [this.logKey];
    this.#isBackupEligible = options.isBackupEligible ?? false;
    const { falseRecovery: recovery } = options;
    this.#falseRecovery = recovery === undefined ? {} : { recovery };
    this.bob = newPerson(options.passkey);
    this.vkey = this.noteSigner().vkey;
    this.policy = options.policy ?? DEFAULT_POLICY;
    const founding = foundLedger({
      at: this.tick(),
      origin: ORIGIN,
      tenant: TENANT,
      separation: options.separation ?? 'full',
      demo: options.demo ?? false,
      rps: [RP],
      logKeys: [this.vkey],
      members: [
        ...this.#founders(options.personClass ?? 'natural'),
        ...(options.home === undefined ? [] : [homeMember(options.home)]),
      ],
      policy: this.policy,
      ...(options.bootstrap !== undefined && { bootstrap: options.bootstrap }),
      ...(options.recovery !== undefined && { recovery: options.recovery }),
      ...(options.rulesVersion !== undefined && { rulesVersion: options.rulesVersion }),
    });
    const honest = authorityFromGenesis(founding);
    const founder = options.falseFounder?.(this);
    this.authority = founder === undefined ? honest : honest.with(founder);
    const { text, leaf } = this.append({
      ...founding,
      members: [...founding.members, ...(founder === undefined ? [] : [founder])],
      authority_root: this.authority.root,
    });
    this.genesis = leaf;
    this.ref = { index: 0, leaf, root: this.authority.root };
    this.chain.push({ entry: text });
  }

  #founders(personClass: 'natural' | 'role' | 'machine'): Member[] {
    const people: Member[] = [this.alice, this.bob, this.carol].flatMap(({ id, invitation }) => [
      { kind: 'person', id, class: id === this.carol.id ? personClass : 'natural' },
      {
        kind: 'invitation',
        id: invitation.thumbprint,
        person: id,
        public_key: invitation.publicKey,
        not_after: LATER,
      },
    ]);
    return [
      ...people,
      {
        kind: 'agent',
        id: 'agent:fixer/1',
        key_thumbprint: this.agent.thumbprint,
        public_key: this.agent.publicKey,
        owner: this.alice.id,
        operator: true,
      },
      {
        kind: 'executor',
        id: 'executor:local',
        key_thumbprint: this.executor.thumbprint,
        public_key: this.executor.publicKey,
        audiences: ['local'],
        interface_digest: INTERFACE,
      },
      ...this.#descriptors.map(({ type, typeVersion, digest }): Member => ({
        kind: 'descriptor',
        id: `${type}/${typeVersion}`,
        digest,
      })),
    ];
  }

  /** What the display would be of other parameters, under the nonce of nobody. */
  displayOf(params: JsonObject): { readonly display: Json; readonly digest: Digest } {
    const action = parseAction(canonicalBytes(this.envelope({ params })));
    const display = render(descriptorOf('generic.command'), action);
    return { display: display as unknown as Json, digest: displayDigest(display) };
  }

  #descriptor(type: string): Descriptor {
    return this.#descriptors.find((known) => known.type === type) ?? descriptorOf(type);
  }

  #sponsor(): { readonly sponsor?: string } {
    const { sponsor } = this.authority.get('agent', 'agent:fixer/1') ?? {};
    return sponsor === undefined ? {} : { sponsor };
  }

  /** As if the authority held this policy. */
  pretendPolicy(policy: Policy): void {
    this.policy = policy;
  }

  /** As if this much time had passed. */
  wait(seconds: number): void {
    this.#clockMs += seconds * 1_000;
  }

  /** A second later than before. */
  tick(): string {
    this.#clockMs += 1_000;
    return formatTimestamp(this.#clockMs);
  }

  ulid(): string {
    this.#ids += 1;
    const random = new Uint8Array(10);
    new DataView(random.buffer).setUint32(6, this.#ids);
    return makeUlid(this.#clockMs, random);
  }

  append<E extends Entry>(entry: E): Placed<E> {
    return this.appendText(canonicalText(entry as unknown as Json), entry);
  }

  /** A text that need not be that of the entry. */
  appendText<E>(text: string, entry: E): Placed<E> {
    const leaf = leafOf(utf8(text));
    const index = this.tree.size;
    this.tree.append(leafHash(leaf));
    return { text, entry, leaf, index };
  }

  enrol(
    person: Person,
    by: SigningKey = person.invitation,
    /** In place of the key of their passkey, and whether it may come in or not; or as if it were then; or with a sign-in; or with an attestation, and what it is taken for. */
    forged?:
      | { readonly credential_id: string; readonly public_key: string }
      | { readonly asOfMs: number }
      | { readonly identity: ProvenMembership }
      | { readonly attestation: Attestation; readonly taken?: AttestedModel },
  ): Placed<Entry> {
    const asOfMs = forged !== undefined && 'asOfMs' in forged ? forged.asOfMs : undefined;
    const key = forged !== undefined && 'public_key' in forged ? forged : undefined;
    const attested = forged !== undefined && 'attestation' in forged ? forged : undefined;
    const statement = {
      v: 'countersign.enrolment.v1',
      ledger: ORIGIN,
      tenant: TENANT,
      person: person.id,
      invitation: person.invitation.thumbprint,
      credential_id: (key ?? person.passkey.credentialKey).credential_id,
      public_key: (key ?? person.passkey.credentialKey).public_key,
      rp_id: RP.id,
      backup_eligible: person === this.bob && this.#isBackupEligible,
      ...(attested !== undefined && { attestation: attested.attestation }),
      nonce: base64url(randomBytes(16)),
    } as const;
    const signature = signed('enrolment', enrolmentPayload(statement), by);
    const more = forged !== undefined && 'identity' in forged ? forged : {};
    const change = { change: 'credential-enrolled', statement, signature, ...more } as const;
    const at = this.tick();
    if (key === undefined && attested?.taken === undefined) {
      return this.#changed(
        { at, change },
        applyEnrolment(this.authority, statement, asOfMs ?? Date.parse(at)),
      );
    }
    const { credential_id: id, public_key, rp_id, backup_eligible } = statement;
    const rest = this.authority.without('invitation', statement.invitation);
    const credential = { kind: 'credential', id, public_key, rp_id, backup_eligible } as const;
    const taken = attested?.taken === undefined ? {} : { attestation: attested.taken };
    return this.#changed({ at, change }, rest.with({ ...credential, person: person.id, ...taken }));
  }

  /** An action of the authority, bound by these persons. */
  bindChange(change: JsonObject, options: BindOptions, type: string = changeType(change)): Bound {
    return this.bindAdmitted(this.admitChange(change, { type }), options);
  }

  admitChange(
    change: JsonObject,
    more: Pick<ActionOptions, 'type' | 'shown'> = {},
  ): ReturnType<LedgerForge['admit']> {
    const type = more.type ?? changeType(change);
    const { digest } = this.#descriptor(type);
    const executor = { id: 'ledger', audience: ORIGIN, descriptor_digest: digest };
    return this.admit({ params: { change }, envelope: { executor }, ...more, type });
  }

  /** The same, carried out at once. */
  change(
    change: JsonObject,
    options: BindOptions & { readonly type?: string },
    made: JsonObject | AuthorityState = change,
  ): void {
    this.carryOut(this.bindChange(change, options, options.type), made);
  }

  /** What was bound takes effect, or something else does. */
  carryOut({ action, binding }: Bound, made: JsonObject | AuthorityState): void {
    const at = this.tick();
    this.#changed(
      {
        at,
        change: { change: 'bound', action, binding: binding.leaf, binding_index: binding.index },
        binding: binding.text,
      },
      made instanceof AuthorityState
        ? made
        : applyChange(this.authority, parseAuthorityChange(made), Date.parse(at)),
    );
  }

  #changed(
    step: {
      readonly at: string;
      readonly change: Extract<Entry, { type: 'authority-changed' }>['change'];
      readonly binding?: string;
    },
    authority: AuthorityState,
  ): Placed<Entry> {
    const placed = this.append({
      v: 'countersign.entry.v1',
      type: 'authority-changed',
      at: step.at,
      tenant: TENANT,
      change: step.change,
      previous: this.ref,
      authority_root: authority.root,
    });
    this.authority = authority;
    this.ref = { index: placed.index, leaf: placed.leaf, root: authority.root };
    const { binding } = step;
    this.chain.push({ entry: placed.text, ...(binding !== undefined && { binding }) });
    return placed;
  }

  envelope(options: ActionOptions = {}): JsonObject {
    return {
      v: 'countersign.action.v1',
      tenant: TENANT,
      action_id: this.ulid(),
      nonce: base64url(randomBytes(16)),
      type: options.type ?? 'generic.command',
      type_version: 1,
      agent: { id: 'agent:fixer/1', key_thumbprint: this.agent.thumbprint },
      acting_for: [],
      executor: { id: 'executor:local', audience: 'local', descriptor_digest: INTERFACE },
      params: options.params ?? COMMAND,
      preconditions: options.preconditions ?? [],
      not_after: LATER,
      max_uses: 1,
      ...options.envelope,
    };
  }

  ruleOf(type: string): ApprovalRule {
    const rule = type.startsWith('authority.')
      ? authorityRule(type, { ...this.authority.ledger, ...this.#falseRecovery })
      : this.#policyRule(type);
    if (rule === undefined) throw new Error(`no rule for ${type}`);
    return rule;
  }

  #policyRule(type: string): ApprovalRule | undefined {
    return isCedarPolicy(this.policy) ? undefined : ruleOfType(this.policy, type);
  }

  admit(options: ActionOptions = {}): {
    readonly action: string;
    readonly descriptor: Descriptor;
    readonly admission: Placed<RequestAdmitted>;
  } {
    const action = parseAction(canonicalBytes(this.envelope(options)));
    const { envelope } = action;
    const descriptor = this.#descriptor(envelope.type);
    const shown =
      options.shown === undefined
        ? action
        : parseAction(canonicalBytes(this.envelope({ ...options, params: options.shown })));
    const rule = options.rule ?? this.ruleOf(envelope.type);
    const { separation, demo } = this.authority.ledger;
    const owner = this.alice.id;
    const isOwn = envelope.type.startsWith('authority.');
    const at = this.tick();
    const persons = envelope.acting_for.filter(({ kind }) => kind === 'person');
    const bounds =
      options.isUnbounded === true
        ? undefined
        : (options.admission?.bounds ?? boundsOf(descriptor, action));
    const batch = batchOf(descriptor, action);
    const { confirm, escalation }: RuleInForce = rule;
    const confirmation = confirmationOf(action, descriptor, confirm);
    const admission = this.append({
      v: 'countersign.entry.v1',
      type: 'request-admitted',
      at,
      tenant: TENANT,
      action_id: envelope.action_id,
      action_digest: action.digest,
      display_digest: displayDigest(render(descriptor, shown)),
      action_type: { name: envelope.type, version: envelope.type_version },
      descriptor_digest: descriptor.digest,
      agent: { ...envelope.agent, owner, ...this.#sponsor() },
      request_signature: signed('request', action.bytes, options.signer ?? this.agent),
      acting_for: persons.map(({ sub }) => sub),
      executor: envelope.executor,
      policy_digest: policyDigest(isOwn ? this.ruleOf(envelope.type) : this.policy),
      requirement: requirementOf(rule),
      excluded: [
        ...(separation === 'full' && !excludesNobody(envelope.type)
          ? [{ person: owner, code: 'OWNER_APPROVAL' } as const]
          : []),
        ...persons.map(({ sub }) => ({ person: sub, code: 'OWNER_APPROVAL' }) as const),
      ],
      separation,
      demo,
      ...(bounds !== undefined && { bounds }),
      ...(envelope.delegation !== undefined &&
        options.isUnchained !== true && { delegation: linksOf(envelope) }),
      ...(batch !== undefined && { batch }),
      ...(confirmation !== undefined && { confirmation }),
      ...(escalation !== undefined && {
        escalates_at: escalationTime(escalation, Date.parse(at)),
      }),
      reversibility: descriptor.reversibility,
      decide_by: later(at, rule.decide_within_s),
      use_within_s: rule.use_within_s,
      start_within_s: rule.start_within_s,
      max_uses: batch?.count ?? Math.min(envelope.max_uses, rule.max_uses),
      not_after: envelope.not_after,
      authority: this.ref,
      ...(epochOf(this.authority) > 0 && { epoch: epochOf(this.authority) }),
      ...(isOwn && { action: fromUtf8(action.bytes) }),
      input: INPUT,
      ...options.admission,
    });
    return { action: fromUtf8(action.bytes), descriptor, admission };
  }

  bind(request: ActionOptions, options: BindOptions): Bound {
    return this.bindAdmitted(this.admit(request), options);
  }

  bindAdmitted(admitted: ReturnType<LedgerForge['admit']>, options: BindOptions): Bound {
    const { admission } = admitted;
    const { entry } = admission;
    const common = { ...this.commonOf(admission), ...options.common };
    const typed = options.typed ?? entry.confirmation;
    const confirmation = typed === 'nothing' ? undefined : typed;
    const made = options.approvers.map((person) =>
      this.#decide(
        person,
        { ...common, ...(confirmation !== undefined && { confirmation }) },
        options,
      ),
    );
    const at = this.tick();
    const binding = this.append<BindingMade>({
      v: 'countersign.entry.v1',
      type: 'binding-made',
      at,
      tenant: TENANT,
      action_id: entry.action_id,
      admission: admission.leaf,
      admission_index: admission.index,
      action_digest: entry.action_digest,
      display_digest: entry.display_digest,
      action_type: entry.action_type,
      descriptor_digest: entry.descriptor_digest,
      policy_digest: entry.policy_digest,
      requirement: entry.requirement,
      agent: entry.agent,
      acting_for: entry.acting_for,
      executor: entry.executor,
      excluded: entry.excluded,
      separation: entry.separation,
      demo: entry.demo,
      ...(entry.bounds !== undefined && options.isUnbounded !== true && { bounds: entry.bounds }),
      ...(entry.permits !== undefined && { permits: entry.permits }),
      ...(entry.delegation !== undefined && { delegation: entry.delegation }),
      ...(entry.batch !== undefined && options.isUnbatched !== true && { batch: entry.batch }),
      ...(entry.confirmation !== undefined && { confirmation: entry.confirmation }),
      ...(entry.escalates_at !== undefined && { escalates_at: entry.escalates_at }),
      decisions: made.map(({ decision }) => decision),
      statement: common,
      authority: this.ref,
      use_by: earliest(
        later(at, entry.use_within_s),
        ...made.map(({ decision }) => decision.not_after),
      ),
      start_within_s: entry.start_within_s,
      max_uses: entry.max_uses,
      epoch: epochOf(this.authority),
      ...options.binding,
    });
    const rationales = made.map(({ decision, rationale }) => ({
      decision: decision.leaf,
      ...rationale,
    }));
    return { ...admitted, binding, rationales };
  }

  commonOf({ entry, leaf }: Placed<RequestAdmitted>): BindingMade['statement'] {
    return {
      v: 'countersign.decision.v1',
      ledger: ORIGIN,
      tenant: TENANT,
      action_id: entry.action_id,
      admission: leaf,
      action_digest: entry.action_digest,
      display_digest: entry.display_digest,
      verdict: 'approve',
    };
  }

  #decide(
    person: Person,
    common: BindingMade['statement'],
    options: BindOptions,
  ): { decision: BoundDecision; rationale: Rationale } {
    const text = options.rationale ?? 'checked the plan with the on-call';
    const rationale = { text, salt: base64url(randomBytes(16)) };
    const { ssh } = options;
    const { credential_id: credential } = (ssh?.key ?? person.passkey).credentialKey;
    const own = {
      rationale_digest: rationaleDigest(rationale),
      person: person.id,
      credential,
      not_after: later(this.tick(), 600),
      ...(options.dwellMs !== undefined && { claimed_dwell_ms: options.dwellMs }),
    };
    const statement = { ...common, ...own };
    const challenge = decisionChallenge(statement);
    const proof =
      ssh === undefined
        ? (options.proof?.(challenge, person) ?? person.passkey.assert(challenge))
        : ssh.key.proof(ssh.namespace ?? DECISION_NAMESPACE, decisionMessage(statement), ssh);
    const proof_class = ssh === undefined ? 'uv' : sshClass(ssh);
    const at = this.tick();
    const principal = options.standsFor?.(person);
    const inPlace = principal === undefined ? {} : { for: principal };
    const { leaf } = this.append({
      v: 'countersign.entry.v1',
      type: 'decision-accepted',
      at,
      tenant: TENANT,
      action_id: common.action_id,
      admission: common.admission,
      statement,
      proof,
      proof_class,
      ...inPlace,
      input: INPUT,
    });
    const acceptedAt = options.acceptedAt?.(person, at);
    const timed = acceptedAt === undefined ? {} : { at: acceptedAt };
    const said = { ...own, ...inPlace };
    const decision = { leaf, ...timed, ...said, proof_class, proof, ...options.decision } as const;
    return { decision, rationale };
  }

  use(
    bound: Bound,
    changes: Partial<BindingUsed> | ((entry: BindingUsed) => Partial<BindingUsed>) = {},
  ): Placed<BindingUsed> {
    const useId = this.ulid();
    const claim = canonicalText({
      v: 'countersign.use.v1',
      tenant: TENANT,
      action_id: bound.binding.entry.action_id,
      use_id: useId,
      action_digest: bound.binding.entry.action_digest,
      binding: bound.binding.leaf,
      executor: 'executor:local',
      claimed_at: this.tick(),
    });
    const at = this.tick();
    const entry: BindingUsed = {
      v: 'countersign.entry.v1',
      type: 'binding-used',
      at,
      tenant: TENANT,
      action_id: bound.binding.entry.action_id,
      binding: bound.binding.leaf,
      use_id: useId,
      use_number: 1,
      executor: 'executor:local',
      claim,
      key_thumbprint: this.executor.thumbprint,
      signature: signed('use', utf8(claim), this.executor),
      start_by: later(at, bound.binding.entry.start_within_s),
      short_id: shortIdOf(useId),
      input: INPUT,
    };
    const overrides = typeof changes === 'function' ? changes(entry) : changes;
    return this.append<BindingUsed>({ ...entry, ...overrides });
  }

  report(
    bound: Bound,
    used: Placed<BindingUsed>,
    overrides: Partial<ExecutionReported> = {},
  ): Placed<ExecutionReported> {
    const report = canonicalText({
      v: 'countersign.report.v1',
      tenant: TENANT,
      action_id: used.entry.action_id,
      use_id: used.entry.use_id,
      action_digest: bound.binding.entry.action_digest,
      executor: 'executor:local',
      result: 'succeeded',
      exit_status: 0,
      started_at: this.tick(),
      ended_at: this.tick(),
    });
    return this.append<ExecutionReported>({
      v: 'countersign.entry.v1',
      type: 'execution-reported',
      at: this.tick(),
      tenant: TENANT,
      action_id: used.entry.action_id,
      use_id: used.entry.use_id,
      report,
      key_thumbprint: this.executor.thumbprint,
      signature: signed('report', utf8(report), this.executor),
      input: INPUT,
      ...overrides,
    });
  }

  erase(bound: Bound, overrides: Partial<ContentErased> = {}): Placed<ContentErased> {
    const { action_id: actionId, action_digest: digest, decisions } = bound.binding.entry;
    const request = canonicalText({
      v: 'countersign.erasure.v1',
      tenant: TENANT,
      action_id: actionId,
      requested_at: this.tick(),
      nonce: base64url(randomBytes(16)),
    });
    return this.append<ContentErased>({
      v: 'countersign.entry.v1',
      type: 'content-erased',
      at: this.tick(),
      tenant: TENANT,
      action_id: actionId,
      erased: [digest, ...decisions.map(({ rationale_digest: each }) => each)],
      key_thumbprint: this.agent.thumbprint,
      signature: signed('erasure', utf8(request), this.agent),
      request,
      input: INPUT,
      ...overrides,
    });
  }

  revoke(
    bound: Bound,
    person: Person,
    overrides: Partial<BindingRevoked> = {},
  ): Placed<BindingRevoked> {
    const { entry, leaf } = bound.binding;
    const rationale = { text: 'changed my mind', salt: base64url(randomBytes(16)) };
    const statement: DecisionStatement = {
      ...entry.statement,
      verdict: 'revoke',
      rationale_digest: rationaleDigest(rationale),
      person: person.id,
      credential: person.passkey.credentialKey.credential_id,
      not_after: later(this.tick(), 600),
    };
    return this.append<BindingRevoked>({
      v: 'countersign.entry.v1',
      type: 'binding-revoked',
      at: this.tick(),
      tenant: TENANT,
      action_id: entry.action_id,
      binding: leaf,
      admission: entry.admission,
      statement,
      proof: person.passkey.assert(decisionChallenge(statement)),
      proof_class: 'uv',
      input: INPUT,
      ...overrides,
    });
  }

  noteSigner(key: SigningKey = this.logKey): NoteSigner {
    return {
      name: ORIGIN,
      vkey: formatVerifierKey({
        name: ORIGIN,
        algorithm: isEd25519(key) ? 'ed25519' : 'ecdsa-p256',
        publicKey: key.spki,
      }),
      sign: (message) => Promise.resolve(rawSignature(message, key)),
    };
  }

  async checkpoint(signer?: NoteSigner): Promise<string> {
    const { size } = this.tree;
    const text = formatCheckpoint({ origin: ORIGIN, size, root: this.tree.root() });
    const own = this.signing.map((key) => this.noteSigner(key));
    return signNote(text, signer === undefined ? own : [signer]);
  }

  async receipt(index: number, note?: string): Promise<string> {
    const proof = inclusionProof(index, this.tree.size, this.tree.node);
    return formatTlogProof({ index, proof, checkpoint: note ?? (await this.checkpoint()) });
  }

  async logged(placed: Placed<Entry>): Promise<JsonObject> {
    return { entry: placed.text, receipt: await this.receipt(placed.index) };
  }

  /** Everything about a binding, as the ledger would hand it out now. */
  async evidence(
    bound: Bound,
    after: {
      readonly uses?: readonly Placed<BindingUsed>[];
      readonly reports?: readonly Placed<ExecutionReported>[];
      readonly revocations?: readonly Placed<BindingRevoked>[];
      readonly erased?: Placed<ContentErased>;
    } = {},
  ): Promise<JsonObject> {
    const all = (list: readonly Placed<Entry>[] = []): Promise<JsonObject[]> =>
      Promise.all(list.map((each) => this.logged(each)));
    const isErased = after.erased !== undefined;
    const action = parseAction(utf8(bound.action));
    const isOwn = action.envelope.type.startsWith('authority.');
    const content = { action: bound.action, rationales: bound.rationales };
    const display = isErased ? null : render(bound.descriptor, action);
    return {
      v: 'countersign.evidence.v1',
      origin: ORIGIN,
      binding: await this.logged(bound.binding),
      admission: await this.logged(bound.admission),
      content: (isErased ? { action: null, rationales: [] } : content) as unknown as Json,
      ...(after.erased !== undefined && { erased: await this.logged(after.erased) }),
      display: display as unknown as Json,
      descriptor: bound.descriptor.document,
      policy: isOwn ? null : (this.policy as unknown as Json),
      authority: {
        size: this.authority.size,
        chain: this.chain.map((link) => ({ ...link })),
        members: this.proofs(bound),
      },
      uses: await all(after.uses),
      reports: await all(after.reports),
      revocations: await all(after.revocations),
    };
  }

  proofs(bound: Bound): Json {
    const { decisions, agent, executor } = bound.binding.entry;
    const wanted: [MemberKind, string][] = [
      ['ledger', 'ledger'],
      ['agent', agent.id],
      ['executor', executor.id],
      ...decisions.flatMap(({ person, credential }): [MemberKind, string][] => [
        ['person', person],
        ['credential', credential],
      ]),
    ];
    const distinct = new Map(wanted.map((each) => [each.join(' '), each]));
    const known = [...distinct.values()].filter(([kind, id]) => this.authority.has(kind, id));
    return known.map(([kind, id]) => membershipProof(this.authority, kind, id)) as unknown as Json;
  }

  trust(overrides: JsonObject = {}): JsonObject {
    return {
      v: 'countersign.trust.v1',
      origin: ORIGIN,
      log_keys: [this.vkey],
      genesis: this.genesis,
      accept: { proof_classes: ['uv'], separation: ['full', 'solo'], demo: false },
      ...overrides,
    };
  }

  pinned(): JsonObject {
    return { size: this.tree.size, root: toBase64(this.tree.root()) };
  }
}

export function newPerson(algorithm: PasskeyAlgorithm = 'ES256'): Person {
  return {
    id: `prs_${makeUlid(START_MS, randomBytes(10))}`,
    passkey: SoftwarePasskey.create({
      algorithm,
      rpId: RP.id,
      origin: RP.origins[0] ?? '',
    }),
    invitation: p256Key(),
  };
}

/** As a ledger would write it that believes every word of a token. */
function linksOf({ delegation = [] }: ActionEnvelope): NonNullable<BindingMade['delegation']> {
  // An entry has room for four.
  return delegation.slice(0, 4).map((token) => {
    const [, claims = ''] = token.split('.');
    const { iss } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { iss: string };
    return { issuer: iss, digest: digestBytes('countersign/grant/v1', utf8(token)) };
  });
}

function sshClass({ key, flags = 5 }: SshSigning): ProofClass {
  if (!key.isHardware) return 'possession';
  return (flags & 4) === 0 ? 'up' : 'uv';
}

export function documentOf(type: string): JsonObject {
  return descriptorOf(type).document;
}

function descriptorOf(type: string): Descriptor {
  const descriptor = BUILTIN_DESCRIPTORS.find((known) => known.type === type);
  if (descriptor === undefined) throw new Error(`no descriptor of ${type}`);
  return descriptor;
}

function earliest(...times: readonly string[]): string {
  return times.toSorted()[0] ?? '';
}

export function later(time: string, seconds: number): string {
  return formatTimestamp(Date.parse(time) + seconds * 1_000);
}

/** Whether each person has enrolled their key: a ledger ready to bind. */
export function readyLedger(options: ForgeOptions = {}): LedgerForge {
  const ledger = new LedgerForge(options);
  ledger.enrol(ledger.alice);
  ledger.enrol(ledger.bob);
  ledger.enrol(ledger.carol);
  return ledger;
}
