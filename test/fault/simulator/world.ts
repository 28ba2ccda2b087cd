import { LedgerState, type Entry } from '@countersign/binding';
import type { StoredRecord, TopicPartition } from '@countersign/broker';
import { digestBytes, timestampMs, type Digest } from '@countersign/canonical';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import {
  decodeContent,
  decodeIntake,
  decodeQuarantined,
  WireError,
  type Batch,
} from '@countersign/wire';
import { createHash } from 'node:crypto';
import { InvariantBroken, hold, type Broken } from './invariant-broken.ts';
import { LogOracle, type LogWatcher, type OracleEntry } from './log-oracle.ts';
import { LIMITS, ORIGIN, START_MS, populate, type Population } from './population.ts';
import { RuleOracle } from './rule-oracle.ts';
import { Schedule } from './schedule.ts';
import { SeededChoice } from './seeded-choice.ts';
import { SignedTruth } from './signed-truth.ts';
import { NO_BROKER_FAULTS, SimulatedBroker, type BrokerFaults } from './simulated-broker.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import { SimulatedTime } from './simulated-time.ts';
import { Trace } from './trace.ts';
import { POLICY_ENGINE } from '../../support/policy-engine.ts';

export interface Acknowledged {
  readonly index: number;
  readonly leaf: string;
}

/** What is away, or breaks, at the moment. */
export interface WorldFaults {
  readonly broker: BrokerFaults;
  isSignerAway: boolean;
  signerFails: number;
}

interface WorldOptions {
  readonly seed: number;
  readonly print?: (line: string) => void;
  /** Whether what is on its way when a process dies arrives; by chance when nothing is said. */
  readonly onlyKill?: { readonly arrives: boolean };
}

export interface IntakeInput {
  readonly input: Digest;
  readonly actionId: string;
}

const INPUT_TAG = 'countersign/input/v1\n';

