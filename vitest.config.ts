import { defineConfig } from 'vitest/config';

const conditions = ['@countersign/source'];

/** One project per folder under test/: each can need other parts (a browser, a broker), so each runs alone too. */
const crossing = ['integration', 'conformance', 'fault', 'console', 'kms'].map((name) => ({
  extends: true as const,
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
}));

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['{packages,services}/*/test/**/*.test.ts'],
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
