import { createHash } from 'node:crypto';
import {
  decisionChallenge,
  decisionDigest,
  type DecisionStatement,
  type Leaf,
  rationaleDigest,
  type RequestAdmitted,
  type Verdict,
} from '@countersign/binding';
import { BrokerError } from '@countersign/broker';
import {
  canonicalBytes,
  canonicalText,
  type Digest,
  formatTimestamp,
  fromUtf8,
  type Json,
  type JsonObject,
  makeUlid,
  toBase64url,
  utf8,
} from '@countersign/canonical';
import { encodePublic, type PublicTopic } from '@countersign/wire';
import { someItem } from './batch-choice.ts';
import { CompanyTokens } from './company-tokens.ts';
import type { KeyNumber } from './company.ts';
import { someChoice } from './grant-choice.ts';
import type { OracleAction } from './oracle-action.ts';
import {
  type AssertionMade,
  assertionOf,
  ORIGIN,
  serialBytes,
  type SimulatedAgent,
  type SimulatedHolder,
  type SimulatedPerson,
  TENANT,
} from './population.ts';
import type { SeededChoice } from './seeded-choice.ts';
import type { Frame } from './signed-truth.ts';
import { toyFrame, type ToyKey } from './toy-signature.ts';
import { inputOf, type World } from './world.ts';

/** Takes an input to the ledger, by whatever process is there; false when there is none. */
export type Submit = (frame: Frame) => Promise<void>;

/** Somebody who was invited, and has not yet enrolled. */
interface Invited {
  readonly person: SimulatedPerson;
  readonly invitation: ToyKey;
}

export const PUBLIC_TOPICS: Readonly<Record<string, PublicTopic>> = {
  request: 'action-requested',
  decision: 'decision-made',
  use: 'use-claimed',
  report: 'execution-reported',
  finding: 'finding-submitted',
};

const RETRIES_MAX = 3;

/** Who there is, what they have begun, and what they sign and send. */
export class CrowdState {
  readonly world: World;
  readonly submit: Submit;
  readonly sent: Frame[] = [];
  readonly invited: Invited[] = [];
  /** Who has a deputy, or had one, and whom. */
  readonly away = new Map<string, string>();
  readonly tokens: CompanyTokens;
  /** That the company signs with. */
  companyKey: KeyNumber = 1;
  readonly persons: SimulatedPerson[];
  readonly agents: SimulatedAgent[];
  serial = 0;
  /** That were asked for. */
  recoveries = 0;

  constructor(world: World, submit: Submit) {
    this.world = world;
    this.submit = submit;
    this.persons = [...world.population.persons];
    this.agents = [...world.population.agents];
    this.tokens = new CompanyTokens(world.random, world.truth);
  }

  /** Whether what was sent last came to something. */
  get isAnswered(): boolean {
    const last = this.sent.at(-1);
    return last === undefined || this.world.isAnswered(inputOf(last.bytes));
  }

  person(): SimulatedPerson {
    return this.world.random.of(this.persons);
  }

  personsFor({ admission, approvals }: OracleAction): readonly SimulatedPerson[] {
    const { excluded, requirement } = admission;
    const out = new Set([...excluded, ...approvals.values()].map(({ person }) => person));
    return this.persons.filter(
      ({ id, credential }) =>
        !out.has(id) &&
        (requirement.approvers === 'any' || requirement.approvers.includes(id)) &&
        this.world.rules.mayDecide(id, credential),
    );
  }

  nowText(offsetMs = 0): string {
    return formatTimestamp(this.world.time.nowMs + offsetMs);
  }

  ulid(offsetMs = 0): string {
    this.serial += 1;
    return makeUlid(this.world.time.nowMs + offsetMs, serialBytes(this.serial));
  }

  /** Now of the company, by its clock. */
  get atCompany(): { readonly nowMs: number; readonly key: KeyNumber } {
    return { nowMs: this.world.time.nowMs, key: this.companyKey };
  }

  decision(
    person: SimulatedPerson,
    about: { readonly admission: RequestAdmitted; readonly admissionLeaf: Leaf },
    how: AssertionMade & {
      readonly verdict: Verdict;
      readonly statement?: Partial<DecisionStatement>;
      readonly isForged?: boolean;
      readonly text?: string;
    },
  ): Frame {
    const { random, truth } = this.world;
    const rationale = {
      text: how.text ?? random.of(['looks right', 'asked the team', '']),
      salt: toBase64url(random.bytes(16)),
    };
    const { admission, admissionLeaf } = about;
    const statement: DecisionStatement = {
      v: 'countersign.decision.v1',
      ledger: ORIGIN,
      tenant: TENANT,
      action_id: admission.action_id,
      admission: admissionLeaf,
      action_digest: admission.action_digest,
      display_digest: admission.display_digest,
      verdict: how.verdict,
      rationale_digest: rationaleDigest(rationale),
      person: person.id,
      credential: person.credential,
      not_after: this.nowText(random.of([3_000, 60_000, 60_000, 3_600_000, 3_600_000])),
      ...(how.verdict === 'approve' && someTyping(random, admission.confirmation)),
      ...how.statement,
    };
    const isForged = how.isForged === true;
    const proof = assertionOf(person, decisionChallenge(statement), how);
    const signature = isForged ? forgedSignature(random.bytes(4)) : proof.signature;
    if (!isForged) truth.statements.set(decisionDigest(statement), person.id);
    const made = {
      v: 'countersign.decision-made.v1',
      statement,
      proof: { ...proof, signature },
      rationale,
      ...(admission.requirement.member_of !== undefined &&
        this.tokens.someSignIn(person, this.persons, this.atCompany)),
    };
    const bytes = utf8(canonicalText(made as unknown as Json));
    return { kind: 'decision', actionId: statement.action_id, bytes };
  }

