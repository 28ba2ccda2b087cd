import { BrokerError, type Broker } from '@countersign/broker';
import { makeUlid, type VerifySignature } from '@countersign/canonical';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import {
  CLOCK_JUMP_MS,
  LedgerError,
  Router,
  Writer,
  runTicker,
  type LedgerClock,
  type RouterPositions,
} from '@countersign/ledger';
import { LogReader } from '@countersign/log-reader';
import { Projector } from '@countersign/projector';
import type { NoteSigner } from '@countersign/tlog';
import { LIMITS, ORIGIN, TENANT } from './population.ts';
import type { SimulatedBroker } from './simulated-broker.ts';
import { simulatedSigner } from './simulated-signer.ts';
import { simulatedSnapshots, type KeptSnapshots } from './simulated-snapshots.ts';
import { simulatedStore, type StoredRows } from './simulated-store.ts';
import { SimulatedClock } from './simulated-time.ts';
import type { Frame } from './signed-truth.ts';
import { verifyToySignature } from './toy-signature.ts';
import { inputOf, type World } from './world.ts';
import { POLICY_ENGINE } from '../../support/policy-engine.ts';

/** What a process sees of the world. */
export interface Ports {
  readonly broker: Broker;
  readonly signer: NoteSigner;
  readonly verifySignature: VerifySignature;
}

/** Puts a fault of the ledger's own making between its code and its ports; none, unless a test plants one. */
export type PlantFault = (ports: Ports, world: World) => Ports;

const READ_RECORDS = 2_000;
const FOLLOW_WAIT_MS = 500;
const FOLLOW_PAUSE_MS = 100;

interface ProcessParts {
  readonly name: string;
  readonly plant: PlantFault;
  /** Read models that a process before this one has left; none in a process without a projector. */
  readonly rows?: StoredRows | undefined;
  /** What processes before this one have left, or one beside it keeps; none in a process that reads the whole log. */
  readonly snapshots?: KeptSnapshots | undefined;
}

/** One life of a process with all services of the ledger in it. */
export class LedgerProcess {
  readonly name: string;
  readonly clock: SimulatedClock;
  readonly #world: World;
  readonly #broker: SimulatedBroker;
  readonly #ports: Ports;
  readonly #writer: Writer;
  readonly #router: Router;
  readonly #projector: Projector | undefined;
  readonly #snapshots: KeptSnapshots | undefined;
  isAlive = true;
  isPaused = false;
  #isStopping = false;
  #isFenced = false;
  #hasSeenJump = false;

