import { LedgerClient, SdkError, type LedgerClientOptions } from '@countersign/sdk';
import { CliError } from './cli-error.ts';

/** The SDK's way to a ledger, whose refusals are those of a command. */
export function ledgerClient(options: Omit<LedgerClientOptions, 'asError'>): LedgerClient {
  return new LedgerClient({ ...options, asError: cliErrorOf });
}

function cliErrorOf(error: SdkError): CliError {
  const { code, message } = error;
  const hint = 'is `countersign serve` running, and is --url right?';
  return new CliError(code, message, {
    cause: error,
    ...(code === 'LEDGER_UNREACHABLE' && { hint }),
  });
}

/** @throws CliError in place of an SdkError of the same code */
export async function refusingAsCommand<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw error instanceof SdkError ? cliErrorOf(error) : error;
  }
}
