import type { TestProject } from 'vitest/node';
import { sharedPostgres } from '../servers/shared-server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Of a role that may make schemas and roles. */
    postgresUrl: string;
  }
}

/** One server for all tests of the project. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { address, stop } = await sharedPostgres();
  project.provide('postgresUrl', address);
  return stop;
}
