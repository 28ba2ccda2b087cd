import type { TestProject } from 'vitest/node';
import { startLocalCluster } from './local-cluster.ts';

export interface ProvidedCluster {
  readonly kafka: string;
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
  const { kafka, moto, postgres, env, stop } = await startLocalCluster();
  project.provide('cluster', {
    kafka: kafka.address,
    kmsEndpoint: moto.endpoint,
    postgresUrl: postgres.url,
    env: { ...env },
  });
  return stop;
}
