import type { Topic } from '@countersign/broker';
import { KafkaFailure, brokerError } from './kafka-failure.ts';
import { KafkaLink, type KafkaConnection } from './kafka-link.ts';
import type { PartitionName } from './fetch-request.ts';
import type { TopicNaming } from './topic-check.ts';

/** A commit of no member of the group, as the protocol has it: taken while nobody has joined. */
const NO_GENERATION = -1;
const NO_MEMBER = '';
/** Nothing was committed, or it was forgotten. */
const NO_OFFSET = -1;

export interface TopicPlace {
  readonly topic: Topic;
  readonly partition: number;
}

/**
 * Where routers keep how far they have moved each partition, so that any number of them finds it: the committed offsets of a
 * group that nobody joins, `<prefix>router-positions`. The broker forgets them some days after the last one, like any offsets.
 */
export interface RouterHome {
  /** 0 where nothing is known. @throws {BrokerError} BROKER_DENIED, BROKER_UNAVAILABLE */
  load(from: TopicPlace): Promise<number>;
  /** @throws {BrokerError} as load; whether it was saved is then unknown */
  save(from: TopicPlace, nextOffset: number): Promise<void>;
  /** How many partitions a topic has now, by the broker. @throws {BrokerError} as load */
  partitionsOf(topic: Topic): Promise<number>;
  close(): void;
}

export function kafkaRouterHome(options: KafkaConnection & TopicNaming): RouterHome {
  const { prefix } = options;
  const groupId = `${prefix}router-positions`;
  const link = new KafkaLink(options);
  const ask = async <T>(question: () => Promise<T>): Promise<T> => {
    try {
      return await question();
    } catch (error) {
      link.drop();
      throw brokerError(error, 'none');
    }
  };
  const named = ({ topic, partition }: TopicPlace): PartitionName => ({
    topic: `${prefix}${topic}`,
    partition,
  });
  return {
    load: (from) => ask(() => committed(link, groupId, named(from))),
    save: (from, nextOffset) =>
      ask(async () => {
        const { topic, partition } = named(from);
        const coordinator = await link.coordinatorOf(groupId, topic);
        await coordinator.offsetCommit({
          groupId,
          groupGenerationId: NO_GENERATION,
          memberId: NO_MEMBER,
          topics: [{ topic, partitions: [{ partition, offset: String(nextOffset) }] }],
        });
      }),
    partitionsOf: (topic) => ask(() => link.partitionCountOf(`${prefix}${topic}`)),
    close: () => {
      link.drop();
    },
  };
}

async function committed(
  link: KafkaLink,
  groupId: string,
  { topic, partition }: PartitionName,
): Promise<number> {
  const coordinator = await link.coordinatorOf(groupId, topic);
  const { responses } = await coordinator.offsetFetch({
    groupId,
    topics: [{ topic, partitions: [{ partition }] }],
  });
  const offset = Number(responses[0]?.partitions[0]?.offset);
  if (offset === NO_OFFSET) return 0;
  if (!Number.isSafeInteger(offset)) throw new KafkaFailure('OFFSET_NOT_AVAILABLE');
  return offset;
}
