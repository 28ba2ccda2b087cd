import { startLocalKafka } from '../kafka/local-kafka.ts';
import { startMoto } from '../moto-server.ts';
import { startLocalPostgres } from '../postgres/local-postgres.ts';
import {
  kafkaContainer,
  motoContainer,
  postgresContainer,
  type SharedServer,
} from './containers.ts';
import { dockerAnswers, sourceOf, type ServerSource } from './server-source.ts';

/** Of each kind the one that the environment names, else one in Docker, else one of this machine's own: docs/contributing.md. */
export function sharedKafka(): Promise<SharedServer> {
  return shared('COUNTERSIGN_KAFKA_BROKERS', {
    docker: kafkaContainer,
    local: startLocalKafka,
  });
}

export function sharedPostgres(): Promise<SharedServer> {
  return shared('COUNTERSIGN_POSTGRES_URL', {
    docker: postgresContainer,
    local: async () => {
      const { url: address, stop } = await startLocalPostgres();
      return { address, stop };
    },
  });
}

export function sharedKms(): Promise<SharedServer> {
  return shared('COUNTERSIGN_KMS_ENDPOINT', {
    docker: motoContainer,
    local: async () => {
      const moto = await startMoto();
      return { address: moto.endpoint, stop: () => moto.stop() };
    },
  });
}

type Starts = Readonly<Record<Exclude<ServerSource, 'named'>, () => Promise<SharedServer>>>;

async function shared(variable: string, starts: Starts): Promise<SharedServer> {
  const address = process.env[variable] ?? '';
  const source = await sourceOf(address, dockerAnswers);
  return source === 'named' ? { address, stop: () => Promise.resolve() } : starts[source]();
}
