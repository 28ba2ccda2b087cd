import {
  confirmationDigest,
  enrolmentPayload,
  type CedarPolicy,
  type EnrolmentStatement,
  type Outcome,
} from '@countersign/binding';
import {
  canonicalBytes,
  formatTimestamp,
  utf8,
  type Json,
  type JsonObject,
} from '@countersign/canonical';
import { parseAction } from '@countersign/descriptors';
import type { SoftwarePasskey } from '@countersign/software-passkey';
import {
  DECIDE_MS,
  USE_MS,
  type Answer,
  type DecisionLetter,
  type EnrolmentLetter,
  type Letter,
  type ModelChange,
  type UseLetter,
} from './decider-model.ts';
import { FOUNDING_KEY, FOUNDING_MAKES, RECOVERY, type KeyNumber } from './model-keys.ts';
import { MAKERS, attestedBy } from './model-makes.ts';
import type { Make, ModelRule, Voter } from './model-rule.ts';
import { enrolmentOf } from './test-enrolment.ts';
import { frame, invitationKey, type TestKey } from './test-keys.ts';
import { TestLedger, type Asked } from './test-ledger.ts';
import { START_MS, newPasskey, testPerson, type TestPerson } from './test-members.ts';

interface Founder {
  readonly person: TestPerson;
  /** Of a person whose key somebody vouches for: no founding holds such a key, only the invitation to enrol it. */
  readonly enrolments: readonly Uint8Array[];
}

function founder(make?: Make): Founder {
  const person = testPerson();
  if (make === undefined) return { person, enrolments: [] };
  const { id } = person;
  const passkey = passkeyOf(make);
  const key = invitationKey();
  const invitation = {
    ...({ kind: 'invitation', id: key.thumbprint, person: id } as const),
    public_key: key.publicKey,
    not_after: formatTimestamp(START_MS),
  };
  return {
    person: { id, passkey, members: [{ kind: 'person', id, class: 'natural' }, invitation] },
    enrolments: [enrolmentFrame(key, { person: id, passkey, make })],
  };
}

function passkeyOf(make: Make | undefined): SoftwarePasskey {
  return newPasskey(make && MAKERS[make]);
}

function enrolmentFrame(
  invitation: TestKey,
  {
    make,
    ...of
  }: {
    readonly person: string;
    readonly passkey: SoftwarePasskey;
    readonly make: Make | undefined;
  },
): Uint8Array {
  const statement: EnrolmentStatement = {
    ...enrolmentOf(invitation, of),
    ...(make !== undefined && { attestation: of.passkey.attestation(MAKERS[make].root) }),
  };
  const signature = invitation.sign('enrolment', enrolmentPayload(statement));
  return utf8(JSON.stringify({ statement, signature }));
}

// Their ids are in this order.
const owner = founder();
const alice = founder(FOUNDING_MAKES.alice);
const bob = founder(FOUNDING_MAKES.bob);
const carol = founder(FOUNDING_MAKES.carol);
const dave = founder();
const people = { owner: owner.person, alice: alice.person, bob: bob.person };
const others = { carol: carol.person, dave: dave.person };
const ENROLMENTS = [alice, bob, carol].flatMap(({ enrolments }) => enrolments);
const PERSONS: Readonly<Record<Voter, TestPerson>> = { ...people, ...others };
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
  { name: 'spared', approvals: 2, uses: 1, asking: { promptsMax: 3 } },
  {
    name: 'single',
    approvals: 1,
    uses: 1,
    seats: [TREASURY],
    asking: {
      openMax: 2,
      quiet: [
        [545, 550],
        [570, 585],
      ],
    },
  },
  {
    name: 'shift',
    approvals: 1,
    uses: 2,
    approvers: ['alice'],
    escalation: { afterMs: 61_000, to: ['bob', 'carol'] },
  },
  {
    name: 'slow shift',
    approvals: 1,
    uses: 2,
    approvers: ['alice'],
    escalation: { afterMs: 299_000, to: ['bob', 'dave'] },
  },
  {
    name: 'joint shift',
    approvals: 1,
    uses: 2,
    approvers: ['alice', 'bob'],
    escalation: { afterMs: 61_000, to: ['carol'] },
  },
  {
    name: 'two shifts',
    approvals: 2,
    uses: 1,
    approvers: ['alice', 'bob'],
    escalation: { afterMs: 61_000, to: ['carol', 'dave'] },
  },
  { name: 'model', approvals: 1, uses: 2, attested: ['acme one'] },
  { name: 'maker', approvals: 1, uses: 2, attested: ['acme one', 'acme two'] },
  {
    name: 'known shifts',
    approvals: 2,
    uses: 1,
    approvers: ['alice', 'bob'],
    escalation: { afterMs: 61_000, to: ['carol', 'dave'] },
    attested: ['acme one', 'other one'],
  },
];

