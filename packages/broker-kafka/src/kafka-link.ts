import { connect, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { Kafka, type KafkaConfig, type SASLOptions } from 'kafkajs';
import Cluster, { type KafkaNode } from 'kafkajs/src/cluster/index.js';
import { KafkaFailure } from './kafka-failure.ts';

const CONNECT_TIMEOUT_MS = 3_000;
const REQUEST_TIMEOUT_MS = 15_000;
const METADATA_MAX_AGE_MS = 300_000;
const KEEP_ALIVE_MS = 60_000;
/** Of the kinds of coordinators. */
const GROUP = 0;

/** How the brokers are reached. */
export interface KafkaConnection {
  /** `host:port` of some of them. */
  readonly brokers: readonly string[];
  readonly clientId?: string;
  readonly ssl?: ConnectionOptions;
  readonly sasl?: SASLOptions;
  /** How long the answer to a request may take. */
  readonly requestTimeoutMs?: number;
  /** How a connection is opened: over TCP, with TLS where `ssl` says so, by default. */
  readonly openSocket?: (address: SocketAddress) => Socket;
}

export interface SocketAddress {
  readonly host: string;
  readonly port: number;
}

/** Connections of its own to the brokers. */
export class KafkaLink {
  readonly #connection: KafkaConnection;
  readonly #sockets = new Set<Socket>();
  #cluster: Cluster | undefined;

  constructor(connection: KafkaConnection) {
    this.#connection = connection;
  }

  /** The node that leads a partition now, connected. What it throws, it throws before anything was asked. */
  async leaderOf(topic: string, partition: number): Promise<KafkaNode> {
    const cluster = await this.#knowing(topic);
    const [nodeId] = Object.keys(cluster.findLeaderForPartitions(topic, [partition]));
    if (nodeId === undefined) throw new KafkaFailure('UNKNOWN_TOPIC_OR_PARTITION');
    const node = await cluster.findBroker({ nodeId });
    await node.connectionPool.getConnection(0);
    return node;
  }

  async partitionsOf(topic: string): Promise<readonly number[]> {
    const cluster = await this.#knowing(topic);
    return cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId);
  }

  /** As the brokers have it now: what is remembered of a topic may be some minutes old. */
  async partitionCountOf(topic: string): Promise<number> {
    const cluster = await this.#knowing(topic);
    await cluster.refreshMetadata();
    return cluster.findTopicPartitionMetadata(topic).length;
  }

  /** The node that keeps the offsets of a group, which is about a topic. */
  async coordinatorOf(groupId: string, topic: string): Promise<KafkaNode> {
    const cluster = await this.#knowing(topic);
    let refused: unknown;
    const found = await cluster.brokerPool.withBroker(async ({ broker }) => {
      try {
        return await broker.findGroupCoordinator({ groupId, coordinatorType: GROUP });
      } catch (error) {
        // Which is passed over: the next node is asked.
        refused = error;
        throw error;
      }
    });
    if (found === null) throw refused;
    return cluster.findBroker({ nodeId: found.coordinator.nodeId });
  }

  /** Ends every connection now: whatever was asked and not answered fails. The next call opens new ones. */
  drop(): void {
    this.#cluster = undefined;
    for (const socket of this.#sockets) socket.destroy(new Error('dropped'));
    this.#sockets.clear();
  }

  async #knowing(topic: string): Promise<Cluster> {
    const cluster = (this.#cluster ??= this.#open());
    await cluster.connect();
    await cluster.addTargetTopic(topic);
    await cluster.refreshMetadataIfNecessary();
    return cluster;
  }

  #open(): Cluster {
    const settings = {
      ...clientSettings(this.#connection),
      socketFactory: (address: SocketAddress & { onConnect: () => void }): Socket => {
        const socket = openSocket(this.#connection, address);
        socket.once('close', () => {
          this.#sockets.delete(socket);
        });
        this.#sockets.add(socket);
        return socket;
      },
    };
    return new Cluster({
      ...settings,
      brokers: this.#connection.brokers,
      logger: new Kafka(settings).logger(),
      metadataMaxAge: METADATA_MAX_AGE_MS,
      allowAutoTopicCreation: false,
    });
  }
}

/** Quiet: whoever uses a link has an error to tell, or none. */
export function clientSettings(
  connection: KafkaConnection,
): KafkaConfig & Required<Pick<KafkaConfig, 'connectionTimeout' | 'requestTimeout' | 'retry'>> {
  const { brokers, ssl, sasl, clientId, requestTimeoutMs } = connection;
  return {
    brokers: [...brokers],
    clientId: clientId ?? 'countersign',
    connectionTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    // Each try takes the next broker of the list. Whoever waits longer than that does so with a pause of its own.
    retry: { retries: brokers.length, initialRetryTime: 20, maxRetryTime: 200 },
    socketFactory: (address) => openSocket(connection, address),
    logCreator: () => () => undefined,
    ...(ssl !== undefined && { ssl }),
    ...(sasl !== undefined && { sasl }),
  };
}

function openSocket(
  connection: KafkaConnection,
  { host, port, onConnect }: SocketAddress & { readonly onConnect: () => void },
): Socket {
  const open = connection.openSocket ?? ((to: SocketAddress) => plainSocket(connection, to));
  const socket = open({ host, port });
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  // A request is one write that waits for its answer.
  socket.setNoDelay(true);
  return socket.once('encrypted' in socket ? 'secureConnect' : 'connect', onConnect);
}

function plainSocket({ ssl }: KafkaConnection, { host, port }: SocketAddress): Socket {
  return ssl === undefined ? connect({ host, port }) : connectTls({ host, port, ...ssl });
}
