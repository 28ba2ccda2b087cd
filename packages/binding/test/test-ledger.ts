import {
  LEDGER_EXECUTOR,
  LedgerState,
  authenticate,
  decide,
  decisionChallenge,
  encodeEntry,
  foundLedger,
  isQuarantined,
  leafOf,
  rationaleDigest,
  type ContentWrite,
  type Decided,
  type DecisionStatement,
  type Entry,
  type EntryOf,
  type EntryType,
  type InputKind,
  type LedgerLimits,
  type Member,
  type Membership,
  type Outcome,
  type PlacedEntry,
  type Policy,
  type PolicyEngine,
  type RecoveryRule,
  type Separation,
} from '@countersign/binding';
import {
  canonicalBytes,
  digestBytes,
  formatTimestamp,
  fromUtf8,
  utf8,
  type JsonObject,
} from '@countersign/canonical';
import { BUILTIN_DESCRIPTORS, parseAction, type Action } from '@countersign/descriptors';
import { cedarEngine } from '@countersign/policy-cedar';
import type { AssertionOverrides, SoftwarePasskey } from '@countersign/software-passkey';
import {
  BOOTSTRAP,
  COMMAND_PARAMS,
  ORIGIN,
  TENANT,
  decisionBytes,
  policyOf,
  testVkey,
} from './test-documents.ts';
import { frame, verifySignature, type TestKey } from './test-keys.ts';
import {
  INTERFACE,
  START_MS,
  testAgent,
  testExecutor,
  testPerson,
  ulidAt,
  type TestAgent,
  type TestPerson,
} from './test-members.ts';
import { changeType } from '../../../test/support/change-type.ts';

export const POLICY_ENGINE: PolicyEngine = cedarEngine(BUILTIN_DESCRIPTORS);

const SALT = `${'B'.repeat(21)}A`;

export interface TestLedgerOptions {
  readonly separation?: Separation;
  readonly policy?: Policy;
  readonly approvals?: number;
  readonly bootstrapApprovals?: number;
  readonly recovery?: RecoveryRule;
  readonly limits?: Partial<LedgerLimits>;
  readonly extra?: readonly Member[];
  /** Types that were there when it was founded; all built-in ones otherwise. */
  readonly foundedWith?: readonly string[];
  /** Shard on which its log is read. */
  readonly readFrom?: number;
  /** By which rules its log decides. */
  readonly rules?: 1 | 2;
  readonly people?: Pick<TestLedger, 'owner' | 'alice' | 'bob'>;
}

export interface DecideOptions {
  readonly verdict?: 'approve' | 'deny' | 'revoke';
  readonly text?: string;
  readonly passkey?: SoftwarePasskey;
  readonly statement?: Partial<DecisionStatement>;
  readonly assertion?: AssertionOverrides;
  readonly admission?: PlacedEntry;
  readonly membership?: Membership;
}

/** A ledger in memory with everything real but the clock: real keys, real passkeys, real bytes. */
export class TestLedger {
  readonly owner: TestPerson;
  readonly alice: TestPerson;
  readonly bob: TestPerson;
  readonly agent: TestAgent;
  readonly other: TestAgent;
  readonly executor = testExecutor('build-1');
  readonly log: PlacedEntry[] = [];
  readonly content: ContentWrite[] = [];
  readonly inputs: { kind: InputKind; bytes: Uint8Array; atMs: number }[] = [];
  readonly options: TestLedgerOptions;
  readonly state: LedgerState;
  nowMs: number = START_MS;
  #offset = 0;
  #serial = 0;

  constructor(options: TestLedgerOptions = {}) {
    this.options = options;
    const { people } = options;
    this.owner = people?.owner ?? testPerson();
    this.alice = people?.alice ?? testPerson();
    this.bob = people?.bob ?? testPerson();
    this.agent = testAgent('deployer', this.owner.id, { operator: true });
    this.other = testAgent('janitor', this.alice.id);
    this.state = this.emptyState();
    const entry = this.founding();
    this.append(entry);
  }

  /** A ledger of its own with the same founders: byte for byte the same, if nothing else is given. */
  static twinOf(
    ledger: TestLedger,
    limits: Partial<LedgerLimits> = {},
    more: { readonly extra?: readonly Member[]; readonly policy?: Policy } = {},
  ): TestLedger {
    return new TestLedger({ ...ledger.options, ...more, limits, people: ledger });
  }

  emptyState(): LedgerState {
    const { limits, readFrom } = this.options;
    return LedgerState.empty({
      descriptors: BUILTIN_DESCRIPTORS,
      policyEngine: POLICY_ENGINE,
      ...(readFrom === undefined ? {} : { shard: readFrom }),
      ...(limits === undefined ? {} : { limits }),
    });
  }