/** By which the sender of these bytes finds its answer. */
export function inputOf(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(INPUT_TAG).update(bytes).digest('hex')}`;
}

/** Everything in a simulation but who acts in it: time, what is durable, what is under way, and what must hold. */
export class World implements LogWatcher {
  readonly random: SeededChoice;
  readonly time: SimulatedTime = new SimulatedTime(START_MS);
  readonly schedule: Schedule = new Schedule();
  readonly disk: SimulatedDisk;
  readonly population: Population;
  readonly truth: SignedTruth = new SignedTruth();
  readonly rules: RuleOracle;
  readonly log: LogOracle;
  /** The fold of the accepted entries, taken in one by one as they come. */
  readonly fold: LedgerState = LedgerState.empty({
    descriptors: BUILTIN_DESCRIPTORS,
    policyEngine: POLICY_ENGINE,
    limits: LIMITS,
  });
  readonly faults: WorldFaults = {
    broker: { ...NO_BROKER_FAULTS },
    isSignerAway: false,
    signerFails: 0,
  };
  readonly trace: Trace;
  readonly counts: Map<string, number> = new Map();
  /** Inputs with the time at which each first became durable in the intake. */
  readonly intake = new Map<Digest, number>();
  /** The input at each offset of the intake, where there is one. */
  readonly inputs = new Map<number, IntakeInput>();
  readonly quarantined = new Map<string, string[]>();
  /** What clients were told, and by whom does not matter: it must be so for ever. */
  readonly acknowledged: Acknowledged[] = [];
  /** Submissions that were answered as durable. */
  readonly submitted: { readonly input: Digest; readonly offset: number }[] = [];
  readonly #answered = new Set<string>();
  readonly #arrives: boolean | undefined;
  readonly #intakeTimes = new Set<number>();
  readonly #content = new Set<string>();
  broken: InvariantBroken | undefined;

  constructor({ seed, print, onlyKill }: WorldOptions) {
    this.random = new SeededChoice(seed);
    this.trace = new Trace(print);
    this.#arrives = onlyKill?.arrives;
    this.disk = new SimulatedDisk(this.time);
    this.population = populate(this.random, seed);
    this.rules = new RuleOracle(this.truth);
    this.log = new LogOracle(ORIGIN, this);
    this.disk.watch((tp, stored) => {
      this.#stored(tp, stored);
    });
  }

  get isQuiet(): boolean {
    return [...this.intake.keys()].every((input) => this.isAnswered(input));
  }

  isAnswered(input: string): boolean {
    return this.#answered.has(input) || this.quarantined.has(input);
  }

  count(what: string, by = 1): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + by);
  }

  /** A broker of its own for one client or process. */
  brokerFor(owner: string): SimulatedBroker {
    const { disk, schedule, time, random, faults } = this;
    const survives = (): boolean => this.#arrives ?? random.chance(0.5);
    return new SimulatedBroker({
      owner,
      disk,
      schedule,
      time,
      random,
      faults: faults.broker,
      survives,
    });
  }

  /** Remembers the first thing that went wrong; the simulation ends there. */
  fail(code: Broken, message: string): void {
    this.broken ??= new InvariantBroken(code, message);
  }

  /** Runs what must not throw into the code under test. */
  guard(check: () => void): void {
    try {
      check();
    } catch (error) {
      if (!(error instanceof InvariantBroken)) throw error;
      this.broken ??= error;
    }
  }

  accept(placed: OracleEntry): void {
    const { entry, index, leaf } = placed;
    if ('input' in entry) this.#answered.add(entry.input);
    this.count(`entry ${entry.type}${'code' in entry ? ` ${entry.code}` : ''}`);
    this.trace.note(`  entry ${index} ${entry.type} ${entry.at} ${leaf.slice(7, 19)}`);
    const lastMs = this.rules.lastMs;
    this.rules.accept(placed);
    this.#countGrant(entry);
    this.#countItem(entry);
    this.#countCompany(entry);
    this.#countModels(entry);
    this.#countChange(entry);
    if (index > 0) this.#assertTime(entry, lastMs);
    this.#assertContent(entry);
    if (entry.type === 'state-committed') {
      const isSame =
        entry.size === this.fold.size && entry.state_digest === this.fold.stateDigest();
      hold(isSame, 'REPLAY_DIFFERS', `state-committed at ${index}`);
    }
    this.fold.evolve(entry, { index, leaf });
  }

  #countGrant(entry: Entry): void {
    if (entry.type === 'use-refused' && entry.constraint !== undefined) {
      this.count(`constraint ${entry.constraint}`);
    }
    const isOfGrant =
      entry.type === 'binding-used' &&
      this.rules.actions.get(entry.action_id)?.admission.bounds !== undefined;
    if (isOfGrant) this.count('grants used');
    const isLent = entry.type === 'decision-accepted' && entry.for !== undefined;
    if (isLent) this.count('decisions of deputies');
  }

  #countCompany(entry: Entry): void {
    if (entry.type === 'decision-accepted' && entry.membership !== undefined) {
      this.count('decisions of members');
    }
    if (entry.type === 'request-admitted' && entry.delegation !== undefined) {
      this.count(`chains of ${entry.delegation.length}`);
    }
    if (entry.type === 'binding-made' && this.rules.company.isCut(entry)) {
      this.count('bindings cut by a sign-in');
    }
    if (entry.type !== 'authority-changed' || entry.change.change === 'bound') return;
    if (entry.change.identity !== undefined) this.count('enrolments of members');
  }

  #countModels(entry: Entry): void {
    if (entry.type === 'authority-changed') {
      const isAttested =
        entry.change.change !== 'bound' && entry.change.statement.attestation !== undefined;
      if (isAttested) this.count('enrolments of attested keys');
      return;
    }
    if (entry.type !== 'decision-accepted' && entry.type !== 'decision-refused') return;
    const { attested } = this.rules.actions.get(entry.action_id)?.admission.requirement ?? {};
    if (attested === undefined) return;
    if (entry.type === 'decision-accepted') this.count('decisions of attested keys');
    else if (entry.code === 'AUTHENTICATOR_CLASS') this.count('decisions of other keys refused');
  }

  #countItem(entry: Entry): void {
    if (entry.type !== 'binding-used') return;
    const { batch } = this.rules.actions.get(entry.action_id)?.admission ?? {};
    if (batch !== undefined) this.count(batch.order === 'any' ? 'items used' : 'steps used');
  }

  #countChange(entry: Entry): void {
    if (entry.type !== 'authority-changed' || entry.change.change !== 'bound') return;
    const [, kind] = /"change":\{.*?"kind":"([a-z-]+)"/.exec(entry.change.action) ?? [];
    if (kind !== undefined) this.count(`change ${kind}`);
  }

  batchAccepted(batch: Batch): void {
    const end = this.disk.recordsOf('intake').length;
    const isWithin = batch.intakeOffsetAfter >= 0 && batch.intakeOffsetAfter <= end;
    hold(isWithin, 'RULE', `intake offset ${batch.intakeOffsetAfter} of ${end}`);
  }

  /** Ledger time comes from the intake alone: design §5. */
  #assertTime(entry: Entry, lastMs: number): void {
    const atMs = timestampMs(entry.at);
    const isFromIntake = atMs === lastMs || this.#intakeTimes.has(atMs);
    hold(isFromIntake, 'TIME', `${entry.type} at a time that no input has`);
    if (!('input' in entry)) return;
    const arrivedMs = this.intake.get(entry.input);
    // Decided at the time of another input: it was held, and joined or given up.
    if (entry.type === 'decision-accepted' && arrivedMs !== atMs) this.count('joined decisions');
    hold(arrivedMs !== undefined, 'FORGED', `${entry.type} answers an input that never arrived`);
    hold(atMs >= arrivedMs, 'TIME', `${entry.type} is before its input`);
  }

  #assertContent(entry: Entry): void {
    const digest = contentOf(entry);
    if (digest === undefined || !('action_id' in entry)) return;
    const isErased = this.rules.actions.get(entry.action_id ?? '')?.isErased === true;
    const isThere = isErased || this.#content.has(digest);
    hold(isThere, 'CONTENT', `${entry.type} is in the log, its content nowhere`);
  }

  #stored(tp: TopicPartition, stored: readonly StoredRecord[]): void {
    this.guard(() => {
      this.log.stored(tp, stored);
      for (const record of stored) this.#storedBeside(tp, record);
    });
  }

  #storedBeside({ topic }: TopicPartition, { value, offset, appendTimeMs }: StoredRecord): void {
    if (value === null) return;
    try {
      if (topic === 'intake') {
        this.#intakeTimes.add(appendTimeMs);
        const { kind, payload, actionId } = decodeIntake(value);
        if (kind === 'Tick') return;
        const input = inputOf(payload);
        if (!this.intake.has(input)) this.intake.set(input, appendTimeMs);
        this.inputs.set(offset, { input, actionId });
      } else if (topic === 'content') {
        const { kind, digest, body } = decodeContent(value);
        const tag = kind === 'ACTION' ? 'countersign/action/v1' : 'countersign/rationale/v1';
        hold(digestBytes(tag, body) === digest, 'CONTENT', 'a body that is not that of its digest');
        this.#content.add(digest);
      } else if (topic === 'quarantine') {
        const { inputDigest: digest, reason } = decodeQuarantined(value);
        this.quarantined.set(digest, [...(this.quarantined.get(digest) ?? []), reason]);
        this.count(`quarantined ${reason.replace(/\d+/, 'N')}`);
      }
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
    }
  }
}

/** The content that must be durable before an entry speaks of it. */
export function contentOf(entry: Entry): Digest | undefined {
  if (entry.type === 'request-admitted') return entry.action_digest;
  const isDecided = entry.type === 'decision-accepted' || entry.type === 'binding-revoked';
  return isDecided ? entry.statement.rationale_digest : undefined;
}
