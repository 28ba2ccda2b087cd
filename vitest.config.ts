import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { watchedPool } from './test/support/watched-worker.ts';

const conditions = ['@countersign/source'];

/** One project per folder under test/: each can need other parts (a browser, a broker), so each runs alone too. */
const crossing = [
  'integration',
  'conformance',
  'fault',
  'console',
  'kms',
  'connectors',
  'netns',
].map((name) => ({
  extends: true as const,
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
}));

/** The same tests as on files of one machine, on Kafka, KMS and PostgreSQL: all that do not open the files themselves. */
const END_TO_END = [
  'attack-executor',
  'attack-one-use',
  'attack-open-topics',
  'cli-evidence',
  'cli-exec',
  'cli-request',
  'cli-waiting',
  'gateway-founded-ledger',
  'ledger-read-models',
  'ledger-true-path',
].map((name) => `test/integration/${name}.test.ts`);

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    pool: watchedPool,
    // Much of the time of most tests is somebody else's: a broker's, a browser's, a process that starts.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['{packages,services}/*/test/**/*.test.ts'],
          // Pure code: a process for each file would take longer to read it in than to run it.
          isolate: false,
          // A busy machine is not a fault: the properties take seconds there.
          testTimeout: 30_000,
        },
      },
      ...crossing,
      {
        extends: true,
        test: {
          name: 'kafka',
          include: ['test/kafka/**/*.test.ts'],
          globalSetup: ['test/support/kafka/global-setup.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'cluster',
          include: ['test/cluster/**/*.test.ts', ...END_TO_END],
          globalSetup: ['test/support/cluster/global-setup.ts'],
          setupFiles: ['test/support/cluster/use-cluster.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'postgres',
          include: ['test/postgres/**/*.test.ts'],
          globalSetup: ['test/support/postgres/global-setup.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
