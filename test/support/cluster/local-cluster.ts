import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateKeyCommand } from '@aws-sdk/client-kms';
import { kmsClient } from '@countersign/signer-kms';
import { FaultProxy } from '../fault-proxy.ts';
import { startLocalKafka, startProxiedKafka, type LocalKafka } from '../kafka/local-kafka.ts';
import { producing } from '../kafka/producing.ts';
import { KmsProxy } from '../kms-proxy.ts';
import { MOTO_CLIENT, startMoto, type MotoServer } from '../moto-server.ts';
import { startLocalPostgres, type LocalPostgres } from '../postgres/local-postgres.ts';

export interface LocalCluster {
  readonly kafka: LocalKafka;
  readonly moto: MotoServer;
  readonly postgres: LocalPostgres;
  /** Where a ledger finds them. */
  readonly kafkaAddress: string;
  readonly kmsEndpoint: string;
  /** What a process needs to reach AWS as moto has it. */
  readonly env: Readonly<Record<string, string>>;
  /** Writes a cluster.json with a new key, for a ledger of its own. */
  readonly describe: (folder: string, options?: DescribeOptions) => Promise<string>;
  /** The last that is started is stopped first. */
  readonly stop: () => Promise<void>;
}

export interface DescribeOptions {
  /** Of its topics. */
  readonly prefix?: string;
  /** Of its read models. */
  readonly schemaPrefix?: string;
}

/** A cluster that tells when its ledgers ask KMS for signatures. */
export interface ObservedCluster extends LocalCluster {
  readonly kms: KmsProxy;
}

/** A cluster whose ledgers come to Kafka and KMS through something that can be told to fail. */
export interface FaultyCluster extends LocalCluster {
  readonly link: FaultProxy;
  readonly kms: KmsProxy;
}

export interface LocalClusterOptions {
  readonly say?: (what: string) => void;
}

type Stops = (() => Promise<void>)[];

/** One Kafka node, one PostgreSQL and moto in the place of AWS KMS, all on this machine and on free ports. Nothing outlives it. */
export async function startLocalCluster(options: LocalClusterOptions = {}): Promise<LocalCluster> {
  const { say = () => undefined } = options;
  return started(async (stops) => {
    const { kafka, postgres, moto } = await startParts(stops, say);
    return { kafka, postgres, moto, kafkaAddress: kafka.address, kmsEndpoint: moto.endpoint };
  });
}

/** The same, with nothing between it and its ledgers but what counts and times the signatures. */
export async function startObservedCluster(
  options: LocalClusterOptions = {},
): Promise<ObservedCluster> {
  const { say = () => undefined } = options;
  return started(async (stops) => {
    const { kafka, postgres, moto } = await startParts(stops, say);
    const kms = await startKmsProxy(moto, stops);
    const { address: kafkaAddress } = kafka;
    return { kafka, postgres, moto, kms, kafkaAddress, kmsEndpoint: kms.endpoint };
  });
}

export async function startFaultyCluster(): Promise<FaultyCluster> {
  return started(async (stops) => {
    const link = await FaultProxy.start();
    stops.push(() => link.stop());
    const kafka = await startProxiedKafka(link.port);
    stops.push(kafka.stop);
    link.to(kafka.behindPort);
    const [postgres, moto] = await startOthers(stops);
    const kms = await startKmsProxy(moto, stops);
    const kafkaAddress = `127.0.0.1:${link.port}`;
    return { kafka, postgres, moto, link, kms, kafkaAddress, kmsEndpoint: kms.endpoint };
  });
}

async function startParts(
  stops: Stops,
  say: (what: string) => void,
): Promise<Pick<LocalCluster, 'kafka' | 'postgres' | 'moto'>> {
  say('Apache Kafka: fetched once from Maven Central (43 MB), which may take a minute …');
  const kafka = await startLocalKafka();
  stops.push(kafka.stop);
  say('PostgreSQL, and moto in the place of AWS KMS: installed once from PyPI …');
  const [postgres, moto] = await startOthers(stops);
  return { kafka, postgres, moto };
}

async function startKmsProxy(moto: MotoServer, stops: Stops): Promise<KmsProxy> {
  const kms = await KmsProxy.start(moto.endpoint);
  stops.push(() => kms.stop());
  return kms;
}

async function startOthers(stops: Stops): Promise<[LocalPostgres, MotoServer]> {
  const postgres = await startLocalPostgres();
  stops.push(postgres.stop);
  const moto = await startMoto();
  stops.push(() => moto.stop());
  return [postgres, moto];
}

type Parts = Omit<LocalCluster, 'env' | 'describe' | 'stop'>;

async function started<P extends Parts>(
  start: (stops: Stops) => Promise<P>,
): Promise<P & Pick<LocalCluster, 'env' | 'describe' | 'stop'>> {
  const stops: Stops = [];
  const stop = async (): Promise<void> => {
    for (const each of stops.splice(0).reverse()) await each();
  };
  try {
    const parts = await start(stops);
    await producing([parts.kafka.address]);
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

/** What a process needs to reach AWS as moto has it. */
export const AWS_ENV: Readonly<Record<string, string>> = {
  AWS_ACCESS_KEY_ID: MOTO_CLIENT.credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: MOTO_CLIENT.credentials.secretAccessKey,
};

async function describe(
  parts: Parts,
  folder: string,
  { prefix = 'countersign.', schemaPrefix }: DescribeOptions = {},
): Promise<string> {
  const config = {
    v: 'countersign.cluster.v1',
    kafka: { brokers: [parts.kafkaAddress], prefix },
    kms: {
      key_id: await newKey(parts.moto.endpoint),
      region: MOTO_CLIENT.region,
      endpoint: parts.kmsEndpoint,
    },
    postgres: {
      url: parts.postgres.url,
      ...(schemaPrefix !== undefined && { schema_prefix: schemaPrefix }),
    },
  };
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'cluster.json');
  await writeFile(file, `${JSON.stringify(config, null, 2)}\n`);
  return file;
}

/** P-256, which is what moto has. @returns its id */
export async function newKey(endpoint: string): Promise<string> {
  const client = kmsClient({ ...MOTO_CLIENT, endpoint });
  try {
    const made = await client.send(
      new CreateKeyCommand({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' }),
    );
    const id = made.KeyMetadata?.KeyId;
    if (id === undefined) throw new Error('expected moto to name the key it made');
    return id;
  } finally {
    client.destroy();
  }
}
