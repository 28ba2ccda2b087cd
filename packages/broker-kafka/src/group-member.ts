import { setTimeout as sleep } from 'node:timers/promises';
import type { Topic } from '@countersign/broker';
import { Kafka, type Consumer } from 'kafkajs';
import { brokerError } from './kafka-failure.ts';
import { clientSettings, type KafkaConnection } from './kafka-link.ts';
import { withAdmin, type TopicNaming } from './topic-check.ts';

/** After it the others take over the partitions of a member that says nothing. */
const SESSION_MS = 10_000;
const HEARTBEAT_MS = 1_000;
/** How long all members together may take to come back to the table. */
const REBALANCE_MS = 15_000;
/** How long a partition that was added to a topic may be nobody's. */
const PARTITIONS_AGE_MS = 10_000;
/**
 * A member that was not heard for so long is none, whatever its client believes. kafkajs 2.2 counts the time to its next beat by the wall
 * clock: after a clock was put back by five minutes it says nothing for five minutes, the broker lets it go, and since nothing is fetched in
 * its name nothing tells it so.
 */
const SILENCE_MS = 2 * SESSION_MS;
const LOOK_EVERY_MS = 1_000;
const LEAVE_WITHIN_MS = 5_000;

/** Partitions of each topic that a member is to work on. */
export type Assignment = Readonly<Partial<Record<Topic, readonly number[]>>>;

export interface GroupName extends KafkaConnection, TopicNaming {
  /** Members of one name share the partitions. */
  readonly name: string;
}

export interface GroupOptions extends GroupName {
  readonly topics: readonly Topic[];
  readonly onAssigned: (assignment: Assignment) => void;
}

export interface GroupMember {
  /** Gives the partitions back at once. May be repeated. */
  leave(): Promise<void>;
}

/**
 * Shares partitions among the processes of a group: each is told which ones are its own whenever that changes.
 *
 * It divides the work and protects nothing: for a moment two members may hold the same partition, and one that was
 * stopped for a while does not know that it lost its own. Whoever works on a partition MUST be harmless beside another
 * (schemas/formats/batch-and-wire.md §4). Nothing is fetched and nothing committed in the name of the group.
 * @throws {BrokerError} BROKER_UNAVAILABLE, BROKER_DENIED
 */
export async function joinGroup(options: GroupOptions): Promise<GroupMember> {
  const member = new KafkaGroupMember(options);
  await member.join();
  void member.keep();
  return member;
}

class KafkaGroupMember implements GroupMember {
  readonly #options: GroupOptions;
  #consumer: Consumer | undefined;
  #hasCrashed = false;
  #heardAt = 0;
  #isLeaving = false;

  constructor(options: GroupOptions) {
    this.#options = options;
  }

  async join(): Promise<void> {
    const { prefix, name, topics } = this.#options;
    const settings = clientSettings(this.#options);
    const consumer = new Kafka(settings).consumer({
      groupId: `${prefix}${name}`,
      sessionTimeout: SESSION_MS,
      heartbeatInterval: HEARTBEAT_MS,
      // With nothing to fetch it beats once in such a wait.
      maxWaitTimeInMs: HEARTBEAT_MS,
      rebalanceTimeout: REBALANCE_MS,
      metadataMaxAge: PARTITIONS_AGE_MS,
      // One that crashed is not started again: a new one takes its place (`keep`).
      retry: { ...settings.retry, restartOnFailure: () => Promise.resolve(false) },
    });
    this.#consumer = consumer;
    this.#hasCrashed = false;
    this.#heardAt = performance.now();
    this.#listen(consumer);
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: topics.map((topic) => `${prefix}${topic}`) });
      await consumer.run({ autoCommit: false, eachBatch: () => Promise.resolve() });
    } catch (error) {
      await disconnected(consumer);
      throw brokerError(error, 'none');
    }
  }

  /**
   * Puts a new consumer in the place of one that is lost, until the member leaves. Meanwhile the partitions stay as they were:
   * whoever has got them by now does no harm, and neither do we.
   */
  async keep(): Promise<void> {
    for (;;) {
      await sleep(LOOK_EVERY_MS, undefined, { ref: false });
      if (this.#isLeaving) return;
      if (this.#isLost) await this.#replace();
    }
  }

  async leave(): Promise<void> {
    this.#isLeaving = true;
    if (this.#consumer !== undefined) await disconnected(this.#consumer);
    this.#consumer = undefined;
  }

  get #isLost(): boolean {
    return this.#hasCrashed || performance.now() - this.#heardAt > SILENCE_MS;
  }

  async #replace(): Promise<void> {
    if (this.#consumer !== undefined) await disconnected(this.#consumer);
    // Whoever left meanwhile must not come back.
    if (this.#isLeaving) return;
    try {
      await this.join();
    } catch {
      // Told by everything else that needs the broker; here it is only tried again.
      this.#hasCrashed = true;
    }
  }

  #listen(consumer: Consumer): void {
    const { prefix, topics, onAssigned } = this.#options;
    const { GROUP_JOIN, HEARTBEAT, CRASH } = consumer.events;
    consumer.on(GROUP_JOIN, ({ payload }) => {
      // Said before anything is fetched: the records are read by whoever works on a partition, not by the group.
      consumer.pause(topics.map((topic) => ({ topic: `${prefix}${topic}` })));
      if (this.#isLeaving || consumer !== this.#consumer) return;
      this.#heardAt = performance.now();
      const { memberAssignment } = payload;
      onAssigned(
        Object.fromEntries(
          topics.map((topic) => [topic, memberAssignment[`${prefix}${topic}`] ?? []]),
        ),
      );
    });
    consumer.on(HEARTBEAT, () => {
      if (consumer === this.#consumer) this.#heardAt = performance.now();
    });
    consumer.on(CRASH, () => {
      if (consumer === this.#consumer) this.#hasCrashed = true;
    });
  }
}

/** Leaving a broker that is away, or one that does not answer, is leaving too: the session ends without us. */
async function disconnected(consumer: Consumer): Promise<void> {
  const gone = consumer.disconnect().catch(() => undefined);
  await Promise.race([gone, sleep(LEAVE_WITHIN_MS, undefined, { ref: false })]);
}

/**
 * How many processes share the partitions of a group now.
 * @throws {BrokerError} BROKER_UNAVAILABLE, BROKER_DENIED
 */
export async function groupSize(options: GroupName): Promise<number> {
  const { prefix, name } = options;
  return withAdmin(options, async (admin) => {
    const { groups } = await admin.describeGroups([`${prefix}${name}`]);
    return groups[0]?.members.length ?? 0;
  });
}
