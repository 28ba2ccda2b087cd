import {
  splitForAppend,
  type Broker,
  type NewRecord,
  type StoredRecord,
  type TopicPartition,
} from '@countersign/broker';
import type { Digest } from '@countersign/canonical';
import {
  WireError,
  decodePublic,
  encodeQuarantined,
  type PublicEvent,
  type PublicTopic,
} from '@countersign/wire';
import {
  inputDigest,
  intakeRecord,
  wireKindOf,
  type Submission,
  type SubmitKind,
} from './intake-input.ts';
import { LedgerError } from '@countersign/log-reader';
import type { LedgerClock } from './ledger-clock.ts';
import { routingFault } from './routing.ts';
import { Patience, StopSignal } from './patience.ts';

const MOVE_RECORDS = 500;
const IDLE_WAIT_MS = 250;

const PUBLIC_TOPICS: readonly (readonly [PublicTopic, SubmitKind])[] = [
  ['action-requested', 'request'],
  ['decision-made', 'decision'],
  ['use-claimed', 'use'],
  ['execution-reported', 'report'],
];

export interface PublicPartition {
  readonly topic: PublicTopic;
  readonly partition: number;
}

/**
 * How far the public topics were moved. `save` MAY be lost: what was moved is then moved again, and the
 * ledger answers it as it did before.
 */
export interface RouterPositions {
  load(from: PublicPartition): Promise<number>;
  save(from: PublicPartition, nextOffset: number): Promise<void>;
}

export interface RouterOptions {
  readonly broker: Broker;
  readonly clock: LedgerClock;
  readonly positions: RouterPositions;
  /** The partition of the tenant's shard; undefined for a tenant that no shard has. */
  readonly partitionOf: (tenant: string) => number | undefined;
  /** How many partitions each public topic has. */
  readonly publicPartitions?: number;
}

export interface Submitted {
  /** By which the answer is found. */
  readonly input: Digest;
  readonly offset: number;
}

/** Brings every input to the one intake partition that decides on it. */
export class Router {
  readonly #options: RouterOptions;
  readonly #patience: Patience;
  #isStopping = false;

  constructor(options: RouterOptions) {
    this.#options = options;
    this.#patience = new Patience({
      clock: options.clock,
      isStopped: () => this.#isStopping,
      onWait: () => undefined,
      onDone: () => undefined,
    });
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
    const record = intakeRecord(submission);
    const { firstOffset } = await this.#options.broker.append({ topic: 'intake', partition }, [
      record,
    ]);
    return { input: inputDigest(submission.payload), offset: firstOffset };
  }

  /** Moves what others publish on the public topics until it is stopped. */
  async run(): Promise<void> {
    try {
      await Promise.all(
        PUBLIC_TOPICS.flatMap(([topic, kind]) =>
          Array.from({ length: this.#options.publicPartitions ?? 1 }, (_, partition) =>
            this.#moveFrom({ topic, partition }, kind),
          ),
        ),
      );
    } catch (error) {
      if (!(error instanceof StopSignal)) throw error;
    } finally {
      this.#isStopping = true;
    }
  }

  stop(): void {
    this.#isStopping = true;
  }

  async #moveFrom(from: PublicPartition, kind: SubmitKind): Promise<void> {
    const { broker, positions } = this.#options;
    let next = await positions.load(from);
    while (!this.#isStopping) {
      const hasMore = await this.#patience.read(() => broker.waitBeyond(from, next, IDLE_WAIT_MS));
      if (!hasMore) continue;
      const records = await this.#patience.read(() => broker.read(from, next, MOVE_RECORDS));
      await this.#move(records.flatMap((record) => this.#route(record, from, kind)));
      next = (records.at(-1)?.offset ?? next - 1) + 1;
      // Stopping between the move and this: the same records are moved again, and answered as before.
      await positions.save(from, next);
    }
  }

  /** Where a record goes. Which partition its producer chose means nothing. */
  #route(record: StoredRecord, from: PublicPartition, kind: SubmitKind): Routed[] {
    if (record.value === null) return [];
    const refused = (reason: string, payload: Uint8Array): Routed[] => [
      { tp: { topic: 'quarantine', partition: 0 }, record: refusal(kind, reason, payload) },
    ];
    let event: PublicEvent;
    try {
      event = decodePublic(from.topic, record.value);
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
    return [{ tp, record: intakeRecord({ kind, tenant, actionId, payload }) }];
  }

  /**
   * Crash story: what comes from one public partition goes in its order. Stopping within it leaves some
   * records moved and not counted as moved: they are moved again.
   */
  async #move(routed: readonly Routed[]): Promise<void> {
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
        await this.#patience.appendRepeatable(() => broker.append(tp, run));
      }
    }
  }
}

interface Routed {
  readonly tp: TopicPartition;
  readonly record: NewRecord;
}

function refusal(kind: SubmitKind, reason: string, payload: Uint8Array): NewRecord {
  const digest = inputDigest(payload);
  const value = encodeQuarantined({
    kind: wireKindOf(kind),
    reason,
    inputDigest: digest,
    sizeBytes: payload.length,
  });
  return { key: digest, value };
}
