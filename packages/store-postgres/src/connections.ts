import type { ConnectionOptions } from 'node:tls';
import { StoreError } from '@countersign/store';
import type { PostgresPool, PostgresPoolClient } from 'kysely';
import { Client, Pool, type ClientConfig, type PoolClient, type QueryResult } from 'pg';
import { isCut, storeError } from './postgres-failure.ts';

const CONNECT_MS = 5_000;
/** A server that is silent for longer is taken as gone. */
const ANSWER_MS = 30_000;
const STATEMENT_MS = 25_000;
/**
 * A writer that is paused in its transaction holds the others up until the server ends it, which MUST be before those
 * give up waiting.
 */
const IDLE_IN_TRANSACTION_MS = 5_000;
const LOCK_MS = 10_000;
const KEEP_ALIVE_MS = 10_000;

const INT8 = 20;
const BYTEA = 17;

export interface ConnectionSettings {
  /** postgres://user:password@host:port/database */
  readonly url: string;
  /** As of node:tls, with `ca` where it is not a public one; true for the authorities that Node knows. */
  readonly ssl?: boolean | ConnectionOptions;
}

/** @throws StoreError STORE_SETTINGS for a URL that is none: it is not repeated, for it may hold a password */
export function clientConfig({ url, ssl }: ConnectionSettings): ClientConfig {
  if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url)) {
    throw new StoreError('STORE_SETTINGS', 'expected a URL postgres://user@host:port/database');
  }
  return {
    connectionString: url,
    ...(ssl !== undefined && { ssl }),
    application_name: 'countersign',
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: ANSWER_MS,
    statement_timeout: STATEMENT_MS,
    lock_timeout: LOCK_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    // The port lets the newest change sets be lost with the machine, in their order: they are applied again.
    options: '-c synchronous_commit=off',
    types: { getTypeParser },
  };
}

const PARSERS = new Map<number, (text: string) => unknown>([
  [INT8, safeInteger],
  [BYTEA, (text) => new Uint8Array(Buffer.from(text.slice('\\x'.length), 'hex'))],
]);

/** Nothing is asked for in the binary format. Other types are read by nobody but the eye: as their text. */
const getTypeParser = (oid: number): ((text: string) => unknown) => PARSERS.get(oid) ?? asText;

function asText(text: string): string {
  return text;
}

function safeInteger(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  throw new StoreError('STORE_CORRUPT', 'expected an integer of at most 53 bits');
}

/** A connection of its own, for what must stay on one. */
export function newClient(settings: ConnectionSettings): Client {
  const client = new Client(clientConfig(settings));
  // Its end is told by `end`; without a listener an error would end the process.
  client.on('error', () => undefined);
  return client;
}

/** Connections for Kysely. Whatever they fail with is a StoreError, and one that has failed is not used again. */
export class Connections implements PostgresPool {
  readonly #pool: Pool;
  #isClosed = false;

  constructor(settings: ConnectionSettings, connectionsMax: number) {
    this.#pool = new Pool({ ...clientConfig(settings), max: connectionsMax });
    // Of one that nobody uses at the moment: the pool drops it. Of one in use, its queries tell; without a listener its
    // end would be that of the process.
    this.#pool.on('error', () => undefined);
    this.#pool.on('connect', (client) => client.on('error', () => undefined));
  }

  async connect(): Promise<PostgresPoolClient> {
    if (this.#isClosed) throw new StoreError('STORE_FAILED', 'expected open read models');
    try {
      // All but cursors, which nothing here asks for.
      return new Connection(await this.#pool.connect()) as unknown as PostgresPoolClient;
    } catch (error) {
      throw storeError(error);
    }
  }

  async end(): Promise<void> {
    this.#isClosed = true;
    await this.#pool.end();
  }
}

class Connection {
  readonly #client: PoolClient;
  #failure: Error | undefined;

  constructor(client: PoolClient) {
    this.#client = client;
  }

  async query(sql: string, parameters: readonly unknown[]): Promise<QueryResult> {
    // What comes after a cut, a rollback say, would wait for an answer that nobody gives.
    if (this.#failure !== undefined) throw this.#failure;
    try {
      return await this.#client.query(sql, [...parameters]);
    } catch (error) {
      const failure = storeError(error);
      if (isCut(error)) this.#failure = failure;
      throw failure;
    }
  }

  release(destroy?: boolean): void {
    this.#client.release(destroy === true || this.#failure !== undefined);
  }
}