/** A rule of the model, as the ledger has it. */
function policyOf(rule: ModelRule): CedarPolicy {
  const { approvals, uses, seats, ordered, windowMs, confirm, asking } = rule;
  const { approvers, escalation, attested } = rule;
  return {
    v: 'countersign.policy.v3',
    cedar:
      '@id("command") @rule("rule")\npermit (principal, action == Action::"ask", resource is generic::command_v1);\n',
    groups: {},
    rules: [
      {
        id: 'rule',
        approvals,
        approvers: approvers === undefined ? 'any' : idsOf(approvers),
        proof_classes: ['uv'],
        rationale: 'optional',
        decide_within_s: DECIDE_MS / 1_000,
        use_within_s: USE_MS / 1_000,
        start_within_s: 60,
        max_uses: uses,
        ...(seats !== undefined && {
          seats: seats.map(({ of }) => ({
            approvers: idsOf(of),
            count: 1,
          })),
        }),
        ...(ordered === true && { ordered }),
        ...(windowMs !== undefined && { window_s: windowMs / 1_000 }),
        ...(confirm === true && { confirm: { field: '/cwd', last: 4 } }),
        ...(asking !== undefined && { asking: askingOf(asking) }),
        ...(escalation !== undefined && {
          escalation: { after_s: escalation.afterMs / 1_000, approvers: idsOf(escalation.to) },
        }),
        ...(attested !== undefined && { attested: attestedBy(attested) }),
      },
    ],
  };
}

function idsOf(voters: readonly Voter[]): readonly string[] {
  return voters.map((voter) => PERSONS[voter].id).sort();
}

function askingOf({
  promptsMax,
  openMax,
  quiet,
}: NonNullable<ModelRule['asking']>): NonNullable<CedarPolicy['rules'][number]['asking']> {
  return {
    ...(promptsMax !== undefined && { prompts_1h_max: promptsMax }),
    ...(openMax !== undefined && { open_max: openMax }),
    ...(quiet !== undefined && {
      quiet_utc: quiet.map(([from, to]) => ({ from: timeOfDay(from), to: timeOfDay(to) })),
    }),
  };
}

function timeOfDay(minute: number): string {
  return [Math.floor(minute / 60), minute % 60]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}

/** The ledger under test, and whoever writes letters to it. */
export class DeciderWorld {
  readonly #writer: TestLedger;
  #ledger: TestLedger;
  readonly #frames = new Map<number, Uint8Array>();
  readonly #envelopes = new Map<number, JsonObject>();
  readonly #invitations = new Map<number, TestKey>();
  readonly #passkeys = new Map<KeyNumber, SoftwarePasskey>();

