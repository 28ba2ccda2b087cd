import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTopics, openKafkaBroker } from '@countersign/broker-kafka';
import { kmsClient, openKmsSigner } from '@countersign/signer-kms';
import { openPostgresStore } from '@countersign/store-postgres';
import { inject } from 'vitest';
import { MOTO_CLIENT } from '../moto-server.ts';
import { newSchema } from '../postgres/scratch-schema.ts';
import { newKey } from './local-cluster.ts';
import { useTier, type TierPlace } from '../tier.ts';
import { ShiftedBroker, type Shifts } from './shifted-broker.ts';

/** Set-up of every test file of the project: whatever ledger it founds is on the cluster, with topics, key and schema of its own, which go with the cluster. */
const { kafka, kmsEndpoint, postgresUrl, env } = inject('cluster');
const client = kmsClient({ ...MOTO_CLIENT, endpoint: kmsEndpoint });

useTier({
  env,
  place,
  clusterFile: async (folder, { partitions } = { partitions: 1 }) => {
    const config = {
      v: 'countersign.cluster.v1',
      kafka: { brokers: kafka, prefix: await newTopics(partitions) },
      kms: { key_id: await newKey(kmsEndpoint), region: MOTO_CLIENT.region, endpoint: kmsEndpoint },
      postgres: { url: postgresUrl, schema_prefix: `${newSchema()}_` },
    };
    await mkdir(folder, { recursive: true });
    const file = join(folder, 'cluster.json');
    await writeFile(file, JSON.stringify(config));
    return file;
  },
});

async function place(): Promise<TierPlace> {
  const prefix = await newTopics(1);
  const shifts: Shifts = new Map();
  return {
    connect: async (clock) =>
      new ShiftedBroker(await openKafkaBroker({ brokers: kafka, prefix }), clock, shifts),
    openSigner: async (origin) =>
      openKmsSigner({ keyId: await newKey(kmsEndpoint), name: origin, client }),
    openStore: () => openPostgresStore({ url: postgresUrl, schema: newSchema() }),
  };
}

async function newTopics(partitions: number): Promise<string> {
  const prefix = `test-${randomUUID()}.`;
  await createTopics({ brokers: kafka }, { prefix, partitions, replicas: 1 });
  return prefix;
}
