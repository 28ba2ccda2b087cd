import { setImmediate as macrotask } from 'node:timers/promises';
import { makeUlid } from '@countersign/canonical';
import { BrokerError } from '@countersign/broker';
import { found } from '@countersign/ledger';
import { Crowd } from './crowd.ts';
import { InvariantBroken, hold } from './invariant-broken.ts';
import { LedgerProcess, startProjector, type PlantFault } from './ledger-process.ts';
import { assertSettled, unsettled } from './settlement.ts';
import { KeptSnapshots, forge } from './simulated-snapshots.ts';
import { StoredRows } from './simulated-store.ts';
import { NO_BROKER_FAULTS } from './simulated-broker.ts';
import type { Frame } from './signed-truth.ts';
import { verifyToySignature } from './toy-signature.ts';
import { World } from './world.ts';

export interface SimulationOptions {
  readonly seed: number;
  readonly plant?: PlantFault;
  /** Gets each line of the trace. */
  readonly print?: (line: string) => void;
  /** Nothing goes wrong but this: every process dies before that step, and what was on its way arrives or not. */
  readonly onlyKill?: { readonly beforeStep: number; readonly arrives: boolean };
}

export interface SimulationResult {
  readonly seed: number;
  readonly broken: InvariantBroken | undefined;
  /** The same for every run of a seed. */
  readonly traceDigest: string;
  readonly steps: number;
  readonly counts: ReadonlyMap<string, number>;
}

const SETTLE_STEPS_MAX = 40_000;
const SETTLE_MS_MAX = 400_000;
const LOOK_EVERY = 64;
const PROCESSES_MAX = 3;