  constructor(world: World, { name, plant, rows, snapshots }: ProcessParts) {
    this.#world = world;
    this.name = name;
    this.#snapshots = snapshots;
    const { schedule, time, population, random } = world;
    this.clock = new SimulatedClock({ owner: name, time, schedule });
    this.#broker = world.brokerFor(name);
    this.#ports = plant(
      {
        broker: this.#broker,
        signer: simulatedSigner(world, name),
        verifySignature: verifyToySignature,
      },
      world,
    );
    const clock: LedgerClock = this.clock;
    this.#writer = new Writer({
      ...this.#ports,
      signers: [this.#ports.signer],
      clock: {
        nowMs: () => this.#noteJump(clock.nowMs()),
        sleep: (ms) => clock.sleep(ms),
      },
      descriptors: BUILTIN_DESCRIPTORS,
      policyEngine: POLICY_ENGINE,
      origin: ORIGIN,
      logKeys: [population.vkey],
      epoch: makeUlid(time.nowMs, random.bytes(10)),
      limits: LIMITS,
      ...(snapshots !== undefined && {
        snapshots: {
          store: simulatedSnapshots(world, name, snapshots),
          everyMs: random.of([0, 0, 5_000]),
        },
      }),
    });
    this.#router = new Router({
      broker: this.#ports.broker,
      clock,
      positions: positionsOf(world),
      partitionOf: (tenant) => (tenant === TENANT ? 0 : undefined),
    });
    this.#projector =
      rows === undefined ? undefined : projectorOf(world, this, { rows, ...this.#ports });
  }

  get status(): string {
    const { state, sealedSize, acceptedSize, intakeOffset } = this.#writer.status;
    return `${state} ${sealedSize}/${acceptedSize} @${intakeOffset}`;
  }

  start(): void {
    const { broker } = this.#ports;
    const ticker = runTicker({
      broker,
      clock: this.clock,
      nextDeadlineMs: () => this.#writer.nextDeadlineMs,
      isStopped: () => this.#isStopping,
      partition: 0,
    });
    const projecting = this.#projector?.run() ?? Promise.resolve();
    Promise.all([this.#writer.run(), this.#router.run(), ticker, this.#follow(), projecting]).then(
      () => {
        this.crash();
      },
      (error: unknown) => {
        this.#failed(error);
      },
    );
  }

  /** A part has given up, and takes the process with it. */
  #failed(error: unknown): void {
    if (!this.isAlive) return;
    if (!this.#isExcused(error)) this.#world.fail('SERVICE_STOPPED', describe(error));
    this.#world.count(`stopped ${codeOf(error)}`);
    this.crash();
  }

  /** kill -9: nothing of it runs any more. What it sent and was not answered may still arrive. */
  crash(): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    const { startSize, notUsed } = this.#writer.status.snapshot;
    if (startSize > 0) {
      const isFromMiddle = (this.#snapshots?.loadedFrom ?? 0) > 0;
      this.#world.count(`snapshot used${isFromMiddle ? ' from the middle' : ''}`);
    }
    if (notUsed !== undefined) this.#world.count(`snapshot ${notUsed}`);
    this.#world.schedule.crash(this.name);
  }

  /** As on SIGTERM; it ends by itself. */
  stop(): void {
    this.#isStopping = true;
    this.#writer.stop();
    this.#router.stop();
    this.#projector?.stop();
  }

  fence(): void {
    this.#isFenced = true;
    this.#broker.fence();
  }

  /** Takes an input from a client of this process. */
  async submit({ kind, actionId, bytes }: Frame): Promise<void> {
    const { offset, input } = await this.#router.submit({
      kind,
      tenant: TENANT,
      actionId,
      payload: bytes,
    });
    this.#world.submitted.push({ offset, input });
    if (input !== inputOf(bytes)) this.#world.fail('WRONG_ANSWER', 'an input digest');
  }

  /** What the simulation itself did to it is no fault of the ledger. */
  #isExcused(error: unknown): boolean {
    const cause = error instanceof LedgerError ? error.cause : error;
    if (cause instanceof BrokerError && cause.kind === 'fenced') return this.#isFenced;
    if (error instanceof LedgerError && error.code === 'CLOCK_JUMP') {
      return this.#hasSeenJump;
    }
    return false;
  }

  /** At the moment that the writer looks at its clock: it may stop much later, when a signer has come back. */
  #noteJump(nowMs: number): number {
    const { disk, fold } = this.#world;
    const newestMs = Math.max(disk.recordsOf('intake').at(-1)?.appendTimeMs ?? 0, fold.lastAtMs);
    if (newestMs > nowMs + CLOCK_JUMP_MS) this.#hasSeenJump = true;
    return nowMs;
  }

  /** Somebody who reads the log through this process and believes what is sealed, as a client does. */
  async #follow(): Promise<void> {
    const { broker, verifySignature } = this.#ports;
    const { population, acknowledged } = this.#world;
    const reader = new LogReader({ origin: ORIGIN, logKeys: [population.vkey], verifySignature });
    const tp = { topic: 'log', partition: 0 } as const;
    while (!this.#isStopping) {
      try {
        if (!(await broker.waitBeyond(tp, reader.nextOffset, FOLLOW_WAIT_MS))) continue;
        for (const record of await broker.read(tp, reader.nextOffset, READ_RECORDS)) {
          const event = await reader.read(record);
          if (event?.kind !== 'sealed') continue;
          for (const { index, leafHash } of event.batches.flatMap(({ entries }) => entries)) {
            acknowledged.push({ index, leaf: `sha256:${Buffer.from(leafHash).toString('hex')}` });
          }
        }
      } catch (error) {
        if (!(error instanceof BrokerError)) throw error;
        await this.clock.sleep(FOLLOW_PAUSE_MS);
      }
    }
  }
}

function projectorOf(
  world: World,
  { name, clock }: Pick<LedgerProcess, 'name' | 'clock'>,
  parts: Pick<Ports, 'broker' | 'verifySignature'> & { readonly rows: StoredRows },
): Projector {
  return new Projector({
    broker: parts.broker,
    store: simulatedStore(world, name, parts.rows),
    clock,
    verifySignature: parts.verifySignature,
    origin: ORIGIN,
    logKeys: [world.population.vkey],
    descriptors: BUILTIN_DESCRIPTORS,
  });
}

/** A process that only brings read models up to date. */
export function startProjector(world: World, name: string, rows: StoredRows): void {
  const { time, schedule } = world;
  const clock = new SimulatedClock({ owner: name, time, schedule });
  const broker = world.brokerFor(name);
  const parts = { broker, verifySignature: verifyToySignature, rows };
  projectorOf(world, { name, clock }, parts)
    .run()
    .catch((error: unknown) => {
      world.fail('SERVICE_STOPPED', describe(error));
    });
}

const moved = new WeakMap<World, Map<string, number>>();

/** Kept beside the log, and not with care: what is saved may be lost. */
function positionsOf(world: World): RouterPositions {
  const kept = moved.get(world) ?? new Map<string, number>();
  moved.set(world, kept);
  return {
    load: ({ topic, partition }) => Promise.resolve(kept.get(`${topic}/${partition}`) ?? 0),
    save: ({ topic, partition }, next) => {
      if (world.random.chance(0.8)) kept.set(`${topic}/${partition}`, next);
      return Promise.resolve();
    },
  };
}

function codeOf(error: unknown): string {
  return error instanceof LedgerError || error instanceof BrokerError ? error.code : 'UNKNOWN';
}

function describe(error: unknown): string {
  return error instanceof Error
    ? `${error.name} ${codeOf(error)} ${error.message}\n${error.stack ?? ''}`
    : 'unknown';
}
