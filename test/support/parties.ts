import { randomBytes } from 'node:crypto';
import {
  decisionChallenge,
  foundLedger,
  leafOf,
  parseEntry,
  rationaleDigest,
  signedMessage,
  type DecisionStatement,
  type Entry,
  type EntryOf,
  type EntryType,
  type LedgerFounded,
  type Member,
  type Policy,
  type RulesVersion,
  type TypePolicy,
  type SignedKind,
  type Verdict,
} from '@countersign/binding';
import {
  canonicalBytes,
  canonicalText,
  digestOf,
  formatTimestamp,
  toBase64url,
  utf8,
  type Digest,
  type Json,
  type JsonObject,
} from '@countersign/canonical';
import {
  generateEd25519,
  keyThumbprint,
  newUlid,
  parseEd25519,
  signEd25519,
  type Ed25519Key,
} from '@countersign/crypto-node';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import { SoftwarePasskey } from '@countersign/software-passkey';
import { COMMAND_PARAMS } from '../../packages/binding/test/test-documents.ts';
import { POLICY_ENGINE } from './policy-engine.ts';

export const TENANT = 'acme';
const AUDIENCE = 'host:build-1';
const INTERFACE: Digest = `sha256:${'ab'.repeat(32)}`;
export const WEB_ORIGIN = 'http://localhost:7420';

/** An agent or an executor: an id and an Ed25519 key. */
export class KeyHolder {
  readonly id: string;
  readonly thumbprint: Digest;
  readonly publicKey: string;
  /** For a program that signs by itself. */
  readonly privateKeyPem: string;
  readonly #key: Ed25519Key;

