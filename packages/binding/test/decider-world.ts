import {
  confirmationDigest,
  parseEntry,
  type CedarPolicy,
  type Entry,
  type Outcome,
} from '@countersign/binding';
import {
  canonicalBytes,
  formatTimestamp,
  type Json,
  type JsonObject,
} from '@countersign/canonical';
import { parseAction } from '@countersign/descriptors';
import {
  DECIDE_MS,
  USE_MS,
  type Answer,
  type DecisionLetter,
  type Letter,
  type ModelRule,
  type UseLetter,
  type Voter,
} from './decider-model.ts';
import { frame } from './test-keys.ts';
import { TestLedger, type Asked } from './test-ledger.ts';
import { testPerson, type TestPerson } from './test-members.ts';

const carol = testPerson();
const people = { owner: testPerson(), alice: testPerson(), bob: testPerson() };
const PERSONS: Readonly<Record<Voter, TestPerson>> = { ...people, carol };
const NONCE = 'A'.repeat(22);
/** Of /srv/billing. */
const TYPED = {
  right: confirmationDigest(NONCE, 'ling'),
  wrong: confirmationDigest(NONCE, 'link'),
};

const TREASURY = { of: ['alice', 'bob'] } as const;
const SECURITY = { of: ['bob', 'carol'] } as const;

export const RULES: readonly [ModelRule, ...ModelRule[]] = [
  { name: 'one', approvals: 1, uses: 2 },
  { name: 'two', approvals: 2, uses: 1 },
  { name: 'seats', approvals: 2, uses: 1, seats: [TREASURY, SECURITY] },
  {
    name: 'order',
    approvals: 2,
    uses: 2,
    seats: [TREASURY, SECURITY],
    ordered: true,
    windowMs: 300_000,
  },
  { name: 'typed', approvals: 1, uses: 1, confirm: true },
];

/** A rule of the model, as the ledger has it. */
function policyOf({ approvals, uses, seats, ordered, windowMs, confirm }: ModelRule): CedarPolicy {
  return {
    v: 'countersign.policy.v3',
    cedar:
      '@id("command") @rule("rule")\npermit (principal, action == Action::"ask", resource is generic::command_v1);\n',
    groups: {},
    rules: [
      {
        id: 'rule',
        approvals,
        approvers: 'any',
        proof_classes: ['uv'],
        rationale: 'optional',
        decide_within_s: DECIDE_MS / 1_000,
        use_within_s: USE_MS / 1_000,
        start_within_s: 60,
        max_uses: uses,
        ...(seats !== undefined && {
          seats: seats.map(({ of }) => ({
            approvers: of.map((voter) => PERSONS[voter].id).sort(),
            count: 1,
          })),
        }),
        ...(ordered === true && { ordered }),
        ...(windowMs !== undefined && { window_s: windowMs / 1_000 }),
        ...(confirm === true && { confirm: { field: '/cwd', last: 4 } }),
      },
    ],
  };
}

/** The ledger under test, and whoever writes letters to it. */
export class DeciderWorld {
  readonly #writer: TestLedger;
  #ledger: TestLedger;
  readonly #frames = new Map<number, Uint8Array>();
  readonly #envelopes = new Map<number, JsonObject>();

