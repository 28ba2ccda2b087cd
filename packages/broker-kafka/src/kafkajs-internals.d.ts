// What we use of kafkajs beneath its public interface, which has neither a consumer of one given partition nor a producer that
// tells whether a batch was sent. The version is pinned exactly for its sake.

declare module 'kafkajs/src/cluster/index.js' {
  import type { KafkaConfig, Logger, Message, RetryOptions } from 'kafkajs';

  export interface ProtocolRequest<T> {
    readonly request: unknown;
    readonly response: {
      readonly decode: (payload: Buffer) => Promise<{ readonly clientSideThrottleTime: number }>;
      readonly parse: (decoded: never) => Promise<T>;
    };
    readonly requestTimeout?: number;
  }

  export interface KafkaNode {
    readonly connectionPool: {
      getConnection(index: number): Promise<unknown>;
      send<T>(request: ProtocolRequest<T>): Promise<T>;
    };
    initProducerId(request: {
      readonly transactionTimeout: number;
    }): Promise<{ readonly producerId: string; readonly producerEpoch: number }>;
    produce(request: {
      readonly topicData: readonly {
        readonly topic: string;
        readonly partitions: readonly {
          readonly partition: number;
          readonly firstSequence: number;
          readonly messages: readonly Message[];
        }[];
      }[];
      readonly producerId: string;
      readonly producerEpoch: number;
      readonly acks: number;
      readonly timeout: number;
    }): Promise<{
      readonly topics: readonly {
        readonly partitions: readonly {
          readonly baseOffset: string;
          readonly logAppendTime: string;
        }[];
      }[];
    }>;
    findGroupCoordinator(request: {
      readonly groupId: string;
      readonly coordinatorType: number;
    }): Promise<{ readonly coordinator: { readonly nodeId: string } }>;
    offsetCommit(request: {
      readonly groupId: string;
      readonly groupGenerationId: number;
      readonly memberId: string;
      readonly topics: readonly {
        readonly topic: string;
        readonly partitions: readonly { readonly partition: number; readonly offset: string }[];
      }[];
    }): Promise<unknown>;
    offsetFetch(request: {
      readonly groupId: string;
      readonly topics: readonly {
        readonly topic: string;
        readonly partitions: readonly { readonly partition: number }[];
      }[];
    }): Promise<{
      readonly responses: readonly {
        readonly partitions: readonly { readonly offset: string }[];
      }[];
    }>;
    listOffsets(request: {
      readonly replicaId: number;
      readonly isolationLevel: number;
      readonly topics: readonly {
        readonly topic: string;
        readonly partitions: readonly { readonly partition: number; readonly timestamp: number }[];
      }[];
    }): Promise<{
      readonly responses: readonly {
        readonly partitions: readonly { readonly offset: string }[];
      }[];
    }>;
  }

  export default class Cluster {
    constructor(
      options: Pick<KafkaConfig, 'ssl' | 'sasl' | 'clientId' | 'socketFactory'> & {
        readonly logger: Logger;
        readonly brokers: readonly string[];
        readonly connectionTimeout: number;
        readonly requestTimeout: number;
        readonly metadataMaxAge: number;
        readonly retry: RetryOptions;
        readonly allowAutoTopicCreation: boolean;
      },
    );
    connect(): Promise<void>;
    disconnect(): Promise<void>;
    addTargetTopic(topic: string): Promise<void>;
    refreshMetadata(): Promise<void>;
    refreshMetadataIfNecessary(): Promise<void>;
    readonly brokerPool: {
      /** The first answer of any node; null when all of them failed. */
      withBroker<T>(ask: (asked: { readonly broker: KafkaNode }) => Promise<T>): Promise<T | null>;
    };
    findTopicPartitionMetadata(topic: string): readonly { readonly partitionId: number }[];
    findLeaderForPartitions(
      topic: string,
      partitions: readonly number[],
    ): Readonly<Record<string, readonly number[]>>;
    findBroker(node: { readonly nodeId: string }): Promise<KafkaNode>;
  }
}

declare module 'kafkajs/src/protocol/requests/fetch/v11/request.js' {
  export default function request(fetch: {
    readonly replicaId: number;
    readonly maxWaitTime: number;
    readonly minBytes: number;
    readonly maxBytes: number;
    readonly isolationLevel: number;
    readonly topics: readonly {
      readonly topic: string;
      readonly partitions: readonly {
        readonly partition: number;
        readonly fetchOffset: number;
        readonly maxBytes: number;
      }[];
    }[];
  }): unknown;
}

declare module 'kafkajs/src/protocol/recordBatch/crc32C/index.js' {
  /** Unsigned. */
  export default function crc32C(bytes: Buffer): number;
}
