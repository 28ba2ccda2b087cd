import {
  BindingError,
  gatewayKeyName,
  parseGatewayKey,
  parsePromise,
  type ArrivalPromise,
} from '@countersign/binding';
import {
  canonicalBytes,
  CanonicalError,
  isJsonObject,
  parseStrict,
  type Json,
  type VerifySignature,
} from '@countersign/canonical';
import { TlogError, parseVerifierKey, verifyNote, type NoteVerifier } from '@countersign/tlog';
import { AuditError } from './audit-error.ts';

/** What a requester keeps of an input: schemas/formats/arrival-promise.md §1. */
export interface Arrival {
  readonly v: 'countersign.arrival.v1';
  /** Signed note, by the key in `certificate`. */
  readonly promise: string;
  /** Signed note, by the key of the log. */
  readonly certificate: string;
  /** What the ledger answered, once it had: the exact text of the entry, and its receipt. */
  readonly entry?: string;
  readonly receipt?: string;
}

const LIMITS = { maxBytes: 262_144, maxDepth: 2, maxMembers: 8 };
const REQUIRED = ['certificate', 'promise', 'v'];
const OPTIONAL = ['entry', 'receipt'];

/** @throws AuditError PROMISE_FORMAT */
export function parseArrival(file: Uint8Array): Arrival {
  const json = refusing(() => parseStrict(file, LIMITS));
  if (!isJsonObject(json) || json['v'] !== 'countersign.arrival.v1') throw malformed();
  const names = Object.keys(json);
  const isClosed = names.every((name) => [...REQUIRED, ...OPTIONAL].includes(name));
  const isWhole = REQUIRED.every((name) => names.includes(name));
  if (isClosed && !isWhole && names.includes('receipt')) {
    const message = 'it was answered at once, and nothing was promised: its receipt proves it';
    throw new AuditError('PROMISE_FORMAT', message);
  }
  if (!isClosed || !isWhole || !names.every((name) => typeof json[name] === 'string')) {
    throw malformed();
  }
  return json as unknown as Arrival;
}

export function formatArrival(arrival: Arrival): Uint8Array {
  return canonicalBytes(arrival as unknown as Json);
}

/** Whose promises count. */
export interface PromiseTrust {
  readonly origin: string;
  readonly logKeys: readonly NoteVerifier[];
  readonly verifySignature: VerifySignature;
}

/**
 * The promise in it, once the log's key is known to have let its signer promise at that time.
 *
 * @throws AuditError PROMISE_FORMAT, PROMISE_SIGNATURE, PROMISE_LEDGER
 */
export async function openArrival(
  { promise: note, certificate }: Arrival,
  trust: PromiseTrust,
): Promise<ArrivalPromise> {
  const { origin, logKeys, verifySignature } = trust;
  const own = logKeys.filter(({ name, type }) => name === origin && type !== 4);
  const key = await refusing(async () =>
    parseGatewayKey((await verifyNote(certificate, own, verifySignature)).text),
  );
  const verifier = refusing(() => parseVerifierKey(key.vkey));
  const promise = await refusing(async () =>
    parsePromise((await verifyNote(note, [verifier], verifySignature)).text),
  );
  if (key.ledger !== origin || promise.ledger !== origin) {
    throw new AuditError('PROMISE_LEDGER', `expected a promise of ${origin}`);
  }
  if (verifier.name !== gatewayKeyName(origin) || verifier.type !== 1) {
    throw new AuditError('PROMISE_SIGNATURE', 'expected a key that is named after its purpose');
  }
  if (promise.arrived_at < key.not_before || promise.arrived_at > key.not_after) {
    throw new AuditError('PROMISE_SIGNATURE', 'expected an arrival while its key could promise');
  }
  return promise;
}

function refusing<T>(work: () => Promise<T>): Promise<T>;
function refusing<T>(work: () => T): T;
function refusing<T>(work: () => T | Promise<T>): T | Promise<T> {
  try {
    const result = work();
    return result instanceof Promise ? result.catch(rethrow) : result;
  } catch (error) {
    return rethrow(error);
  }
}

function rethrow(error: unknown): never {
  if (error instanceof TlogError && error.code !== 'NOTE_MALFORMED') {
    throw new AuditError('PROMISE_SIGNATURE', error.message, { cause: error });
  }
  const isForm =
    error instanceof TlogError || error instanceof BindingError || error instanceof CanonicalError;
  throw isForm ? new AuditError('PROMISE_FORMAT', error.message, { cause: error }) : error;
}

function malformed(): AuditError {
  return new AuditError('PROMISE_FORMAT', 'expected a promise of an arrival, of version 1');
}
