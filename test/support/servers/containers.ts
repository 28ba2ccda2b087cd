import { freePort } from '../free-port.ts';

/** As deploy/compose.yaml has them. */
export const IMAGES = {
  kafka: 'apache/kafka:4.1.0',
  postgres: 'postgres:16',
  kms: 'motoserver/moto:5.2.5',
} as const;

const START_MS = 180_000;
const KAFKA_PORT = 9092;
const POSTGRES_PORT = 5432;
const MOTO_PORT = 5000;
const PASSWORD = 'of-the-tests';

export interface SharedServer {
  /** `host:port` of a broker, else a URL. */
  readonly address: string;
  readonly stop: () => Promise<void>;
}

/** A broker tells its clients where it is, so the port outside is chosen before it starts. */
export async function kafkaContainer(): Promise<SharedServer> {
  const port = await freePort();
  const { GenericContainer, Wait } = await import('testcontainers');
  const container = await new GenericContainer(IMAGES.kafka)
    .withExposedPorts({ container: KAFKA_PORT, host: port })
    .withEnvironment({
      KAFKA_NODE_ID: '1',
      KAFKA_PROCESS_ROLES: 'broker,controller',
      KAFKA_LISTENERS: `PLAINTEXT://:${KAFKA_PORT},CONTROLLER://:9093`,
      KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://127.0.0.1:${port}`,
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
      KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
      KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:9093',
      KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
      KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
      KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
      KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
      KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
      // So that a test can wait for a compaction and for a deletion.
      KAFKA_LOG_CLEANER_BACKOFF_MS: '100',
      KAFKA_LOG_RETENTION_CHECK_INTERVAL_MS: '500',
      KAFKA_LOG_SEGMENT_DELETE_DELAY_MS: '100',
      KAFKA_LOG_INITIAL_TASK_DELAY_MS: '100',
    })
    .withWaitStrategy(Wait.forListeningPorts())
    .withStartupTimeout(START_MS)
    .start();
  return { address: `127.0.0.1:${port}`, stop: stopping(container) };
}

export async function postgresContainer(): Promise<SharedServer> {
  const { GenericContainer, Wait } = await import('testcontainers');
  const container = await new GenericContainer(IMAGES.postgres)
    .withExposedPorts(POSTGRES_PORT)
    .withEnvironment({
      POSTGRES_USER: 'countersign',
      POSTGRES_PASSWORD: PASSWORD,
      POSTGRES_DB: 'countersign',
    })
    // It is started twice: first to be set up, then to stay.
    .withWaitStrategy(Wait.forLogMessage(/database system is ready to accept connections/, 2))
    .withStartupTimeout(START_MS)
    .start();
  const at = `${container.getHost()}:${container.getMappedPort(POSTGRES_PORT)}`;
  const address = `postgres://countersign:${PASSWORD}@${at}/countersign`;
  return { address, stop: stopping(container) };
}

export async function motoContainer(): Promise<SharedServer> {
  const { GenericContainer, Wait } = await import('testcontainers');
  const container = await new GenericContainer(IMAGES.kms)
    .withExposedPorts(MOTO_PORT)
    .withWaitStrategy(Wait.forHttp('/moto-api/', MOTO_PORT))
    .withStartupTimeout(START_MS)
    .start();
  const address = `http://${container.getHost()}:${container.getMappedPort(MOTO_PORT)}`;
  return { address, stop: stopping(container) };
}

function stopping(container: { stop: () => Promise<unknown> }): () => Promise<void> {
  return async () => {
    await container.stop();
  };
}