  private constructor(rule: ModelRule) {
    this.#writer = new TestLedger({
      people,
      extra: Object.values(others).flatMap(({ members }) => members),
      recovery: RECOVERY,
      policy: policyOf(rule),
      limits: { stateCommitEvery: 7 },
    });
    this.#ledger = TestLedger.twinOf(this.#writer, { stateCommitEvery: 7 });
  }

  static async founded(rule: ModelRule): Promise<DeciderWorld> {
    const world = new DeciderWorld(rule);
    for (const enrolment of ENROLMENTS) await world.#ledger.submit('enrolment', enrolment);
    return world;
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

  /** A change of the authority, asked for and approved at once by these, with the keys that they have. */
  async change(
    change: ModelChange,
    signers: readonly { readonly voter: Voter; readonly key: KeyNumber }[],
  ): Promise<Answer> {
    const envelope = this.#writer.changeEnvelope(this.#changeOf(change));
    const request = this.#writer.requestFrame(envelope);
    let answer = answerOf(await this.#ledger.submit('request', request));
    if (answer !== 'accepted') return answer;
    const admission = this.#ledger.last('request-admitted');
    const asked = { action: parseAction(canonicalBytes(envelope)), admission };
    for (const { voter, key } of signers) {
      const passkey = this.#passkeyOf(voter, key);
      const decision = this.#writer.decisionFrame(PERSONS[voter], asked, { passkey });
      answer = answerOf(await this.#ledger.submit('decision', decision));
      if (answer !== 'accepted') return answer;
    }
    return answer;
  }

  #changeOf(change: ModelChange): JsonObject {
    switch (change.kind) {
      case 'freeze':
        return { kind: 'frozen' };
      case 'thaw':
        return { kind: 'thawed', epoch: change.epoch };
      case 'policy':
        return { kind: 'policy-set', policy: policyOf(change.rule) as unknown as Json };
      case 'dismissal': {
        const { credentialId } = this.#passkeyOf(change.voter, change.key);
        return { kind: 'credential-revoked', credential_id: credentialId };
      }
      case 'deputy':
        return {
          kind: 'deputy-named',
          principal: PERSONS[change.principal].id,
          deputy: PERSONS[change.deputy].id,
          types: [change.isOfCommands ? 'generic.command' : 'payment.transfer'],
          not_before: formatTimestamp(change.fromMs),
          not_after: formatTimestamp(change.toMs),
        };
      case 'no-deputy':
        return { kind: 'deputy-revoked', principal: PERSONS[change.principal].id };
      case 'recovery': {
        const { thumbprint: id, publicKey: key } = this.#invitationOf(change.id);
        return {
          kind: 'recovery-started',
          person: PERSONS[change.person].id,
          invitation: { id, public_key: key },
          delay_h: RECOVERY.delay_h,
        };
      }
      case 'cancellation': {
        const { thumbprint: invitation } = this.#invitationOf(change.id);
        const { id: person } = PERSONS[change.person];
        return { kind: 'recovery-cancelled', person, invitation };
      }
    }
  }

  #invitationOf(recovery: number): TestKey {
    const key = this.#invitations.get(recovery) ?? invitationKey();
    this.#invitations.set(recovery, key);
    return key;
  }

  #passkeyOf(voter: Voter, key: KeyNumber): SoftwarePasskey {
    const passkey = key === FOUNDING_KEY ? PERSONS[voter].passkey : this.#passkeys.get(key);
    if (passkey === undefined) throw new Error('expected the key of an enrolment that was written');
    return passkey;
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

  /** In whose place the last decision was that the log took. */
  get lastFor(): string | undefined {
    return this.#ledger.entries('decision-accepted').at(-1)?.entry.for;
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
      case 'enrolment':
        return this.#enrolment(letter);
    }
  }

  async #decisionFrame(letter: DecisionLetter): Promise<Uint8Array> {
    const { ask, voter, key, verdict, untilMs, typed } = letter;
    const asked = this.#asked(ask) ?? (await this.#foreseen(ask));
    if (asked === undefined) throw new Error('expected an admission, or one to come');
    const confirmation = typed === 'nothing' ? undefined : TYPED[typed];
    return this.#writer.decisionFrame(PERSONS[voter], asked, {
      verdict,
      passkey: this.#passkeyOf(voter, key),
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

  #enrolment({ id, recovery, person, make }: EnrolmentLetter): Uint8Array {
    const passkey = passkeyOf(make);
    this.#passkeys.set(id, passkey);
    const of = { person: PERSONS[person].id, passkey, make };
    return enrolmentFrame(this.#invitationOf(recovery), of);
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
