import { BrokerError, type BrokerErrorCode } from '@countersign/broker';
import { LedgerError } from '@countersign/ledger';
import { StoreError } from '@countersign/store';
import { CliError, cliError, isSystemError } from './cli-error.ts';
import type { DataFolder } from './data-folder.ts';

/** What an adapter says in its own words, in those of the command line. Anything else is returned as it is. */
export function dataError(error: unknown, folder: DataFolder): unknown {
  if (error instanceof BrokerError) return brokerError(error, folder);
  if (error instanceof StoreError) return storeError(error, folder);
  if (error instanceof LedgerError) return ledgerError(error, folder);
  return error;
}

const RESTORE = 'restore the folder from a backup; nothing in it was changed';

type Saying = (error: BrokerError, folder: DataFolder) => CliError;

const unreadable: Saying = (error, { brokerFile }) =>
  cliError('DATA_UNREADABLE', `${brokerFile}: ${error.message}`, { cause: error });

const BROKER_SAYINGS: Readonly<Record<BrokerErrorCode, Saying>> = {
  BROKER_FOREIGN: (error, { brokerFile }) =>
    cliError('DATA_FOREIGN', `${brokerFile}: ${error.message}`, { cause: error }),
  BROKER_BUSY: (error, { path }) =>
    cliError('DATA_BUSY', `${path}: another process works with this data folder`, {
      cause: error,
      hint: 'stop it first, or choose another folder with --data DIR',
    }),
  BROKER_CORRUPT: (error, { brokerFile }) =>
    cliError('DATA_DAMAGED', `${brokerFile}: ${error.message}`, { cause: error, hint: RESTORE }),
  BROKER_DISK_FULL: (error, { path }) => diskFull(path, error),
  BROKER_UNAVAILABLE: unreadable,
  BROKER_FENCED: unreadable,
  BROKER_INDEFINITE: unreadable,
  BROKER_CLOSED: unreadable,
  BROKER_LIMIT: unreadable,
  BROKER_NOT_ERASABLE: unreadable,
  BROKER_DENIED: unreadable,
  BROKER_TOPIC_SETTINGS: unreadable,
};

function brokerError(error: BrokerError, folder: DataFolder): CliError {
  return BROKER_SAYINGS[error.code](error, folder);
}

function storeError(error: StoreError, { storeFile, path }: DataFolder): CliError {
  const options = { cause: error };
  // Of the adapter below, which the store names as the cause.
  if (isSystemError(error.cause, 'DISK_FULL')) return diskFull(path, error);
  return error.code === 'STORE_CORRUPT'
    ? cliError('DATA_DAMAGED', `${storeFile}: ${error.message}`, {
        ...options,
        hint: 'it holds nothing of its own: delete it and start again',
      })
    : cliError('DATA_UNREADABLE', `${storeFile}: ${error.message}`, options);
}

function ledgerError(error: LedgerError, folder: DataFolder): CliError {
  const { cause } = error;
  if (error.code === 'BROKER_FATAL' && cause instanceof BrokerError) {
    return brokerError(cause, folder);
  }
  if (error.code === 'LOG_CORRUPT') {
    return cliError('DATA_DAMAGED', `${folder.brokerFile}: ${error.message}`, {
      cause: error,
      hint: RESTORE,
    });
  }
  return new CliError(error.code, error.message, { cause: error });
}

function diskFull(path: string, cause: unknown): CliError {
  return cliError('DISK_FULL', `no space left to write in ${path}`, {
    cause,
    hint: 'make room and start again; nothing that was acknowledged is lost',
  });
}