  constructor(rule: ModelRule) {
    this.#writer = new TestLedger({
      people,
      extra: carol.members,
      policy: policyOf(rule),
      limits: { stateCommitEvery: 7 },
    });
    this.#ledger = TestLedger.twinOf(this.#writer, { stateCommitEvery: 7 });
  }

  get nowMs(): number {
    return this.#ledger.nowMs;
  }

  pass(ms: number): void {
    this.#ledger.nowMs += ms;
    this.#writer.nowMs = this.#ledger.nowMs;
  }

  async tick(): Promise<void> {
    await this.#ledger.tick();
  }

  /** What the log says of an action; undefined before its admission. */
  admission(ask: number): string | undefined {
    return this.#asked(ask)?.admission.leaf;
  }

  hasBinding(ask: number): boolean {
    return this.#bindingOf(ask) !== undefined;
  }

  /** The mark of the admission that this ledger would make now. */
  async foreseen(ask: number): Promise<string | undefined> {
    return (await this.#foreseen(ask))?.admission.leaf;
  }

  /** A letter as bytes, written once: sent again it is the same input. */
  async write(letter: Letter): Promise<void> {
    this.#frames.set(letter.id, await this.#frameOf(letter));
  }

  async send(letter: Letter): Promise<Answer> {
    const bytes = this.#frames.get(letter.id);
    if (bytes === undefined) throw new Error('expected a letter that was written');
    return answerOf(await this.#ledger.submit(letter.kind, bytes));
  }

  /** A change of the authority, asked for and approved at once. */
  async change(change: JsonObject, voter: Voter): Promise<Answer> {
    const envelope = this.#writer.changeEnvelope(change);
    const request = this.#writer.requestFrame(envelope);
    const first = await this.#ledger.submit('request', request);
    if (first.status !== 'accepted') return answerOf(first);
    const admission = this.#ledger.last('request-admitted');
    const asked = { action: parseAction(canonicalBytes(envelope)), admission };
    const decision = this.#writer.decisionFrame(PERSONS[voter], asked);
    return answerOf(await this.#ledger.submit('decision', decision));
  }

  setRule(rule: ModelRule, voter: Voter): Promise<Answer> {
    return this.change({ kind: 'policy-set', policy: policyOf(rule) as unknown as Json }, voter);
  }

  revokeKey(voter: Voter, by: Voter): Promise<Answer> {
    const { credentialId } = PERSONS[voter].passkey;
    return this.change({ kind: 'credential-revoked', credential_id: credentialId }, by);
  }

  /** Starts again from what was sent in: another ledger, which has to come to the same log. */
  async startAgain(): Promise<void> {
    const before = this.#ledger;
    const again = TestLedger.twinOf(this.#writer, { stateCommitEvery: 7 });
    for (const { kind, bytes, atMs } of before.inputs) {
      again.nowMs = atMs;
      await again.submit(kind, bytes);
    }
    again.nowMs = before.nowMs;
    const leaves = [before, again].map(({ log }) => log.map(({ leaf }) => leaf).join('\n'));
    if (leaves[0] !== leaves[1]) throw new Error('expected the same log of the same inputs');
    this.#ledger = again;
  }

  /** The fold of the log alone. */
  get foldedAgain(): { readonly digest: string; readonly folded: string } {
    const state = this.#ledger.emptyState();
    for (const { bytes, index, leaf } of this.#ledger.log) {
      state.evolve(parseEntry(bytes), { index, leaf });
    }
    return { digest: this.#ledger.state.stateDigest(), folded: state.stateDigest() };
  }

  /** Where each action stands, by the ledger's own fold. */
  standing(): Readonly<Record<number, readonly [status: string, uses: number]>> {
    const { state } = this.#ledger;
    return Object.fromEntries(
      [...this.#envelopes].flatMap(([ask, envelope]) => {
        const record = state.action(envelope['action_id'] as string);
        return record === undefined ? [] : [[ask, [record.status, record.uses.length]]];
      }),
    );
  }

  get heldCount(): number {
    return this.#ledger.state.held.length;
  }

  get entries(): readonly Entry[] {
    return this.#ledger.log.map(({ entry }) => entry);
  }

  async #frameOf(letter: Letter): Promise<Uint8Array> {
    switch (letter.kind) {
      case 'request':
        return this.#writer.requestFrame(this.#envelopeOf(letter.ask));
      case 'decision':
        return this.#decisionFrame(letter);
      case 'use':
        return this.#useFrame(letter);
      case 'report': {
        const { use_id: useId, action_digest: digest } = this.#claimOf(letter);
        const action = this.#envelopeOf(letter.ask)['action_id'] ?? '';
        const claim = { action_id: action, use_id: useId ?? '', action_digest: digest ?? '' };
        const report = this.#writer.report(claim, { result: letter.result, ...FIXED_TIMES });
        return frame(this.#writer.executor.key, 'report', canonicalBytes(report));
      }
    }
  }

  async #decisionFrame(letter: DecisionLetter): Promise<Uint8Array> {
    const { ask, voter, verdict, untilMs, typed } = letter;
    const asked = this.#asked(ask) ?? (await this.#foreseen(ask));
    if (asked === undefined) throw new Error('expected an admission, or one to come');
    const confirmation = typed === 'nothing' ? undefined : TYPED[typed];
    return this.#writer.decisionFrame(PERSONS[voter], asked, {
      verdict,
      statement: {
        not_after: formatTimestamp(untilMs),
        ...(confirmation !== undefined && { confirmation }),
      },
    });
  }

  #useFrame(letter: UseLetter): Uint8Array {
    const claim = {
      ...this.#claimOf(letter),
      claimed_at: formatTimestamp(letter.claimedMs),
    };
    return frame(this.#writer.executor.key, 'use', canonicalBytes(claim));
  }

  #claimOf({ ask, use }: { readonly ask: number; readonly use: string }): JsonObject {
    const action = parseAction(canonicalBytes(this.#envelopeOf(ask)));
    return {
      v: 'countersign.use.v1',
      tenant: action.envelope.tenant,
      action_id: action.envelope.action_id,
      use_id: use,
      action_digest: action.digest,
      binding: this.#bindingOf(ask)?.leaf ?? action.digest,
      executor: this.#writer.executor.id,
    };
  }

  newUse(): string {
    return this.#writer.newUlid();
  }

  #envelopeOf(ask: number): JsonObject {
    const known = this.#envelopes.get(ask);
    if (known !== undefined) return known;
    const envelope = this.#writer.envelope({ max_uses: 2 });
    this.#envelopes.set(ask, envelope);
    return envelope;
  }

  #asked(ask: number): Asked | undefined {
    const envelope = this.#envelopes.get(ask);
    const admission = this.#ledger
      .entries('request-admitted')
      .find(({ entry }) => entry.action_id === envelope?.['action_id']);
    if (envelope === undefined || admission === undefined) return undefined;
    return { action: parseAction(canonicalBytes(envelope)), admission };
  }

  async #foreseen(ask: number): Promise<Asked | undefined> {
    const envelope = this.#envelopeOf(ask);
    const decided = await this.#ledger.decided('request', this.#writer.requestFrame(envelope));
    // It was only looked at.
    this.#ledger.inputs.pop();
    if ('status' in decided) return undefined;
    const placed = decided.entries.find(({ entry }) => entry.type === 'request-admitted');
    if (placed?.entry.type !== 'request-admitted') return undefined;
    const admission = { ...placed, entry: placed.entry };
    return { action: parseAction(canonicalBytes(envelope)), admission };
  }

  #bindingOf(ask: number): { readonly leaf: string } | undefined {
    const id = this.#envelopes.get(ask)?.['action_id'];
    return this.#ledger.entries('binding-made').find(({ entry }) => entry.action_id === id);
  }
}

/** So that the same result is the same report. */
const FIXED_TIMES = {
  started_at: '2026-11-23T09:00:00.000Z',
  ended_at: '2026-11-23T09:00:00.005Z',
};

function answerOf(outcome: Outcome): Answer {
  return 'code' in outcome ? outcome.code : outcome.status;
}
