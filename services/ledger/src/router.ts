import {
  splitForAppend,
  type Broker,
  type NewRecord,
  type StoredRecord,
  type TopicPartition,
} from '@countersign/broker';
import type { Digest } from '@countersign/canonical';
import { activeTrace, inSpan, traceContextOf } from '@countersign/tracing';
import {
  ROUTER_SOURCE,
  WireError,
  decodePublic,
  type PublicEvent,
  type PublicTopic,
} from '@countersign/wire';
import {
  inputDigest,
  intakeRecord,
  quarantineRecord,
  type Submission,
  type SubmitKind,
} from './intake-input.ts';
import { LedgerError } from '@countersign/log-reader';
import { leftInput } from './left-intake.ts';
import type { LedgerClock } from './ledger-clock.ts';
import { routingFault } from './routing.ts';
import { PartitionMovers, type InputPartition } from './partition-movers.ts';
import { Patience, StopSignal } from './patience.ts';

const MOVE_RECORDS = 500;
const IDLE_WAIT_MS = 250;
/** How long a partition that was added to a topic may wait for the router to notice it. */
const PARTITIONS_AGE_MS = 10_000;

const KINDS: Readonly<Record<PublicTopic, SubmitKind>> = {
  'action-requested': 'request',
  'decision-made': 'decision',
  'use-claimed': 'use',
  'execution-reported': 'report',
  'finding-submitted': 'finding',
};

export const PUBLIC_TOPICS = Object.keys(KINDS) as readonly PublicTopic[];

/**
 * How far the public topics were moved. `save` MAY be lost, or come after that of another router: what was moved is then
 * moved again, and the ledger answers it as it did before.
 */
export interface RouterPositions {
  load(from: TopicPartition): Promise<number>;
  save(from: TopicPartition, nextOffset: number): Promise<void>;
}

/** The intake of a shard that a ledger has left. */
export interface LeftIntake {
  readonly tenant: string;
  readonly partition: number;
  /** The log has decided what stands before it. */
  readonly fromOffset: number;
}

type PartitionsOf = (topic: PublicTopic) => Promise<number>;

export interface RouterOptions {
  readonly broker: Broker;
  readonly clock: LedgerClock;
  readonly positions: RouterPositions;
  /** The partition of the tenant's shard; undefined for a tenant that no shard has. */
  readonly partitionOf: (tenant: string) => number | undefined;
  /** Intakes that a ledger has left: what still comes to them goes to where it is now. */
  readonly left?: readonly LeftIntake[];
  /**
   * How many partitions a public topic has now; one unless given. Asked again and again, so one that is added is noticed.
   * `assigned`: the router moves what `assign` says, and at first nothing.
   */
  readonly publicPartitions?: PartitionsOf | 'assigned';
}

export interface Submitted {
  /** By which the answer is found. */
  readonly input: Digest;
  readonly offset: number;
}

/** Brings every input to the one intake partition that decides on it. */
export class Router {
  readonly #options: RouterOptions;
  readonly #movers: PartitionMovers;
  readonly #stopped: Promise<void>;
  #onStop: () => void = () => undefined;
  #isStopping = false;

