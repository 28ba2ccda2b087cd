import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  encodeEntry,
  foundLedger,
  leafOf,
  parseDecisionMade,
  parseEnrolment,
  parseSignedObject,
  policyDigest,
  DEFAULT_POLICY,
  signedMessage,
  type CredentialMember,
  type DecisionAccepted,
  type DecisionStatement,
  type Member,
  type RequestAdmitted,
  type SignedKind,
} from '@countersign/binding';
import {
  canonicalBytes,
  canonicalText,
  digestBytes,
  fromBase64url,
  fromUtf8,
  makeUlid,
  parseStrict,
  toBase64url,
  utf8,
  type Digest,
  type Json,
  type JsonObject,
} from '@countersign/canonical';
import {
  generateEd25519,
  keyThumbprint,
  parseEd25519,
  signEd25519,
  verifySignature,
  type Ed25519Key,
} from '@countersign/crypto-node';
import {
  BUILTIN_DESCRIPTORS,
  DescriptorError,
  displayDigest,
  parseAction,
  render,
} from '@countersign/descriptors';
import { decisionChallenge } from '@countersign/binding';
import { verifyAssertion } from '@countersign/human-proof';
import { SoftwarePasskey, type SoftwareSshKey } from '@countersign/software-passkey';
import {
  openSqliteStore,
  type ActionRow,
  type CheckpointRow,
  type ReadModels,
  type RowChange,
} from '@countersign/store';
import {
  formatCheckpoint,
  formatTlogProof,
  formatVerifierKey,
  hashLeaf,
  inclusionProof,
  MemoryTree,
  signNote,
  type NoteSigner,
} from '@countersign/tlog';
import type {
  AnsweredEntry,
  InputAnswer,
  InputRouter,
  LogView,
  Submission,
} from '../../src/index.ts';

export const TENANT = 'acme';
export const ORIGIN = 'countersign.test/1/0';
export const PUBLIC_ORIGIN = 'http://localhost:7420';
export const T0 = Date.UTC(2026, 10, 23, 12);

/** By a key that nobody here knows; a gateway hands it on as it is. */
export const COSIGNATURE = `— witness.test ${Buffer.alloc(4 + 8 + 64, 7).toString('base64')}\n`;

export interface Machine {
  readonly id: string;
  readonly key: Ed25519Key;
  readonly thumbprint: Digest;
}

interface Outcome {
  readonly quarantined?: string;
  readonly entries?: readonly JsonObject[];
  readonly rows?: (indexes: readonly number[]) => readonly RowChange[];
}

/**
 * A ledger that follows a short script instead of the rules, and is true in everything that a gateway sees of one:
 * a signed tree, receipts, a real store, quarantine without an entry, answers by input digest, one answer an input.
 */
export class ScriptedLedger implements InputRouter, LogView {
  nowMs = T0;
  /** True: inputs are taken and not judged, as by a ledger whose signer is away. */
  isHeld = false;
  /** True: inputs cannot be taken. */
  isAway = false;
  readonly person = `prs_${makeUlid(T0, randomBytes(10))}`;
  readonly agent: Machine = machine('agent:fixer');
  readonly otherAgent: Machine = machine('agent:other');
  readonly operator: Machine = machine('operator');
  readonly executor: Machine = machine('executor:local');
  readonly otherExecutor: Machine = machine('executor:other');
  readonly invitation = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  readonly submissions: Submission[] = [];
  readonly store: ReadModels;
  readonly #folder: string;
  readonly #tree = new MemoryTree();
  readonly #logKey = parseEd25519(generateEd25519().privateKeyPem);
  readonly #answers = new Map<string, InputAnswer>();
  readonly #listeners = new Set<() => void>();
  readonly #uses = new Map<string, string>();
  #note = '';
  #held: Submission[] = [];
  #work: Promise<void> = Promise.resolve();

  private constructor(store: ReadModels, folder: string) {
    this.store = store;
    this.#folder = folder;
  }

  static async found(): Promise<ScriptedLedger> {
    const folder = await mkdtemp(join(tmpdir(), 'gateway-test-'));
    const ledger = new ScriptedLedger(await openSqliteStore(join(folder, 'store.db')), folder);
    await ledger.#found();
    return ledger;
  }

