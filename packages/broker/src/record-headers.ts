import { BrokerError } from './broker-error.ts';

/**
 * Hints beside a record, for whoever follows what happens: of which event it tells, and to which trace it belongs. Nothing is
 * signed, hashed or decided by them, and whoever may append to a topic can put anything there.
 */
export type RecordHeaders = Readonly<Record<string, string>>;

export const MAX_HEADERS = 16;
/** Of all names and values of one record. */
export const MAX_HEADER_BYTES = 2_048;

/** What Kafka's framing adds to a header at most. */
const HEADER_OVERHEAD_BYTES = 5;

const NAME = /^[a-z][a-z0-9_-]{0,63}$/;
/** Printable ASCII: such text is the same in every storage, and can break no line of a log. */
const VALUE = /^[\x20-\x7e]*$/;

/** @throws {BrokerError} BROKER_LIMIT */
export function assertHeaders(headers: RecordHeaders): void {
  const entries = Object.entries(headers);
  if (entries.length > MAX_HEADERS) {
    throw limit(`expected at most ${MAX_HEADERS} headers, got ${entries.length}`);
  }
  let bytes = 0;
  for (const [name, value] of entries) {
    if (!NAME.test(name)) throw limit(`expected the name of a header to match ${NAME.source}`);
    if (!VALUE.test(value)) throw limit(`expected printable ASCII in the header ${name}`);
    bytes += name.length + value.length;
  }
  if (bytes > MAX_HEADER_BYTES) {
    throw limit(`expected at most ${MAX_HEADER_BYTES} bytes of headers, got ${bytes}`);
  }
}

/** What they count against the size of an append. */
export function headersCostBytes(headers: RecordHeaders | undefined): number {
  if (headers === undefined) return 0;
  return Object.entries(headers).reduce(
    (sum, [name, value]) => sum + name.length + value.length + HEADER_OVERHEAD_BYTES,
    0,
  );
}

/**
 * What of the headers in a storage is handed out: those that could have been appended here, up to the bounds, and of
 * two with one name the first. Undefined where none is left.
 */
export function headersOf(
  entries: Iterable<readonly [string, unknown]>,
): RecordHeaders | undefined {
  const taken = new Map<string, string>();
  let bytes = 0;
  for (const [name, value] of entries) {
    if (taken.size === MAX_HEADERS) break;
    if (typeof value !== 'string' || !NAME.test(name) || taken.has(name)) continue;
    if (bytes + name.length + value.length > MAX_HEADER_BYTES || !VALUE.test(value)) continue;
    bytes += name.length + value.length;
    taken.set(name, value);
  }
  return taken.size === 0 ? undefined : Object.freeze(Object.fromEntries(taken));
}

/** Of a record that was found to be appendable, as a member of its copy: absent where there are none. */
export function ownHeaders({ headers }: { readonly headers?: RecordHeaders }): {
  readonly headers?: RecordHeaders;
} {
  const isNone = headers === undefined || Object.keys(headers).length === 0;
  return isNone ? {} : { headers: Object.freeze({ ...headers }) };
}

function limit(message: string): BrokerError {
  return new BrokerError('BROKER_LIMIT', message);
}
