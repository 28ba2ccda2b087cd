import type { TestProject } from 'vitest/node';
import { startLocalPostgres } from './local-postgres.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Of a role that may make schemas and roles. */
    postgresUrl: string;
  }
}

/** One server for all tests of the project: the one that the environment names, or our own. */
export default async function setup(
  project: TestProject,
): Promise<(() => Promise<void>) | undefined> {
  const named = process.env['COUNTERSIGN_POSTGRES_URL'];
  const own = named === undefined || named === '' ? await startLocalPostgres() : undefined;
  project.provide('postgresUrl', own?.url ?? named ?? '');
  return own?.stop;
}