  async close(): Promise<void> {
    await this.#work;
    await this.store.close();
    await rm(this.#folder, { recursive: true });
  }

  get size(): number {
    return this.#tree.size;
  }

  get waiters(): number {
    return this.#listeners.size;
  }

  get vkey(): string {
    return formatVerifierKey({
      name: ORIGIN,
      algorithm: 'ed25519',
      publicKey: this.#logKey.publicKeySpki,
    });
  }

  get signer(): NoteSigner {
    const sign = (message: Uint8Array): Promise<Uint8Array> =>
      Promise.resolve(signEd25519(this.#logKey, message));
    return { name: ORIGIN, vkey: this.vkey, sign };
  }

  get invitationId(): Digest {
    return keyThumbprint(spkiOf(this.invitation.publicKey));
  }

  // What the gateway sees.

  submit(submission: Submission): Promise<{ input: Digest }> {
    if (this.isAway) return Promise.reject(new Error('the broker is away'));
    if (submission.tenant !== TENANT) return Promise.reject(new UnknownTenant());
    this.submissions.push(submission);
    if (this.isHeld) this.#held.push(submission);
    else this.#enqueue(submission);
    return Promise.resolve({ input: inputOf(submission) });
  }

  async waitForInput(digest: string, timeoutMs: number): Promise<InputAnswer | undefined> {
    return this.#until(timeoutMs, () => Promise.resolve(this.#answers.get(digest)));
  }

  async waitForAction(
    action: { tenant: string; actionId: string; since: number },
    timeoutMs: number,
  ): Promise<number | undefined> {
    return this.#until(timeoutMs, async () => {
      const row = await this.store.action(action.tenant, action.actionId);
      return row !== undefined && row.lastIndex > action.since ? row.lastIndex : undefined;
    });
  }

  waitForStored(size: number): Promise<boolean> {
    return Promise.resolve(size <= this.size);
  }

  async waitForCosigned(size: number, timeoutMs: number): Promise<number | undefined> {
    return this.#until(timeoutMs, async () => {
      const newest = (await this.store.cosigned())?.size ?? 0;
      return newest >= size ? newest : undefined;
    });
  }

  async evidence(
    tenant: string,
    actionId: string,
    level: 'human' | 'witnessed' = 'human',
  ): Promise<JsonObject> {
    const row = await this.store.action(tenant, actionId);
    const head = level === 'human' ? await this.store.checkpoint() : await this.store.cosigned();
    return {
      v: 'countersign.evidence.v1',
      binding: { receipt: this.#receiptUnder(head, row?.bindingIndex ?? 0) },
    };
  }

  readonly proofs = {
    receipt: (index: number): Promise<string> =>
      Promise.resolve(this.#receiptUnder({ size: this.size, note: this.#note }, index)),
  };

  // What a test does.

  /** Judges what was held. */
  async release(): Promise<void> {
    this.isHeld = false;
    for (const submission of this.#held.splice(0)) this.#enqueue(submission);
    await this.#work;
  }

  /** Has the newest head cosigned, as a quorum of witnesses would. */
  async cosign(): Promise<void> {
    const { size } = this;
    const note = `${this.#note}${COSIGNATURE}`;
    await this.store.apply({ rows: [{ change: 'cosigned', size, note }] });
    this.#wake();
  }

  /** Enrols a passkey of the founder, past the API. */
  async enrolPasskey(rpId = 'localhost'): Promise<SoftwarePasskey> {
    const passkey = SoftwarePasskey.create({ algorithm: 'ES256', rpId, origin: PUBLIC_ORIGIN });
    const member: CredentialMember = {
      kind: 'credential',
      id: passkey.credentialId,
      person: this.person,
      public_key: toBase64url(passkey.cosePublicKey),
      rp_id: rpId,
      backup_eligible: false,
    };
    await this.store.apply({ rows: [memberRow(member, this.size)] });
    return passkey;
  }

  async enrolSshKey(key: SoftwareSshKey): Promise<void> {
    const { credential_id: id, public_key } = key.credentialKey;
    const member: CredentialMember = {
      kind: 'credential',
      id,
      person: this.person,
      proof: 'sshsig',
      public_key,
    };
    await this.store.apply({ rows: [memberRow(member, this.size)] });
  }

  async enrolAgent(agent: Machine): Promise<void> {
    await this.store.apply({ rows: [memberRow(this.#agentMember(agent, false), this.size)] });
  }

  /** Ties the founder to a subject of the company, past the API. */
  async tiePerson(issuer: string, subject_digest: Digest): Promise<void> {
    const tie: Member = { kind: 'identity', id: this.person, issuer, subject_digest };
    await this.store.apply({ rows: [memberRow(tie, this.size)] });
  }

  /** As of the newest entry. */
  async freeze(): Promise<void> {
    const freeze: Member = { kind: 'freeze', id: 'freeze', epoch: 1, frozen: true };
    await this.store.apply({ rows: [memberRow(freeze, this.size)] });
  }

  async pinIssuer(id: string): Promise<void> {
    const issuer: Member = { kind: 'issuer', id, keys: [], persons: [] };
    await this.store.apply({ rows: [memberRow(issuer, this.size)] });
  }

  /** Removes it as a change of the authority would whose entry is the newest one. */
  async removeMember(kind: string, id: string): Promise<void> {
    const row = await this.store.member(kind, id);
    if (row === undefined) throw new Error(`expected a ${kind} ${id}`);
    const { person, text } = row;
    const former = { kind, id, person, text, removedIndex: this.size - 1, removedAt: this.#at() };
    await this.store.apply({
      rows: [
        { change: 'member-removed', kind, id },
        { change: 'former-member', row: former },
      ],
    });
  }

  /** An action as an agent would send it. */
  actionOf(agent: Machine = this.agent, changes: JsonObject = {}): JsonObject {
    return {
      v: 'countersign.action.v1',
      tenant: TENANT,
      action_id: makeUlid(this.nowMs, randomBytes(10)),
      nonce: toBase64url(randomBytes(16)),
      type: 'generic.command',
      type_version: 1,
      agent: { id: agent.id, key_thumbprint: agent.thumbprint },
      acting_for: [],
      executor: {
        id: this.executor.id,
        audience: 'local',
        descriptor_digest: digestOfHex('44'),
      },
      params: {
        argv: ['/bin/true'],
        cwd: '/',
        executable: { path: '/bin/true', digest: digestOfHex('aa') },
        env: [],
        secret_env: [],
        stdin: { kind: 'empty' },
        purpose: 'a test',
        timeout_s: 60,
      },
      preconditions: [],
      not_after: '2026-11-24T12:00:00.000Z',
      max_uses: 1,
      ...changes,
    };
  }

  // The script.

  async #found(): Promise<void> {
    const members: Member[] = [
      { kind: 'person', id: this.person, class: 'natural' },
      {
        kind: 'invitation',
        id: this.invitationId,
        person: this.person,
        public_key: toBase64url(spkiOf(this.invitation.publicKey)),
        not_after: '2026-12-01T00:00:00.000Z',
      },
      this.#agentMember(this.agent, false),
      this.#agentMember(this.otherAgent, false),
      this.#agentMember(this.operator, true),
      executorMember(this.executor),
      executorMember(this.otherExecutor),
      ...BUILTIN_DESCRIPTORS.map(({ type, digest }) => ({
        kind: 'descriptor' as const,
        id: `${type}/1`,
        digest,
      })),
    ];
    const entry = foundLedger({
      at: this.#at(),
      origin: ORIGIN,
      tenant: TENANT,
      separation: 'solo',
      demo: true,
      rps: [{ id: 'localhost', origins: [PUBLIC_ORIGIN] }],
      logKeys: [this.vkey],
      members,
    });
    const { policy } = entry;
    const documents: RowChange[] = [
      {
        change: 'document',
        digest: policyDigest(policy),
        text: canonicalText(policy as unknown as Json),
      },
    ];
    const { origin, tenant, separation, demo, rps, bootstrap } = entry;
    const own: Member[] = [
      { kind: 'ledger', id: 'ledger', origin, tenant, separation, demo, rps, bootstrap },
      { kind: 'log-key', id: this.vkey.split('+')[1] ?? '', vkey: this.vkey },
    ];
    await this.#append('', {
      entries: [parseStrict(encodeEntry(entry)) as JsonObject],
      rows: () => [...[...members, ...own].map((member) => memberRow(member, 0)), ...documents],
    });
  }

  #agentMember({ id, key, thumbprint }: Machine, operator: boolean): Member {
    return {
      kind: 'agent',
      id,
      key_thumbprint: thumbprint,
      public_key: toBase64url(key.publicKeySpki),
      owner: this.person,
      operator,
    };
  }

  #enqueue(submission: Submission): void {
    this.#work = this.#work.then(async () => {
      const input = inputOf(submission);
      if (this.#answers.get(input)?.kind === 'sealed') return;
      await this.#append(input, await this.#judge(submission, input));
    });
  }

  async #append(input: string, outcome: Outcome): Promise<void> {
    if (outcome.quarantined !== undefined) {
      const code = outcome.quarantined;
      await this.store.apply({ rows: [{ change: 'quarantined', digest: input, code }] });
      this.#answers.set(input, { kind: 'quarantined', code });
      this.#wake();
      return;
    }
    const added = (outcome.entries ?? []).map((entry) => {
      const bytes = canonicalBytes(entry);
      const index = this.size;
      this.#tree.append(hashLeaf(bytes));
      return { index, entry, bytes, leaf: leafOf(bytes) };
    });
    const root = this.#tree.root();
    const head = formatCheckpoint({ origin: ORIGIN, size: this.size, root });
    this.#note = await signNote(head, [this.signer]);
    const rows: RowChange[] = added.map(({ index, entry, bytes, leaf }) => ({
      change: 'entry',
      row: {
        index,
        type: typeOf(entry),
        at: this.#at(),
        tenant: TENANT,
        actionId: typeof entry['action_id'] === 'string' ? entry['action_id'] : null,
        leaf,
        bytes,
      },
    }));
    for (const { index } of added) rows.push(...this.#nodesAfter(index));
    const first = added[0]?.index ?? 0;
    rows.push({ change: 'checkpoint', size: this.size, note: this.#note });
    if (input !== '') rows.push({ change: 'input', digest: input, index: first });
    rows.push(...(outcome.rows?.(added.map(({ index }) => index)) ?? []));
    await this.store.apply({ rows });
    const entries: AnsweredEntry[] = await Promise.all(
      added.map(async ({ index, entry, bytes, leaf }) => ({
        index,
        leaf,
        type: typeOf(entry),
        text: fromUtf8(bytes),
        receipt: await this.proofs.receipt(index),
      })),
    );
    if (input !== '') this.#answers.set(input, { kind: 'sealed', entries });
    this.#wake();
  }

  #receiptUnder(head: CheckpointRow | undefined, index: number): string {
    if (head === undefined) throw new Error('expected a head');
    const proof = inclusionProof(index, head.size, this.#tree.node);
    return formatTlogProof({ index, proof, checkpoint: head.note });
  }

  /** The subtrees that the leaf of this index completes. */
  #nodesAfter(index: number): RowChange[] {
    const rows: RowChange[] = [];
    for (let level = 1; (index + 1) % 2 ** level === 0; level += 1) {
      const at = (index + 1) / 2 ** level - 1;
      rows.push({ change: 'node', row: { level, index: at, hash: this.#tree.node(level, at) } });
    }
    return rows;
  }

  async #judge({ kind, payload }: Submission, input: Digest): Promise<Outcome> {
    switch (kind) {
      case 'request':
        return this.#judgeRequest(payload, input);
      case 'decision':
        return this.#judgeDecision(payload, input);
      case 'use':
        return this.#judgeUse(payload, input);
      case 'report':
        return this.#judgeReport(payload, input);
      case 'finding':
        return this.#judgeFinding(payload, input);
      case 'erasure':
        return this.#judgeErasure(payload, input);
      case 'enrolment':
        return this.#judgeEnrolment(payload, input);
    }
  }

  async #judgeRequest(frame: Uint8Array, input: Digest): Promise<Outcome> {
    const signed = parseSignedObject(frame);
    const agent = await this.store.memberByThumbprint('agent', signed.key);
    if (agent === undefined) return { quarantined: 'AGENT_UNKNOWN' };
    if (!isSigned(frame, 'request', agent.text)) return { quarantined: 'SIGNATURE_INVALID' };
    const action = parseAction(signed.payload);
    const { envelope } = action;
    const known = await this.store.action(TENANT, envelope.action_id);
    const who = { id: agent.id, key_thumbprint: signed.key };
    const about = {
      action_id: envelope.action_id,
      action_digest: action.digest,
      agent: who,
      input,
    };
    const refused = (code: string): Outcome => ({
      entries: [this.#entry('request-refused', { ...about, code })],
    });
    if (known !== undefined && known.actionDigest !== action.digest) {
      return refused('REQUEST_ID_REUSED');
    }
    const descriptor = BUILTIN_DESCRIPTORS.find(({ type }) => type === envelope.type);
    if (descriptor === undefined) throw new Error('the script knows only built-in types');
    const display = shownOr(refused, () => displayDigest(render(descriptor, action)));
    if (typeof display !== 'string') return display;
    const admission: RequestAdmitted = {
      v: 'countersign.entry.v1',
      type: 'request-admitted',
      at: this.#at(),
      tenant: TENANT,
      action_id: envelope.action_id,
      action_digest: action.digest,
      display_digest: display,
      action_type: { name: envelope.type, version: 1 },
      descriptor_digest: descriptor.digest,
      policy_digest: policyDigest(DEFAULT_POLICY),
      requirement: {
        rule: 'any',
        approvals: 1,
        approvers: 'any',
        proof_classes: ['uv'],
        rationale: 'optional',
      },
      agent: { ...who, owner: this.person },
      acting_for: [],
      executor: envelope.executor,
      excluded: [],
      separation: 'solo',
      demo: true,
      request_signature: signed.signature,
      reversibility: 'irreversible',
      decide_by: '2026-11-23T13:00:00.000Z',
      use_within_s: 600,
      start_within_s: 60,
      max_uses: 1,
      not_after: envelope.not_after,
      authority: { index: 0, leaf: digestOfHex('00'), root: digestOfHex('01') },
      input,
    };
    return {
      entries: [parseStrict(encodeEntry(admission)) as JsonObject],
      rows: ([index = 0]) => [
        { change: 'action-opened', row: this.#row(admission, index) },
        {
          change: 'content',
          row: {
            tenant: TENANT,
            actionId: envelope.action_id,
            kind: 'action',
            digest: action.digest,
            text: fromUtf8(action.bytes),
            salt: null,
          },
        },
      ],
    };
  }

  async #judgeDecision(frame: Uint8Array, input: Digest): Promise<Outcome> {
    const { statement, proof, rationale } = parseDecisionMade(frame);
    if (proof.kind !== 'webauthn') return { quarantined: 'ASSERTION_INVALID' };
    const row = await this.store.member('credential', proof.credential_id);
    if (row === undefined) return { quarantined: 'CREDENTIAL_UNKNOWN' };
    const credential = parseStrict(utf8(row.text)) as unknown as CredentialMember;
    try {
      await verifyAssertion(
        proof,
        {
          challenge: decisionChallenge(statement),
          origins: [PUBLIC_ORIGIN],
          rpIds: ['localhost'],
          credential: { credential_id: credential.id, public_key: credential.public_key },
          requireUserVerification: true,
        },
        verifySignature,
      );
    } catch {
      return { quarantined: 'ASSERTION_INVALID' };
    }
    const { action_id, verdict, person } = statement;
    const before = await this.store.action(TENANT, action_id);
    if (before?.status !== 'pending') {
      const refusal = { action_id, person, verdict, code: 'LATE_DECISION', input };
      return { entries: [this.#entry('decision-refused', refusal)] };
    }
    const isApproved = verdict === 'approve';
    const end = this.#entry(isApproved ? 'binding-made' : 'request-denied', { action_id });
    return {
      entries: [this.#accepted(statement, proof, input), end],
      rows: ([first = 0, second = 0]) => [
        this.#moved(action_id, second, {
          status: isApproved ? 'bound' : 'denied',
          bindingIndex: isApproved ? second : null,
        }),
        {
          change: 'decision',
          row: {
            index: first,
            leaf: digestOfHex('dd'),
            tenant: TENANT,
            actionId: action_id,
            person,
            credential: proof.credential_id,
            verdict,
            at: this.#at(),
          },
        },
        {
          change: 'decided',
          row: {
            ...{ index: first, tenant: TENANT, person, verdict, at: this.#at() },
            admission: statement.admission,
            load: null,
          },
        },
        {
          change: 'content',
          row: {
            tenant: TENANT,
            actionId: action_id,
            kind: 'rationale',
            digest: statement.rationale_digest,
            ...rationale,
          },
        },
      ],
    };
  }

  #accepted(
    statement: DecisionStatement,
    proof: DecisionAccepted['proof'],
    input: Digest,
  ): JsonObject {
    const { action_id, admission } = statement;
    const entry: DecisionAccepted = {
      v: 'countersign.entry.v1',
      type: 'decision-accepted',
      at: this.#at(),
      tenant: TENANT,
      action_id,
      admission,
      statement,
      proof,
      proof_class: 'uv',
      input,
    };
    return parseStrict(encodeEntry(entry)) as JsonObject;
  }

  async #judgeUse(frame: Uint8Array, input: Digest): Promise<Outcome> {
    const { action_id, use_id, row } = await this.#signedBy('executor', 'use', frame);
    if (row === undefined) return { quarantined: 'EXECUTOR_UNKNOWN' };
    const action = await this.store.action(TENANT, action_id);
    const refuse = (code: string): Outcome => ({
      entries: [this.#entry('use-refused', { action_id, use_id, code, input })],
    });
    if (this.#uses.has(action_id)) return refuse('ALREADY_CONSUMED');
    if (action?.status !== 'bound') return refuse('NOT_BOUND');
    this.#uses.set(action_id, use_id);
    return {
      entries: [this.#entry('binding-used', { action_id, use_id, input })],
      rows: ([index = 0]) => [this.#moved(action_id, index, { status: 'used', uses: 1 })],
    };
  }

  async #judgeReport(frame: Uint8Array, input: Digest): Promise<Outcome> {
    const { action_id, use_id, row } = await this.#signedBy('executor', 'report', frame);
    if (row === undefined) return { quarantined: 'EXECUTOR_UNKNOWN' };
    const isConflict = this.#uses.get(action_id) === 'reported';
    this.#uses.set(action_id, 'reported');
    const entry = isConflict
      ? this.#entry('finding-raised', { finding: 'REPORT_CONFLICT', about: { action_id }, input })
      : this.#entry('execution-reported', { action_id, use_id, input });
    return { entries: [entry] };
  }

  async #judgeFinding(frame: Uint8Array, input: Digest): Promise<Outcome> {
    const { finding, row } = await this.#signedBy('agent', 'finding', frame);
    if (row === undefined) return { quarantined: 'AGENT_UNKNOWN' };
    return { entries: [this.#entry('finding-raised', { finding, about: {}, input })] };
  }

  async #judgeErasure(frame: Uint8Array, input: Digest): Promise<Outcome> {
    const { action_id, row } = await this.#signedBy('agent', 'erasure', frame);
    if (row === undefined) return { quarantined: 'AGENT_UNKNOWN' };
    return {
      entries: [this.#entry('content-erased', { action_id, input })],
      rows: () => [{ change: 'content-erased', tenant: TENANT, actionId: action_id }],
    };
  }

  async #judgeEnrolment(frame: Uint8Array, input: Digest): Promise<Outcome> {
    const { statement } = parseEnrolment(frame);
    const invitation = await this.store.member('invitation', statement.invitation);
    if (invitation === undefined) return { quarantined: 'INVITATION_INVALID' };
    const credential: CredentialMember = {
      kind: 'credential',
      id: statement.credential_id,
      person: statement.person,
      public_key: statement.public_key,
      rp_id: statement.rp_id,
      backup_eligible: statement.backup_eligible,
    };
    return {
      entries: [this.#entry('authority-changed', { change: 'credential-enrolled', input })],
      rows: ([index = 0]) => [
        memberRow(credential, index),
        { change: 'member-removed', kind: 'invitation', id: statement.invitation },
      ],
    };
  }

  async #signedBy(
    member: 'agent' | 'executor',
    kind: SignedKind,
    frame: Uint8Array,
  ): Promise<{ action_id: string; use_id: string; finding: string; row: object | undefined }> {
    const signed = parseSignedObject(frame);
    const row = await this.store.memberByThumbprint(member, signed.key);
    const payload = parseStrict(signed.payload) as {
      action_id: string;
      use_id: string;
      finding: string;
    };
    const isValid = row !== undefined && isSigned(frame, kind, row.text);
    return { ...payload, row: isValid ? row : undefined };
  }

  #entry(type: string, members: JsonObject): JsonObject {
    return { v: 'countersign.entry.v1', type, at: this.#at(), tenant: TENANT, ...members };
  }

  #moved(
    actionId: string,
    index: number,
    to: Extract<RowChange, { change: 'action-moved' }>['to'],
  ): RowChange {
    return { change: 'action-moved', tenant: TENANT, actionId, index, at: this.#at(), to };
  }

  #row(admission: RequestAdmitted, index: number): ActionRow {
    return {
      tenant: TENANT,
      actionId: admission.action_id,
      status: 'pending',
      actionType: admission.action_type.name,
      agent: admission.agent.id,
      executor: admission.executor.id,
      actionDigest: admission.action_digest,
      displayDigest: admission.display_digest,
      admissionIndex: index,
      bindingIndex: null,
      openedAt: admission.at,
      decideBy: admission.decide_by,
      useBy: null,
      changedAt: admission.at,
      lastIndex: index,
      uses: 0,
      result: null,
      code: null,
      erased: false,
    };
  }

  #at(): string {
    return new Date(this.nowMs).toISOString();
  }

  #wake(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  async #until<T>(timeoutMs: number, look: () => Promise<T | undefined>): Promise<T | undefined> {
    const until = performance.now() + timeoutMs;
    for (;;) {
      const found = await look();
      const restMs = until - performance.now();
      if (found !== undefined || restMs <= 0) return found;
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          clearTimeout(timer);
          this.#listeners.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, restMs);
        this.#listeners.add(wake);
      });
    }
  }
}

function typeOf(entry: JsonObject): string {
  const { type } = entry;
  if (typeof type !== 'string') throw new Error('expected an entry with its type');
  return type;
}

class UnknownTenant extends Error {
  readonly code = 'TENANT_UNKNOWN';
}

export function machine(id: string): Machine {
  const key = parseEd25519(generateEd25519().privateKeyPem);
  return { id, key, thumbprint: keyThumbprint(key.publicKeySpki) };
}

/** A frame as agents and executors send it. */
export function signedFrame(kind: SignedKind, payload: Json, { key, thumbprint }: Machine): Json {
  const bytes = canonicalBytes(payload);
  const signature = signEd25519(key, signedMessage(kind, bytes));
  return {
    payload: toBase64url(bytes),
    key: thumbprint,
    signature: toBase64url(signature),
  };
}

/** An invitation's signature over an enrolment. */
export function signInvitation(key: KeyObject, statement: JsonObject): string {
  const message = signedMessage('enrolment', canonicalBytes(statement));
  return sign('sha256', message, key).toString('base64url');
}

function isSigned(frame: Uint8Array, kind: SignedKind, memberText: string): boolean {
  const signed = parseSignedObject(frame);
  const { public_key } = parseStrict(utf8(memberText)) as { public_key: string };
  return verifySignature({
    algorithm: 'ed25519',
    publicKey: fromBase64url(public_key),
    message: signedMessage(kind, signed.payload),
    signature: fromBase64url(signed.signature),
  });
}

function executorMember({ id, key, thumbprint }: Machine): Member {
  return {
    kind: 'executor',
    id,
    key_thumbprint: thumbprint,
    public_key: toBase64url(key.publicKeySpki),
    audiences: ['local'],
    interface_digest: digestOfHex('ee'),
  };
}

function memberRow(member: Member, sinceIndex: number): RowChange {
  const { kind, id } = member;
  const thumbprint = 'key_thumbprint' in member ? member.key_thumbprint : null;
  const person = 'person' in member ? (member.person ?? null) : null;
  const text = canonicalText(member as unknown as Json);
  return { change: 'member-set', row: { kind, id, thumbprint, person, text, sinceIndex } };
}

function inputOf({ payload }: Submission): Digest {
  return digestBytes('countersign/input/v1', payload);
}

function spkiOf(key: KeyObject): Uint8Array {
  return new Uint8Array(key.export({ type: 'spki', format: 'der' }));
}

function digestOfHex(pair: string): Digest {
  return `sha256:${pair.repeat(32)}`;
}

function shownOr<T>(refused: (code: string) => T, show: () => Digest): Digest | T {
  try {
    return show();
  } catch (error) {
    if (!(error instanceof DescriptorError)) throw error;
    return refused(error.code);
  }
}
