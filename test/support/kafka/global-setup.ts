import type { TestProject } from 'vitest/node';
import { startLocalKafka } from './local-kafka.ts';
import { producing } from './producing.ts';

declare module 'vitest' {
  interface ProvidedContext {
    kafkaBrokers: readonly string[];
  }
}

/** One broker for all tests of the project: the one that the environment names, or our own. */
export default async function setup(
  project: TestProject,
): Promise<(() => Promise<void>) | undefined> {
  const named = (process.env['COUNTERSIGN_KAFKA_BROKERS'] ?? '').split(',').filter(Boolean);
  const own = named.length === 0 ? await startLocalKafka() : undefined;
  const brokers = own === undefined ? named : [own.address];
  try {
    await producing(brokers);
  } catch (error) {
    await own?.stop();
    throw error;
  }
  project.provide('kafkaBrokers', brokers);
  return own?.stop;
}