  founding(): EntryOf<'ledger-founded'> {
    const { options } = this;
    return foundLedger({
      at: formatTimestamp(START_MS),
      origin: ORIGIN,
      tenant: TENANT,
      separation: options.separation ?? 'full',
      demo: false,
      rps: [{ id: 'localhost', origins: ['http://localhost:7420'] }],
      logKeys: [testVkey()],
      members: [
        ...this.owner.members,
        ...this.alice.members,
        ...this.bob.members,
        this.agent.member,
        this.other.member,
        this.executor.member,
        ...BUILTIN_DESCRIPTORS.filter(
          ({ type }) => options.foundedWith?.includes(type) ?? true,
        ).map((each): Member => ({
          kind: 'descriptor',
          id: `${each.type}/${each.typeVersion}`,
          digest: each.digest,
        })),
        ...(options.extra ?? []),
      ],
      policy: options.policy ?? policyOf(options.approvals ?? 1),
      policyEngine: POLICY_ENGINE,
      ...(options.rules !== undefined && { rulesVersion: options.rules }),
      ...(options.recovery !== undefined && { recovery: options.recovery }),
      ...(options.bootstrapApprovals === undefined
        ? {}
        : { bootstrap: { ...BOOTSTRAP, approvals: options.bootstrapApprovals } }),
    });
  }

  append(entry: Entry): void {
    const bytes = encodeEntry(entry);
    const placed = { entry, bytes, leaf: leafOf(bytes), index: this.state.size };
    this.state.evolve(entry, placed);
    this.log.push(placed);
  }

  async decided(
    kind: InputKind,
    bytes: Uint8Array,
    state = this.state,
  ): Promise<Decided | Outcome> {
    this.inputs.push({ kind, bytes, atMs: this.nowMs });
    this.#offset += 1;
    const raw = {
      kind,
      bytes,
      input: digestBytes('countersign/input/v1', bytes),
      appendTimeMs: this.nowMs,
      offset: this.#offset,
    };
    const input = await authenticate(raw, state, verifySignature);
    return isQuarantined(input) ? input : decide(state, input);
  }

  async submit(kind: InputKind, bytes: Uint8Array): Promise<Outcome> {
    const decided = await this.decided(kind, bytes);
    if ('status' in decided) return decided;
    this.state.apply(decided);
    this.log.push(...decided.entries);
    this.content.push(...decided.content);
    return decided.outcome;
  }

  async tick(forwardMs = 0): Promise<Outcome> {
    this.nowMs += forwardMs;
    return this.submit('tick', new Uint8Array(0));
  }

