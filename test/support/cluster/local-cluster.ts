import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateKeyCommand } from '@aws-sdk/client-kms';
import { kmsClient } from '@countersign/signer-kms';
import { startLocalKafka, type LocalKafka } from '../kafka/local-kafka.ts';
import { producing } from '../kafka/producing.ts';
import { MOTO_CLIENT, startMoto, type MotoServer } from '../moto-server.ts';
import { startLocalPostgres, type LocalPostgres } from '../postgres/local-postgres.ts';

export interface LocalCluster {
  readonly kafka: LocalKafka;
  readonly moto: MotoServer;
  readonly postgres: LocalPostgres;
  /** What a process needs to reach AWS as moto has it. */
  readonly env: Readonly<Record<string, string>>;
  /** Writes a cluster.json with a new key, for a ledger of its own. */
  readonly describe: (folder: string, options?: { readonly prefix?: string }) => Promise<string>;
  /** The last that is started is stopped first. */
  readonly stop: () => Promise<void>;
}

export interface LocalClusterOptions {
  readonly say?: (what: string) => void;
}

/** One Kafka node, one PostgreSQL and moto in the place of AWS KMS, all on this machine and on free ports. Nothing outlives it. */
export async function startLocalCluster(options: LocalClusterOptions = {}): Promise<LocalCluster> {
  const { say = () => undefined } = options;
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const each of stops.splice(0).reverse()) await each();
  };
  try {
    say('Apache Kafka: fetched once from Maven Central (43 MB), which may take a minute …');
    const kafka = await startLocalKafka();
    stops.push(kafka.stop);
    await producing([kafka.address]);
    say('PostgreSQL …');
    const postgres = await startLocalPostgres();
    stops.push(postgres.stop);
    say('moto in the place of AWS KMS: installed once from PyPI, which may take a minute …');
    const moto = await startMoto();
    stops.push(() => moto.stop());
    const parts = { kafka, postgres, moto };
    return {
      ...parts,
      env: AWS_ENV,
      describe: (folder, more) => describe(parts, folder, more),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

const AWS_ENV = {
  AWS_ACCESS_KEY_ID: MOTO_CLIENT.credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: MOTO_CLIENT.credentials.secretAccessKey,
};

async function describe(
  { kafka, postgres, moto }: Pick<LocalCluster, 'kafka' | 'postgres' | 'moto'>,
  folder: string,
  { prefix = 'countersign.' }: { readonly prefix?: string } = {},
): Promise<string> {
  const client = kmsClient({ ...MOTO_CLIENT, endpoint: moto.endpoint });
  const made = await client.send(
    new CreateKeyCommand({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' }),
  );
  client.destroy();
  const config = {
    v: 'countersign.cluster.v1',
    kafka: { brokers: [kafka.address], prefix },
    kms: {
      key_id: made.KeyMetadata?.KeyId,
      region: MOTO_CLIENT.region,
      endpoint: moto.endpoint,
    },
    postgres: { url: postgres.url },
  };
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'cluster.json');
  await writeFile(file, `${JSON.stringify(config, null, 2)}\n`);
  return file;
}
