import type { TestProject } from 'vitest/node';
import { sharedKafka } from '../servers/shared-server.ts';
import { producing } from './producing.ts';

declare module 'vitest' {
  interface ProvidedContext {
    kafkaBrokers: readonly string[];
  }
}

/** One broker for all tests of the project. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { address, stop } = await sharedKafka();
  const brokers = address.split(',').filter(Boolean);
  try {
    await producing(brokers);
  } catch (error) {
    await stop();
    throw error;
  }
  project.provide('kafkaBrokers', brokers);
  return stop;
}