  constructor(options: RouterOptions) {
    this.#options = options;
    this.#stopped = new Promise((resolve) => {
      this.#onStop = resolve;
    });
    this.#movers = new PartitionMovers((from, isDue) => this.#moveFrom(from, isDue));
  }

  /**
   * Appends an input to the intake of its shard. Durable once it resolves.
   *
   * Crash story: the append is the only step. After an error of kind `indefinite` it may have happened:
   * sending the same bytes again is safe, since the ledger answers an input by its digest once.
   *
   * @throws WireError WIRE_LIMIT; BrokerError; LedgerError TENANT_UNKNOWN
   */
  async submit(submission: Submission): Promise<Submitted> {
    const partition = this.#options.partitionOf(submission.tenant);
    if (partition === undefined) {
      throw new LedgerError('TENANT_UNKNOWN', 'expected a tenant of this installation');
    }
    const { kind, tenant, payload } = submission;
    const attributes = { 'countersign.kind': kind, 'countersign.tenant': tenant };
    return inSpan('router.submit', { kind: 'producer', attributes }, async () => {
      const trace = activeTrace() ?? submission.trace;
      const record = intakeRecord({ ...submission, ...(trace !== undefined && { trace }) });
      const tp = { topic: 'intake', partition } as const;
      const { firstOffset } = await this.#options.broker.append(tp, [record]);
      return { input: inputDigest(payload), offset: firstOffset };
    });
  }

  /**
   * Moves what others publish on the public topics until it is stopped: everything, or what it is assigned.
   *
   * @throws BrokerError, WireError: starting again is safe
   */
  async run(): Promise<void> {
    try {
      await Promise.race([this.#keepAssigned(), this.#movers.failed]);
    } finally {
      this.#isStopping = true;
      await this.#movers.set([]);
    }
  }

  /**
   * Moves these partitions from now on and no others, where `publicPartitions` is `assigned`. Resolves once those that it
   * moved before and gives up are at rest, each with its position saved: then another may have them. Two routers on one partition
   * move its records twice, which costs the ledger work and changes nothing.
   */
  async assign(partitions: readonly InputPartition[]): Promise<void> {
    if (!this.#isStopping) await this.#movers.set(partitions);
  }

  stop(): void {
    this.#isStopping = true;
    this.#onStop();
  }

  async #keepAssigned(): Promise<void> {
    const { publicPartitions: partitionsOf } = this.#options;
    if (partitionsOf === undefined)
      await this.assign([...(await everyPartition(oneOfEach)), ...this.#leftIntakes]);
    else if (partitionsOf !== 'assigned') await unlessStopped(() => this.#follow(partitionsOf));
    await this.#stopped;
  }

  /** Asked anew: it changes while something is waited for. */
  #hasStopped(): boolean {
    return this.#isStopping;
  }

  async #follow(partitionsOf: PartitionsOf): Promise<void> {
    const patience = this.#patienceWhile(() => true);
    while (!this.#isStopping) {
      const every = await patience.read(() => everyPartition(partitionsOf));
      await this.assign([...every, ...this.#leftIntakes]);
      let ageMs = 0;
      do {
        await this.#options.clock.sleep(IDLE_WAIT_MS);
        ageMs += IDLE_WAIT_MS;
      } while (ageMs < PARTITIONS_AGE_MS && !this.#hasStopped());
    }
  }

  #patienceWhile(isDue: () => boolean): Patience {
    return new Patience({
      clock: this.#options.clock,
      isStopped: () => this.#isStopping || !isDue(),
      onWait: () => undefined,
      onDone: () => undefined,
    });
  }

  async #moveFrom(from: InputPartition, isDue: () => boolean): Promise<void> {
    const { broker, positions } = this.#options;
    const patience = this.#patienceWhile(isDue);
    await unlessStopped(async () => {
      const start = this.#startOf(from);
      const kept = await patience.read(() => positions.load(from));
      const end = await patience.read(() => broker.end(from));
      // Beyond the end: the topic was made anew, and what is in it was never moved.
      let next = kept <= end ? Math.max(start, kept) : start;
      while (!this.#isStopping && isDue()) {
        const hasMore = await patience.read(() => broker.waitBeyond(from, next, IDLE_WAIT_MS));
        if (!hasMore) continue;
        const records = await patience.read(() => broker.read(from, next, MOVE_RECORDS));
        await this.#move(
          records.flatMap((record) => this.#route(record, from)),
          patience,
        );
        next = (records.at(-1)?.offset ?? next - 1) + 1;
        // Stopping between the move and this: the same records are moved again, and answered as before.
        await patience.read(() => positions.save(from, next));
      }
    });
  }

  get #leftIntakes(): InputPartition[] {
    return (this.#options.left ?? []).map(({ partition }) => ({ topic: 'intake', partition }));
  }

  #startOf({ topic, partition }: InputPartition): number {
    const left = topic === 'intake' ? this.#leftAt(partition) : [];
    return left.length === 0 ? 0 : Math.min(...left.map(({ fromOffset }) => fromOffset));
  }

  #leftAt(partition: number): LeftIntake[] {
    return (this.#options.left ?? []).filter((each) => each.partition === partition);
  }

  #route(record: StoredRecord, { topic, partition }: InputPartition): Routed[] {
    return topic === 'intake'
      ? this.#routeLeft(record, partition)
      : this.#routePublic(record, topic);
  }

  /** Whoever had not noticed yet that a ledger has moved, has sent it here. */
  #routeLeft(record: StoredRecord, partition: number): Routed[] {
    return this.#leftAt(partition).flatMap(({ tenant, fromOffset }) => {
      const now = this.#options.partitionOf(tenant);
      const input = record.offset < fromOffset ? undefined : leftInput(record, tenant);
      if (input === undefined || now === undefined || now === partition) return [];
      return [{ tp: { topic: 'intake', partition: now }, record: input }];
    });
  }

  /** Where a record goes. Which partition its producer chose means nothing. */
  #routePublic(record: StoredRecord, topic: PublicTopic): Routed[] {
    if (record.value === null) return [];
    const kind = KINDS[topic];
    const refused = (reason: string, payload: Uint8Array): Routed[] => [
      { tp: { topic: 'quarantine', partition: 0 }, record: refusal(kind, reason, payload) },
    ];
    let event: PublicEvent;
    try {
      event = decodePublic(topic, record.value);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      return refused('SCHEMA_INVALID', record.value);
    }
    const { tenant, actionId, payload } = event;
    const partition = this.#options.partitionOf(tenant);
    const fault =
      partition === undefined
        ? 'TENANT_UNKNOWN'
        : routingFault({ kind, tenant, actionId, payload });
    if (partition === undefined || fault !== undefined) {
      return refused(fault ?? 'TENANT_UNKNOWN', payload);
    }
    const tp = { topic: 'intake', partition } as const;
    const trace = traceContextOf(record.headers);
    const input = { kind, tenant, actionId, payload, ...(trace !== undefined && { trace }) };
    return [{ tp, record: intakeRecord(input) }];
  }

  /**
   * Crash story: what comes from one public partition goes in its order. Stopping within it leaves some
   * records moved and not counted as moved: they are moved again.
   */
  async #move(routed: readonly Routed[], patience: Patience): Promise<void> {
    const { broker } = this.#options;
    const groups = new Map<string, { tp: TopicPartition; records: NewRecord[] }>();
    for (const { tp, record } of routed) {
      const key = `${tp.topic}/${tp.partition}`;
      const group = groups.get(key) ?? { tp, records: [] };
      group.records.push(record);
      groups.set(key, group);
    }
    for (const { tp, records } of groups.values()) {
      for (const run of splitForAppend(records)) {
        await patience.appendRepeatable(() => broker.append(tp, run));
      }
    }
  }
}

function oneOfEach(): Promise<number> {
  return Promise.resolve(1);
}

async function everyPartition(partitionsOf: PartitionsOf): Promise<InputPartition[]> {
  const counted = await Promise.all(
    PUBLIC_TOPICS.map(async (topic) => ({ topic, length: await partitionsOf(topic) })),
  );
  return counted.flatMap(({ topic, length }) =>
    Array.from({ length }, (_, partition) => ({ topic, partition })),
  );
}

async function unlessStopped(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof StopSignal)) throw error;
  }
}

interface Routed {
  readonly tp: TopicPartition;
  readonly record: NewRecord;
}

function refusal(kind: SubmitKind, reason: string, payload: Uint8Array): NewRecord {
  const input = inputDigest(payload);
  const sizeBytes = payload.length;
  return quarantineRecord({ kind, input, reason, sizeBytes, source: ROUTER_SOURCE });
}
