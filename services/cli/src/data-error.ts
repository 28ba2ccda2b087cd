import { BrokerError, type BrokerErrorCode } from '@countersign/broker';
import { LedgerError } from '@countersign/ledger';
import { StoreError } from '@countersign/store';
import { SignerError } from '@countersign/tlog';
import { CliError, cliError, isSystemError } from './cli-error.ts';
import type { DataFolder, LedgerMark } from './data-folder.ts';

/** Where the parts of a ledger are, as a message calls them. */
export interface Place extends Pick<DataFolder, 'path' | 'brokerFile' | 'storeFile'> {
  readonly tier?: LedgerMark['tier'];
}

export function placeOf({
  folder,
  mark,
}: {
  readonly folder: DataFolder;
  readonly mark: LedgerMark;
}): Place {
  if (mark.tier === undefined) return folder;
  const { path } = folder;
  const brokerFile = `partition ${mark.shard} of the topics`;
  return { path, tier: mark.tier, brokerFile, storeFile: 'the read models' };
}

/** What an adapter says in its own words, in those of the command line. Anything else is returned as it is. */
export function dataError(error: unknown, place: Place): unknown {
  if (isForeignKey(error)) {
    const hint =
      place.tier === undefined
        ? 'choose with --data the folder of the ledger that this key is of'
        : 'put the key of that log into kms.key_id of cluster.json, or choose another --shard or --data';
    return new CliError('FOREIGN_LEDGER', error.message, { cause: error, hint });
  }
  if (isElsewhere(error))
    return new CliError(error.code, error.message, { cause: error, hint: bring(place) });
  if (place.tier !== undefined) return clusterError(error);
  if (error instanceof BrokerError) return brokerError(error, place);
  if (error instanceof StoreError) return storeError(error, place);
  if (error instanceof LedgerError) return ledgerError(error, place);
  return error;
}

/** The key that is here never was one of that log: it is another ledger's, not a signer that failed. */
function isForeignKey(error: unknown): error is LedgerError {
  return error instanceof LedgerError && error.code === 'SIGNER_FATAL' && error.cause === undefined;
}

/** The folder names another shard than the log does. */
function isElsewhere(error: unknown): error is LedgerError {
  return (
    error instanceof LedgerError && (error.code === 'LOG_MOVED' || error.code === 'NOT_ITS_SHARD')
  );
}

function bring({ path }: Place): string {
  return `bring what is left to where the log goes on, and this folder with it: \`countersign move complete --data ${path}\``;
}

/** The adapters of a cluster have codes of their own, which operators look up. */
export function clusterError(error: unknown): unknown {
  const cause = error instanceof LedgerError ? error.cause : undefined;
  const told = cause instanceof BrokerError || cause instanceof SignerError ? cause : error;
  const hasCode =
    told instanceof BrokerError ||
    told instanceof StoreError ||
    told instanceof SignerError ||
    told instanceof LedgerError;
  if (!hasCode) return error;
  // What mends it stands on the lines after the first.
  const [first = '', ...more] = told.message.split('\n');
  return new CliError(told.code, first, {
    cause: error,
    ...(more.length > 0 && { hint: more.join('\n') }),
  });
}

const RESTORE = 'restore the folder from a backup; nothing in it was changed';

type Saying = (error: BrokerError, place: Place) => CliError;

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
  BROKER_CONNECTION_SETTINGS: unreadable,
  BROKER_TOPIC_SETTINGS: unreadable,
};

function brokerError(error: BrokerError, place: Place): CliError {
  return BROKER_SAYINGS[error.code](error, place);
}

function storeError(error: StoreError, { storeFile, path }: Place): CliError {
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

function ledgerError(error: LedgerError, place: Place): CliError {
  const { cause } = error;
  if (error.code === 'BROKER_FATAL' && cause instanceof BrokerError) {
    return brokerError(cause, place);
  }
  if (error.code === 'LOG_CORRUPT') {
    return cliError('DATA_DAMAGED', `${place.brokerFile}: ${error.message}`, {
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
