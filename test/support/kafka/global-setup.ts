import type { TestProject } from 'vitest/node';
import { startLocalKafka } from './local-kafka.ts';

declare module 'vitest' {
  interface ProvidedContext {
    kafkaBrokers: readonly string[];
  }
}

/** One broker for all tests of the project: the one that the environment names, or our own. */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | void> {
  const named = process.env['COUNTERSIGN_KAFKA_BROKERS'];
  if (named !== undefined && named !== '') {
    project.provide('kafkaBrokers', named.split(','));
    return;
  }
  const kafka = await startLocalKafka();
  project.provide('kafkaBrokers', [kafka.address]);
  return () => kafka.stop();
}
