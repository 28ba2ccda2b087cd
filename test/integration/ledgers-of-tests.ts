import { afterEach } from 'vitest';
import { CliLedger, type CliOptions } from './cli-process.ts';

/** Makes ledgers for the tests of a file; after each test they are gone. */
export function ledgersOfTests(): {
  readonly create: (options?: CliOptions) => Promise<CliLedger>;
  readonly start: (options?: CliOptions) => Promise<CliLedger>;
} {
  const made: CliLedger[] = [];
  afterEach(async () => {
    await Promise.all(made.splice(0).map((ledger) => ledger.discard()));
  });
  const kept = async (making: Promise<CliLedger>): Promise<CliLedger> => {
    const ledger = await making;
    made.push(ledger);
    return ledger;
  };
  return {
    create: (options) => kept(CliLedger.create(options)),
    start: (options) => kept(CliLedger.start(options)),
  };
}