  claim(action: OracleAction, more: JsonObject = {}, by?: SimulatedHolder): Frame {
    const { population, truth, random } = this.world;
    const { batch, action_digest: digest } = action.admission;
    const chosen = someChoice(random, action.admission.bounds);
    const asked = truth.batches.get(digest);
    const used = action.uses.size;
    const item = batch && asked && someItem(random, batch, { action: asked, used });
    const version = chosen === undefined ? 'countersign.use.v1' : 'countersign.use.v2';
    const named = population.executors.find(({ id }) => id === action.admission.executor.id);
    const executor = by ?? named ?? random.of(population.executors);
    const payload = canonicalBytes({
      v: item === undefined ? version : 'countersign.use.v3',
      tenant: TENANT,
      action_id: action.id,
      use_id: this.ulid(),
      action_digest: action.admission.action_digest,
      binding: action.binding?.leaf ?? action.admissionLeaf,
      executor: executor.id,
      claimed_at: this.nowText(),
      ...(item === undefined ? chosen !== undefined && { chosen } : { item }),
      ...more,
    });
    truth.payloads.set(fromUtf8(payload), executor.id);
    return { kind: 'use', actionId: action.id, bytes: toyFrame(executor.key, 'use', payload) };
  }

  reportFrame(action: OracleAction, useId: string, result: string): Frame | undefined {
    const { truth, population } = this.world;
    const executor = population.executors.find(({ id }) => id === action.admission.executor.id);
    if (executor === undefined) return undefined;
    const payload = canonicalBytes({
      v: 'countersign.report.v1',
      tenant: TENANT,
      action_id: action.id,
      use_id: useId,
      action_digest: action.admission.action_digest,
      executor: executor.id,
      result,
      started_at: this.nowText(),
      ended_at: this.nowText(5),
    });
    truth.payloads.set(fromUtf8(payload), executor.id);
    const bytes = toyFrame(executor.key, 'report', payload);
    return { kind: 'report', actionId: action.id, bytes };
  }

  send(frame: Frame): true {
    this.sent.push(frame);
    this.inBackground(this.deliver(frame));
    return true;
  }

  inBackground(doing: Promise<void>): true {
    doing.catch((error: unknown) => {
      this.world.fail('SERVICE_STOPPED', error instanceof Error ? (error.stack ?? '') : 'unknown');
    });
    return true;
  }

  async deliver(frame: Frame): Promise<void> {
    const { random } = this.world;
    if (frame.kind in PUBLIC_TOPICS && random.chance(0.25)) {
      this.publish(frame);
      if (random.chance(0.1)) this.publish(frame);
      return;
    }
    for (let tries = 0; tries < RETRIES_MAX; tries += 1) {
      try {
        await this.submit(frame);
        return;
      } catch (error) {
        if (!(error instanceof BrokerError)) throw error;
        if (random.chance(0.4)) return;
      }
    }
  }

  publish({ kind, actionId, bytes }: Frame): void {
    const topic = PUBLIC_TOPICS[kind];
    if (topic === undefined) return;
    const value = encodePublic(topic, { tenant: TENANT, actionId, payload: bytes });
    const { disk, schedule } = this.world;
    schedule.add({
      owner: 'network',
      label: `publish ${topic}`,
      isReady: () => true,
      run: () =>
        `at ${disk.append({ topic, partition: 0 }, [{ key: actionId, value }]).firstOffset}`,
    });
  }
}

/** Mostly what was asked for. */
function someTyping(
  random: SeededChoice,
  confirmation: Digest | undefined,
): Pick<DecisionStatement, 'confirmation'> {
  if (confirmation === undefined) return {};
  const typed = random.weighted({ right: 5, other: 2, nothing: 2 });
  if (typed === 'nothing') return {};
  return { confirmation: typed === 'right' ? confirmation : `sha256:${'5a'.repeat(32)}` };
}

/** Well formed, and of nobody. */
function forgedSignature(noise: Uint8Array): string {
  const half = createHash('sha256').update(noise).digest();
  half[0] = ((half[0] ?? 0) & 0x3f) | 0x40;
  const head = Buffer.of(0x30, 0x44, 0x02, 0x20);
  return Buffer.concat([head, half, Buffer.of(0x02, 0x20), half]).toString('base64url');
}