  newUlid(timeMs: number = this.nowMs): string {
    this.#serial += 1;
    return ulidAt(timeMs, this.#serial);
  }

  envelope(more: JsonObject = {}, agent: TestAgent = this.agent): JsonObject {
    return {
      v: 'countersign.action.v1',
      tenant: TENANT,
      action_id: this.newUlid(),
      nonce: 'A'.repeat(22),
      type: 'generic.command',
      type_version: 1,
      agent: { id: agent.id, key_thumbprint: agent.key.thumbprint },
      acting_for: [],
      executor: { id: this.executor.id, audience: 'host:build-1', descriptor_digest: INTERFACE },
      params: COMMAND_PARAMS,
      preconditions: [],
      not_after: formatTimestamp(this.nowMs + 86_400_000),
      max_uses: 1,
      ...more,
    };
  }

  changeEnvelope(change: JsonObject, agent: TestAgent = this.agent): JsonObject {
    const type = changeType(change);
    const descriptor = BUILTIN_DESCRIPTORS.find((each) => each.type === type);
    return this.envelope(
      {
        type,
        params: { change },
        executor: {
          id: LEDGER_EXECUTOR,
          audience: ORIGIN,
          descriptor_digest: descriptor?.digest ?? '',
        },
      },
      agent,
    );
  }

  requestFrame(envelope: JsonObject, agent: TestAgent = this.agent): Uint8Array {
    return frame(agent.key, 'request', canonicalBytes(envelope));
  }

  /** Asks, and answers the admission. */
  async request(envelope: JsonObject = this.envelope(), agent = this.agent): Promise<Asked> {
    const outcome = await this.submit('request', this.requestFrame(envelope, agent));
    if (outcome.status !== 'accepted') throw new Error(`expected an admission: ${show(outcome)}`);
    const action = parseAction(canonicalBytes(envelope));
    return { action, admission: this.last('request-admitted') };
  }

  statement(
    person: TestPerson,
    asked: Asked,
    options: DecideOptions = {},
  ): { statement: DecisionStatement; rationale: { text: string; salt: string } } {
    const rationale = { text: options.text ?? 'checked with the team', salt: SALT };
    const { entry, leaf } = asked.admission;
    const statement: DecisionStatement = {
      v: 'countersign.decision.v1',
      ledger: ORIGIN,
      tenant: TENANT,
      action_id: entry.action_id,
      admission: leaf,
      action_digest: entry.action_digest,
      display_digest: entry.display_digest,
      verdict: options.verdict ?? 'approve',
      rationale_digest: rationaleDigest(rationale),
      person: person.id,
      credential: (options.passkey ?? person.passkey).credentialId,
      not_after: formatTimestamp(this.nowMs + 3_600_000),
      ...options.statement,
    };
    return { statement, rationale };
  }

  decisionFrame(person: TestPerson, asked: Asked, options: DecideOptions = {}): Uint8Array {
    const { statement, rationale } = this.statement(person, asked, options);
    const passkey = options.passkey ?? person.passkey;
    const proof = passkey.assert(decisionChallenge(statement), options.assertion);
    const bytes = decisionBytes(statement, proof, rationale);
    const { membership } = options;
    if (membership === undefined) return bytes;
    const made = JSON.parse(fromUtf8(bytes)) as JsonObject;
    return utf8(JSON.stringify({ ...made, membership }));
  }

  async decide(person: TestPerson, asked: Asked, options: DecideOptions = {}): Promise<Outcome> {
    return this.submit('decision', this.decisionFrame(person, asked, options));
  }

  /** Asks, and lets Alice approve. */
  async bound(envelope: JsonObject = this.envelope()): Promise<Bound> {
    const asked = await this.request(envelope);
    await this.decide(this.alice, asked);
    return { ...asked, binding: this.last('binding-made') };
  }

  useClaim(bound: Bound, more: JsonObject = {}): JsonObject {
    return {
      v: 'countersign.use.v1',
      tenant: TENANT,
      action_id: bound.admission.entry.action_id,
      use_id: this.newUlid(),
      action_digest: bound.action.digest,
      binding: bound.binding.leaf,
      executor: this.executor.id,
      claimed_at: formatTimestamp(this.nowMs),
      ...more,
    };
  }

  async use(claim: JsonObject, key: TestKey = this.executor.key): Promise<Outcome> {
    return this.submit('use', frame(key, 'use', canonicalBytes(claim)));
  }

  report(claim: JsonObject, more: JsonObject = {}): JsonObject {
    return {
      v: 'countersign.report.v1',
      tenant: TENANT,
      action_id: claim['action_id'] ?? '',
      use_id: claim['use_id'] ?? '',
      action_digest: claim['action_digest'] ?? '',
      executor: this.executor.id,
      result: 'succeeded',
      exit_status: 0,
      started_at: formatTimestamp(this.nowMs),
      ended_at: formatTimestamp(this.nowMs + 5),
      ...more,
    };
  }

  async submitReport(report: JsonObject, key: TestKey = this.executor.key): Promise<Outcome> {
    return this.submit('report', frame(key, 'report', canonicalBytes(report)));
  }

  async erase(actionId: string, agent: TestAgent = this.agent): Promise<Outcome> {
    const order = {
      v: 'countersign.erasure.v1',
      tenant: TENANT,
      action_id: actionId,
      requested_at: formatTimestamp(this.nowMs),
      nonce: Buffer.from(this.newUlid()).subarray(10).toString('base64url'),
    };
    return this.submit('erasure', frame(agent.key, 'erasure', canonicalBytes(order)));
  }

  async raise(finding: JsonObject, agent: TestAgent = this.agent): Promise<Outcome> {
    return this.submit('finding', frame(agent.key, 'finding', canonicalBytes(finding)));
  }

  /** Asks for a change of the authority, and lets Alice and Bob approve as far as needed. */
  async change(change: JsonObject): Promise<Outcome> {
    const asked = await this.request(this.changeEnvelope(change));
    const first = await this.decide(this.alice, asked);
    const status = this.state.action(asked.admission.entry.action_id)?.status;
    return status === 'pending' && first.status === 'accepted'
      ? this.decide(this.bob, asked)
      : first;
  }

  entries<T extends EntryType>(type: T): Placed<T>[] {
    return this.log.filter((placed): placed is Placed<T> => placed.entry.type === type);
  }

  last<T extends EntryType>(type: T): Placed<T> {
    const placed = this.entries(type).at(-1);
    if (placed === undefined) throw new Error(`expected an entry ${type}`);
    return placed;
  }

  get types(): EntryType[] {
    return this.log.map(({ entry }) => entry.type);
  }
}

export type Placed<T extends EntryType> = PlacedEntry & { readonly entry: EntryOf<T> };

export interface Asked {
  readonly action: Action;
  readonly admission: Placed<'request-admitted'>;
}

export interface Bound extends Asked {
  readonly binding: Placed<'binding-made'>;
}

function show(outcome: Outcome): string {
  return JSON.stringify(outcome);
}