/** One run of the ledger against everything that can happen to it, all of it chosen by the seed. */
export class Simulation {
  readonly world: World;
  readonly #options: SimulationOptions;
  readonly #crowd: Crowd;
  readonly #processes: LedgerProcess[] = [];
  readonly #rows = new Map<LedgerProcess, StoredRows>();
  readonly snapshots: KeptSnapshots[] = [];
  readonly #hasProjectors: boolean;
  readonly #isLong: boolean;
  #serial = 0;
  #steps = 0;
  #hasKilled = false;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.world = new World(options);
    this.#crowd = new Crowd(this.world, (frame) => this.#submit(frame));
    this.#isLong = options.onlyKill === undefined && options.seed % LONG_EVERY === 0;
    this.#hasProjectors = this.world.random.chance(options.onlyKill === undefined ? 0.3 : 1);
  }

  async run(): Promise<SimulationResult> {
    const { world } = this;
    try {
      await this.#found();
      this.#start();
      await this.#turmoil();
      await this.#calm();
      if (world.broken === undefined) await assertSettled(world);
    } catch (error) {
      if (!(error instanceof InvariantBroken)) throw error;
      world.broken ??= error;
    }
    world.count('lost batches', world.log.lostBatches);
    world.count('batches', world.log.batches);
    world.count('recoveries used', world.rules.recoveries.used);
    world.count('entries', world.log.size);
    return {
      seed: this.#options.seed,
      broken: world.broken,
      traceDigest: world.trace.digest(),
      steps: this.#steps,
      counts: world.counts,
    };
  }

  /** Somebody runs `init`; nothing goes wrong there. */
  async #found(): Promise<void> {
    const { world } = this;
    const founding = found({
      broker: world.brokerFor('init'),
      entry: world.population.founding,
      epoch: makeUlid(world.time.nowMs, new Uint8Array(10)),
      verifySignature: verifyToySignature,
    });
    const progress = { isDone: false };
    void founding.then(() => {
      progress.isDone = true;
    });
    while (!progress.isDone) await this.#step();
  }

  get #alive(): LedgerProcess[] {
    return this.#processes.filter(({ isAlive }) => isAlive);
  }

  #start(): LedgerProcess {
    const rows = this.#rowsForOne();
    this.#serial += 1;
    const { plant } = this.#options;
    const name = `p${this.#serial}`;
    const one = new LedgerProcess(this.world, {
      name,
      plant: plant ?? ((ports) => ports),
      rows,
      snapshots: this.#snapshotsForOne(),
    });
    if (rows !== undefined) this.#rows.set(one, rows);
    this.#processes.push(one);
    this.world.trace.note(`start ${one.name}`);
    one.start();
    return one;
  }

  /** Those that a dead process has left, or none yet: each store has one process at a time. */
  #rowsForOne(): StoredRows | undefined {
    if (!this.#hasProjectors) return undefined;
    const { random } = this.world;
    const taken = new Set(this.#alive.map((one) => this.#rows.get(one)));
    const left = [...new Set(this.#rows.values())].filter((rows) => !taken.has(rows));
    return random.chance(0.8) ? (random.ofOrNone(left) ?? new StoredRows()) : new StoredRows();
  }

  /** One that somebody has left, and may have forged since; that another process uses too, now and then. */
  #snapshotsForOne(): KeptSnapshots | undefined {
    const { random } = this.world;
    if (random.chance(0.1)) return undefined;
    const filled = this.snapshots.filter(({ newest }) => newest !== undefined);
    let kept = random.ofOrNone(filled.length > 0 ? filled : this.snapshots);
    if (kept === undefined || random.chance(0.1)) {
      kept = new KeptSnapshots();
      this.snapshots.push(kept);
    }
    if (random.chance(this.#isLong ? 0.1 : 0.5)) forge(this.world, kept);
    return kept;
  }

  /** Now and then nothing happens until a recovery may be used. */
  async #isWaitedFor(): Promise<boolean> {
    const { rules, random, time } = this.world;
    const [next] = [...rules.recoveries.pending.values()].filter(
      ({ opensMs }) => opensMs > time.nowMs,
    );
    if (next === undefined || !random.chance(0.05)) return false;
    await this.#endTheDay();
    time.advance(Math.max(0, next.opensMs + 1 - time.nowMs));
    return true;
  }

  async #submit(frame: Frame): Promise<void> {
    const one = this.world.random.ofOrNone(this.#alive);
    if (one === undefined) throw new BrokerError('BROKER_UNAVAILABLE', 'nobody answers the client');
    await one.submit(frame);
  }

  readonly #isPaused = (owner: string): boolean =>
    this.#processes.some(({ name, isPaused }) => isPaused && name === owner);

  /** One thing that is under way happens; when there is none, time passes until there is. */
  async #step(idleMs = 1): Promise<void> {
    const { schedule, random, time, trace } = this.world;
    if (this.#options.onlyKill?.beforeStep === this.#steps && !this.#hasKilled) this.#kill();
    const task = random.ofOrNone(schedule.ready(this.#isPaused));
    if (task === undefined) {
      const wakeMs = schedule.nextWakeMs(this.#isPaused) ?? time.nowMs + 1_000;
      time.advance(Math.max(idleMs, wakeMs - time.nowMs));
    } else {
      this.#steps += 1;
      const says = schedule.run(task);
      trace.note(`${time.nowMs} ${task.owner} ${task.label}: ${says}`);
    }
    // All promises that follow from it have settled by then.
    await macrotask();
    if (this.world.broken !== undefined) throw this.world.broken;
  }

  #kill(): void {
    this.#hasKilled = true;
    this.world.trace.note('kill');
    for (const one of this.#alive) one.crash();
    this.#start();
  }

  async #turmoil(): Promise<void> {
    const { world } = this;
    const { random, time, trace } = world;
    const plan = this.#options.onlyKill === undefined ? planOf(world, this.#isLong) : CALM_PLAN;
    this.#setFaults(plan);
    for (let deeds = 0; deeds < plan.deeds;) {
      const what = random.weighted({
        step: plan.stepsPerDeed,
        deed: 1,
        time: plan.time,
        fault: plan.fault,
      });
      if (what === 'deed') {
        deeds += 1;
        if (plan.isPatient) await this.#waitForAnswer();
        trace.note(`deed ${this.#crowd.act()}`);
        await macrotask();
      } else if (what === 'time') {
        if (await this.#isWaitedFor()) continue;
        const isNight = plan.hasNights && random.chance(0.1);
        if (isNight) await this.#endTheDay();
        time.advance(isNight ? NIGHT_MS : random.of(TIME_LEAPS_MS));
      } else if (what === 'fault') {
        trace.note(`fault ${this.#fault(plan)}`);
      } else {
        await this.#step();
      }
    }
  }

  async #waitForAnswer(): Promise<void> {
    for (let i = 0; i < PATIENCE_STEPS && !this.#crowd.isAnswered; i += 1) await this.#step();
  }

  /** What has come is answered first: no snapshot is used over a batch that was decided long before it was appended. */
  async #endTheDay(): Promise<void> {
    if (!this.#isLong) return;
    for (let i = 0; i < DAY_STEPS_MAX && !this.world.isQuiet; i += 1) await this.#step();
  }

  #setFaults(plan: Plan): void {
    const { random, faults } = this.world;
    const upTo = (most: number): number => (plan.isCalm ? 0 : (random.below(1_000) / 1_000) * most);
    Object.assign(faults.broker, {
      refuse: upTo(0.1),
      loseAnswer: upTo(0.15),
      lose: upTo(0.08),
      landLate: upTo(0.12),
      readError: upTo(0.05),
      shortRead: upTo(0.3),
      staleRead: upTo(0.4),
    });
    faults.signerFails = upTo(0.3);
  }

  #fault(plan: Plan): string {
    const kind = this.world.random.weighted(plan.faults);
    this.world.count(`fault ${kind}`);
    if (isFaultOfOne(kind)) {
      const one = this.world.random.ofOrNone(this.#alive);
      return one === undefined ? `${kind} nobody` : this.#faultOf(one, kind, plan);
    }
    return `${kind} ${this.#faultOfAll(kind, plan)}`;
  }

  #faultOfAll(kind: FaultOfAll, { skewMs }: Plan): string {
    const { random, faults, time } = this.world;
    switch (kind) {
      case 'start':
        if (this.#alive.length < PROCESSES_MAX) this.#start();
        return '';
      case 'signer':
        faults.isSignerAway = !faults.isSignerAway;
        return faults.isSignerAway ? 'away' : 'back';
      case 'broker':
        faults.broker.isAway = !faults.broker.isAway;
        return faults.broker.isAway ? 'away' : 'back';
      case 'broker-clock':
        time.brokerSkewMs = random.between(-skewMs, skewMs);
        return String(time.brokerSkewMs);
    }
  }

  #faultOf(one: LedgerProcess, kind: FaultOfOne, { skewMs }: Plan): string {
    const { random } = this.world;
    switch (kind) {
      case 'crash':
        one.crash();
        if (this.#alive.length === 0 || random.chance(0.7)) this.#start();
        break;
      case 'pause':
        one.isPaused = !one.isPaused;
        if (one.isPaused && this.#alive.every(({ isPaused }) => isPaused)) this.#start();
        break;
      case 'stop':
        one.stop();
        break;
      case 'fence':
        one.fence();
        break;
      case 'clock':
        one.clock.skewMs = random.between(-skewMs, skewMs);
        break;
    }
    return `${kind} ${one.name}`;
  }

  /** Faults stop, clocks are right, whoever died is started again: all that is left must be answered. */
  async #calm(): Promise<void> {
    const { world } = this;
    const { time, trace, faults } = world;
    trace.note('calm');
    Object.assign(faults.broker, NO_BROKER_FAULTS);
    faults.isSignerAway = false;
    faults.signerFails = 0;
    time.brokerSkewMs = 0;
    for (const one of this.#processes) {
      one.isPaused = false;
      one.clock.skewMs = 0;
    }
    const untilMs = time.nowMs + SETTLE_MS_MAX;
    let waiting = ['a first look'];
    for (let i = 0; i < SETTLE_STEPS_MAX && time.nowMs < untilMs; i += 1) {
      if (this.#alive.length === 0) {
        time.advance(RESTART_MS);
        this.#start();
      }
      if (i % LOOK_EVERY === 0) {
        waiting = unsettled(world);
        if (waiting.length === 0) return this.#end();
      }
      await this.#step(CALM_IDLE_MS);
    }
    const states = this.#alive.map((one) => `${one.name} ${one.status}`).join(', ');
    throw new InvariantBroken('UNANSWERED', `${waiting.join(', ')}; ${states}`);
  }

  /** What is left to do of what is settled: erasures, positions, readers that catch up. */
  async #end(): Promise<void> {
    await this.#pass(3_000);
    for (const one of this.#alive) one.crash();
    if (this.#hasProjectors) await this.#assertRebuilt();
  }

  async #pass(ms: number): Promise<void> {
    const untilMs = this.world.time.nowMs + ms;
    while (this.world.time.nowMs < untilMs) await this.#step();
  }

  /** Read models built from nothing are those that were kept through everything. */
  async #assertRebuilt(): Promise<void> {
    const kept = [...new Set(this.#rows.values())];
    const rebuilt = new StoredRows();
    for (const [at, rows] of [...kept, rebuilt].entries()) {
      startProjector(this.world, `projector ${at}`, rows);
    }
    await this.#pass(2_000);
    for (const rows of kept) {
      hold(rows.dump() === rebuilt.dump(), 'READ_MODEL_DIFFERS', `${rows.rows.size} rows`);
    }
  }
}

/** One in so many seeds goes on until a snapshot no longer reaches back to the beginning. */
const LONG_EVERY = 25;
const DAY_STEPS_MAX = 200;
const PATIENCE_STEPS = 30;
const RESTART_MS = 5_000;
/** Nobody is woken early, and everybody may be woken late. */
const CALM_IDLE_MS = 4_000;
const TIME_LEAPS_MS = [1, 1, 10, 10, 100, 100, 500, 500, 1_000, 1_000, 2_000, 5_000, 25_000];
/** Longer than answers are remembered. */
const NIGHT_MS = 650_000;

type FaultOfOne = 'crash' | 'pause' | 'stop' | 'fence' | 'clock';
type FaultOfAll = 'start' | 'signer' | 'broker' | 'broker-clock';

const FAULTS_OF_ONE: ReadonlySet<string> = new Set<FaultOfOne>([
  'crash',
  'pause',
  'stop',
  'fence',
  'clock',
]);

function isFaultOfOne(kind: FaultOfOne | FaultOfAll): kind is FaultOfOne {
  return FAULTS_OF_ONE.has(kind);
}

/** How one seed treats the ledger. */
interface Plan {
  readonly deeds: number;
  readonly stepsPerDeed: number;
  readonly time: number;
  readonly fault: number;
  readonly faults: Readonly<Partial<Record<FaultOfOne | FaultOfAll, number>>>;
  readonly skewMs: number;
  /** Every call has its effect and its answer. */
  readonly isCalm: boolean;
  readonly hasNights: boolean;
  /** Whether people mostly see what came of one thing before they begin the next. */
  readonly isPatient: boolean;
}

const CALM_PLAN: Plan = {
  deeds: 14,
  stepsPerDeed: 12,
  time: 0.3,
  fault: 0,
  faults: {},
  skewMs: 0,
  isCalm: true,
  hasNights: false,
  isPatient: false,
};

/** Processes that die, on a broker that loses things, for days. */
const LONG_PLAN: Plan = {
  deeds: 250,
  stepsPerDeed: 12,
  time: 0.5,
  fault: 0.15,
  faults: { crash: 5, start: 1, stop: 1 },
  skewMs: 0,
  isCalm: false,
  hasNights: true,
  isPatient: false,
};

function planOf({ random, population }: World, isLong: boolean): Plan {
  const { isCompany, hasMakers } = population;
  const { isPatient } = population.bent;
  const isCalm = random.chance(0.15);
  if (isLong) return LONG_PLAN;
  return {
    deeds: random.between(6, 30),
    isPatient: random.chance(0.4) || isPatient || isCompany || hasMakers,
    stepsPerDeed: random.of([3, 8, 15, 30]),
    time: random.of([0.1, 0.3, 0.6]),
    fault: random.of([0.02, 0.1, 0.3]),
    faults: {
      crash: 5,
      pause: random.of([0, 3, 8]),
      stop: 1,
      fence: random.of([0, 0, 1]),
      clock: random.of([0, 2, 4]),
      start: random.of([0, 2, 6]),
      signer: random.of([0, 1]),
      broker: random.of([0, 1]),
      'broker-clock': random.of([0, 1]),
    },
    skewMs: random.of([0, 1_000, 90_000, 200_000]),
    isCalm,
    hasNights: random.chance(0.15),
  };
}

export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  return new Simulation(options).run();
}