  constructor(id: string) {
    this.id = id;
    this.privateKeyPem = generateEd25519().privateKeyPem;
    this.#key = parseEd25519(this.privateKeyPem);
    this.thumbprint = keyThumbprint(this.#key.publicKeySpki);
    this.publicKey = toBase64url(this.#key.publicKeySpki);
  }

  sign(message: Uint8Array): Uint8Array {
    return signEd25519(this.#key, message);
  }

  /** A signed object as it travels. */
  frame(kind: SignedKind, payload: JsonObject): Uint8Array {
    const bytes = canonicalBytes(payload);
    const signature = this.sign(signedMessage(kind, bytes));
    return canonicalBytes({
      payload: toBase64url(bytes),
      key: this.thumbprint,
      signature: toBase64url(signature),
    });
  }
}

export class Person {
  readonly id: string;
  readonly passkey: SoftwarePasskey;

  constructor(nowMs: number) {
    this.id = `prs_${newUlid(nowMs)}`;
    this.passkey = SoftwarePasskey.create({
      algorithm: 'ES256',
      rpId: 'localhost',
      origin: WEB_ORIGIN,
    });
  }

  get members(): Member[] {
    return [
      { kind: 'person', id: this.id, class: 'natural' },
      {
        kind: 'credential',
        id: this.passkey.credentialId,
        person: this.id,
        public_key: this.passkey.credentialKey.public_key,
        rp_id: 'localhost',
        backup_eligible: false,
      },
    ];
  }
}

/** An entry as its sender gets it: where it stands, and its text. */
export interface TextEntry {
  readonly index: number;
  readonly text: string;
}

export interface PartiesOptions {
  /** How many agents there are besides `agent`. */
  readonly crewSize?: number;
  readonly tenant?: string;
}

/** Everybody around one ledger, with real keys, who says the right thing unless told otherwise. */
export class Parties {
  readonly origin: string;
  readonly tenant: string;
  readonly nowMs: () => number;
  readonly owner: Person;
  readonly alice: Person;
  readonly bob: Person;
  readonly agent: KeyHolder = new KeyHolder('deployer');
  readonly executor: KeyHolder = new KeyHolder('build-1');
  /** More agents of the same owner, each with its own bound of open requests. */
  readonly crew: readonly KeyHolder[];

  constructor(origin: string, nowMs: () => number, options: PartiesOptions = {}) {
    const { crewSize = 0, tenant = TENANT } = options;
    this.origin = origin;
    this.tenant = tenant;
    this.nowMs = nowMs;
    this.owner = new Person(nowMs());
    this.alice = new Person(nowMs());
    this.bob = new Person(nowMs());
    this.crew = Array.from({ length: crewSize }, (_, at) => new KeyHolder(`deployer-${at}`));
  }

  founding(
    logKeys: readonly string[],
    policy: Policy = commandPolicy(),
    rulesVersion?: RulesVersion,
  ): LedgerFounded {
    return foundLedger({
      at: formatTimestamp(this.nowMs()),
      origin: this.origin,
      tenant: this.tenant,
      separation: 'full',
      demo: false,
      rps: [{ id: 'localhost', origins: [WEB_ORIGIN] }],
      logKeys,
      policy,
      ...(rulesVersion !== undefined && { rulesVersion }),
      policyEngine: POLICY_ENGINE,
      members: [
        ...this.owner.members,
        ...this.alice.members,
        ...this.bob.members,
        ...[this.agent, ...this.crew].map((agent): Member => ({
          kind: 'agent',
          id: agent.id,
          key_thumbprint: agent.thumbprint,
          public_key: agent.publicKey,
          owner: this.owner.id,
          operator: agent === this.agent,
        })),
        {
          kind: 'executor',
          id: this.executor.id,
          key_thumbprint: this.executor.thumbprint,
          public_key: this.executor.publicKey,
          audiences: [AUDIENCE],
          interface_digest: INTERFACE,
        },
        ...BUILTIN_DESCRIPTORS.map((each): Member => ({
          kind: 'descriptor',
          id: `${each.type}/${each.typeVersion}`,
          digest: each.digest,
        })),
      ],
    });
  }

  /** An action that the policy knows. */
  action(more: JsonObject = {}): JsonObject {
    return {
      v: 'countersign.action.v1',
      tenant: this.tenant,
      action_id: newUlid(this.nowMs()),
      nonce: toBase64url(randomBytes(16)),
      type: 'generic.command',
      type_version: 1,
      agent: { id: this.agent.id, key_thumbprint: this.agent.thumbprint },
      acting_for: [],
      executor: { id: this.executor.id, audience: AUDIENCE, descriptor_digest: INTERFACE },
      params: COMMAND_PARAMS,
      preconditions: [],
      not_after: formatTimestamp(this.nowMs() + 86_400_000),
      max_uses: 1,
      ...more,
    };
  }

  requestFrame(action: JsonObject): Uint8Array {
    return this.agent.frame('request', action);
  }

  decisionFrame(admission: TextEntry, options: Deciding = {}): Uint8Array {
    const { person = this.alice, verdict = 'approve' } = options;
    const entry = admitted(admission.text);
    const rationale = {
      text: options.text ?? 'checked with the team',
      salt: toBase64url(randomBytes(16)),
    };
    const statement: DecisionStatement = {
      v: 'countersign.decision.v1',
      ledger: this.origin,
      tenant: this.tenant,
      action_id: entry.action_id,
      admission: leafOf(utf8(admission.text)),
      action_digest: entry.action_digest,
      display_digest: entry.display_digest,
      verdict,
      rationale_digest: rationaleDigest(rationale),
      person: person.id,
      credential: person.passkey.credentialId,
      not_after: formatTimestamp(this.nowMs() + 3_600_000),
    };
    const proof = person.passkey.assert(decisionChallenge(statement));
    return utf8(
      canonicalText({
        v: 'countersign.decision-made.v1',
        statement,
        proof,
        rationale,
      } as unknown as Json),
    );
  }

  useFrame(binding: TextEntry, useId: string = newUlid(this.nowMs())): Uint8Array {
    const entry = boundIn(binding.text);
    return this.executor.frame('use', {
      v: 'countersign.use.v1',
      tenant: this.tenant,
      action_id: entry.action_id,
      use_id: useId,
      action_digest: entry.action_digest,
      binding: leafOf(utf8(binding.text)),
      executor: this.executor.id,
      claimed_at: formatTimestamp(this.nowMs()),
    });
  }

  reportFrame(use: TextEntry, actionDigest: string): Uint8Array {
    const entry = entryIn(use.text, 'binding-used');
    return this.executor.frame('report', {
      v: 'countersign.report.v1',
      tenant: this.tenant,
      action_id: entry.action_id,
      use_id: entry.use_id,
      action_digest: actionDigest,
      executor: this.executor.id,
      result: 'succeeded',
      exit_status: 0,
      started_at: formatTimestamp(this.nowMs()),
      ended_at: formatTimestamp(this.nowMs() + 5),
    });
  }

  /** Of an execution that nobody had bound. */
  findingFrame(sender: Pick<Parties['agent'], 'frame'> = this.agent): Uint8Array {
    return sender.frame('finding', {
      v: 'countersign.finding.v1',
      tenant: this.tenant,
      finding: 'UNBOUND_EXECUTION',
      kind: 'policy-written',
      record: { source: 'cloudtrail', digest: `sha256:${'5a'.repeat(32)}` },
    });
  }

  erasureFrame(actionId: string): Uint8Array {
    return this.agent.frame('erasure', {
      v: 'countersign.erasure.v1',
      tenant: this.tenant,
      action_id: actionId,
      requested_at: formatTimestamp(this.nowMs()),
      nonce: toBase64url(randomBytes(22)),
    });
  }
}

export interface Deciding {
  readonly person?: Person;
  readonly verdict?: Verdict;
  readonly text?: string;
}

export function actionIdOf(action: JsonObject): string {
  const id = action['action_id'];
  if (typeof id !== 'string') throw new Error('expected an action with an id');
  return id;
}

export function actionDigestOf(action: JsonObject): Digest {
  return digestOf('countersign/action/v1', action);
}

export function entryIn<T extends EntryType>(text: string, type: T): EntryOf<T> {
  const entry = parseEntry(utf8(text));
  if (!isOfType(entry, type)) throw new Error(`expected ${type}, got ${entry.type}`);
  return entry;
}

function isOfType<T extends EntryType>(entry: Entry, type: T): entry is EntryOf<T> {
  return entry.type === type;
}

export function admitted(text: string): EntryOf<'request-admitted'> {
  return entryIn(text, 'request-admitted');
}

export function boundIn(text: string): EntryOf<'binding-made'> {
  return entryIn(text, 'binding-made');
}

export function commandPolicy(more: Partial<TypePolicy['rules'][number]> = {}): TypePolicy {
  return {
    v: 'countersign.policy.v1',
    rules: [
      {
        id: 'default',
        types: ['generic.command'],
        approvals: 1,
        approvers: 'any',
        proof_classes: ['uv'],
        rationale: 'required',
        decide_within_s: 900,
        use_within_s: 900,
        start_within_s: 60,
        max_uses: 1,
        ...more,
      },
    ],
  };
}
