import type { TestProject } from 'vitest/node';
import { producing } from '../kafka/producing.ts';
import { sharedKafka, sharedKms, sharedPostgres } from '../servers/shared-server.ts';
import type { SharedServer } from '../servers/containers.ts';
import { AWS_ENV } from './local-cluster.ts';

export interface ProvidedCluster {
  readonly kafka: readonly string[];
  readonly kmsEndpoint: string;
  readonly postgresUrl: string;
  readonly env: Record<string, string>;
}

declare module 'vitest' {
  interface ProvidedContext {
    cluster: ProvidedCluster;
  }
}

/** One cluster for all tests of the project. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const started: SharedServer[] = [];
  const stop = async (): Promise<void> => {
    for (const server of started.splice(0).reverse()) await server.stop();
  };
  try {
    const [kafka, postgres, kms] = [sharedKafka, sharedPostgres, sharedKms];
    const addresses: string[] = [];
    for (const start of [kafka, postgres, kms]) {
      const server = await start();
      started.push(server);
      addresses.push(server.address);
    }
    const [brokers = '', postgresUrl = '', kmsEndpoint = ''] = addresses;
    const named = brokers.split(',').filter(Boolean);
    await producing(named);
    project.provide('cluster', { kafka: named, kmsEndpoint, postgresUrl, env: { ...AWS_ENV } });
    return stop;
  } catch (error) {
    await stop();
    throw error;
  }
}
