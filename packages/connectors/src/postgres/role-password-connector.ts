import { randomBytes } from 'node:crypto';
import type { JsonObject } from '@countersign/canonical';
import { Client, DatabaseError, type ClientConfig } from 'pg';
import { ConnectorError } from '../connector-error.ts';
import {
  stateDigest,
  type Connector,
  type Effect,
  type LiveState,
  type VerifiedUse,
} from '../connector.ts';
import { assertApproved, OnceJournal, type Attempt } from '../once.ts';
import { consumerOf, type RolePasswordRef, type RotateParams } from '../rotation/rotate-params.ts';
import { SealedDelivery, type DeliveryOptions } from '../sealed-delivery.ts';
import { fingerprint, readRole, type RoleState } from './role-state.ts';
import { scramVerifier } from './scram-verifier.ts';

export type RolePasswordParams = RotateParams<RolePasswordRef>;

export interface RolePasswordConnectorOptions {
  /** Of a role that may read pg_authid and change the roles that are rotated. */
  readonly connection: ClientConfig;
  readonly delivery: DeliveryOptions;
  readonly journal: string;
}

const INTERFACE: JsonObject = {
  v: 'countersign.executor-interface.v1',
  interface: 'countersign.executor.key-rotation.v1',
  system: 'postgresql-role-password',
  write: 'ALTER ROLE with a SCRAM-SHA-256 verifier that is made outside of the server',
  before: 'the role equals the approved one, and nobody is logged in who is no known consumer',
  after: 'the new password logs in; it is delivered as a JWE (ECDH-ES, A256GCM) to its consumer',
  record: 'application_name, a line in the server log, and the comment on the role',
};

const TIMEOUT_MS = 15_000;
const PASSWORD_BYTES = 32;
/** A line in the log of every server, whatever it logs of statements. */
const LOG_USE = `do $$ begin raise log 'countersign use %', current_setting('countersign.use'); end $$`;

/** Gives a role of PostgreSQL a new password that nobody but its consumer ever sees. The old one ends at once. */
export class RolePasswordConnector implements Connector<RolePasswordParams> {
  readonly type: string = 'key.rotate';
  readonly interface: JsonObject = INTERFACE;
  readonly #connection: ClientConfig;
  readonly #delivery: SealedDelivery;
  readonly #journal: OnceJournal;

  constructor({ connection, delivery, journal }: RolePasswordConnectorOptions) {
    this.#connection = connection;
    this.#delivery = new SealedDelivery(delivery);
    this.#journal = new OnceJournal(journal);
  }

  async preconditions(params: RolePasswordParams): Promise<LiveState> {
    assertSupported(params);
    return this.#with({ application_name: 'countersign' }, async (client) =>
      liveState(params, await readRole(client, params.key)),
    );
  }

  execute(use: VerifiedUse<RolePasswordParams>): Promise<Effect> {
    const { cluster_id: cluster, role_name: role } = use.params.key;
    const targetRef = `postgresql:${cluster}:${role}`;
    return this.#journal.execute(use, {
      targetRef,
      run: (attempt) => this.#rotate({ use, targetRef }, attempt),
    });
  }

  async #rotate(
    { use, targetRef }: { use: VerifiedUse<RolePasswordParams>; targetRef: string },
    attempt: Attempt,
  ): Promise<Effect> {
    const { params, shortId } = use;
    assertSupported(params);
    const password = randomBytes(PASSWORD_BYTES).toString('base64url');
    const verifier = scramVerifier(password);
    const name = { application_name: `countersign ${shortId}` };
    const before = await this.#with(name, async (client) => {
      await client.query('begin');
      // Held to the end of the transaction: executors of one role go one after the other.
      await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [targetRef]);
      const state = await readRole(client, params.key);
      assertApproved(use.preconditions, liveState(params, state));
      assertAllListed(params, state);
      await changeRole(client, { role: params.key.role_name, verifier, shortId });
      // Before the commit, so that no password that is in force is ever lost; it is sealed already.
      const to = { consumer: consumerOf(params), use };
      await this.#delivery.deliver(Buffer.from(password), to);
      // Until here the server undoes everything. Of a commit whose answer is lost nobody knows.
      await attempt.send(() => client.query('commit').catch(rethrown));
      return state;
    });
    const after = await this.#confirmed(params, { password, verifier });
    return {
      result: 'succeeded',
      targetRef,
      beforeDigest: stateDigest(before.role),
      afterDigest: stateDigest(after.role),
    };
  }

  /** The new password logs in, and is the one that the role has. */
  async #confirmed(
    { key }: RolePasswordParams,
    made: { readonly password: string; readonly verifier: string },
  ): Promise<RoleState> {
    const login = { user: key.role_name, password: made.password };
    await this.#with({ ...login, application_name: 'countersign' }, (client) =>
      client.query('select 1'),
    );
    const after = await this.#with({ application_name: 'countersign' }, (client) =>
      readRole(client, key),
    );
    if (after.password === fingerprint(made.verifier)) return after;
    throw new ConnectorError(
      'EFFECT_DIFFERS',
      'expected the role to hold the password that was set',
    );
  }

  async #with<T>(changes: ClientConfig, work: (client: Client) => Promise<T>): Promise<T> {
    const client = new Client({
      ...this.#connection,
      connectionTimeoutMillis: TIMEOUT_MS,
      query_timeout: TIMEOUT_MS,
      ...this.#options(changes),
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return await work(client);
    } catch (error) {
      return rethrown(error);
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  /** A connection string wins over single settings in this driver, so the user in it is replaced there. */
  #options(changes: ClientConfig): ClientConfig {
    const { connectionString } = this.#connection;
    const { user, password } = changes;
    if (connectionString === undefined || user === undefined) return changes;
    const url = new URL(connectionString);
    url.username = user;
    url.password = String(password);
    return { ...changes, connectionString: url.href };
  }
}

/** What the server says may hold parts of a statement: only its code goes on. */
function rethrown(error: unknown): never {
  if (!(error instanceof DatabaseError) || isCut(error)) throw error;
  throw new ConnectorError('TARGET_REFUSED', `PostgreSQL: SQLSTATE ${error.code ?? 'unknown'}`);
}

function isCut({ code, severity }: DatabaseError): boolean {
  return severity === 'FATAL' || severity === 'PANIC' || (code ?? '').startsWith('08');
}

function assertSupported({
  key,
  old_key_action: action,
  overlap_seconds: overlap,
}: RolePasswordParams): void {
  const isPassword = (key.kind as string) === 'postgresql-role-password';
  if (isPassword && action === 'revoke' && overlap === 0) return;
  throw new ConnectorError('NOT_SUPPORTED', 'expected a password, whose successor ends it at once');
}

/** Also where they were there when it was approved: whoever approved was shown the listed ones alone. */
function assertAllListed(params: RolePasswordParams, state: RoleState): void {
  if (unlisted(params, state).length === 0) return;
  throw new ConnectorError(
    'PRECONDITION_STALE',
    'expected nobody to be logged in but the consumers that were shown',
  );
}

function unlisted(params: RolePasswordParams, { consumers }: RoleState): readonly string[] {
  const known = new Set(params.consumers.map(({ id }) => id));
  return consumers.filter((id) => !known.has(id));
}

function liveState(params: RolePasswordParams, state: RoleState): LiveState {
  const { role } = state;
  return {
    'key.state': stateDigest(role),
    // Who is logged in changes by the minute; that somebody is whom nobody has listed must not.
    'consumers.snapshot': stateDigest({
      listed: [...new Set(params.consumers.map(({ id }) => id))],
      unlisted: [...unlisted(params, state)],
    }),
  };
}

async function changeRole(
  client: Client,
  change: { readonly role: string; readonly verifier: string; readonly shortId: string },
): Promise<void> {
  const role = client.escapeIdentifier(change.role);
  const text = (value: string): string => client.escapeLiteral(value);
  await client.query("select set_config('countersign.use', $1, true)", [change.shortId]);
  await client.query(LOG_USE);
  await client.query(`alter role ${role} password ${text(change.verifier)}`);
  await client.query(`comment on role ${role} is ${text(`countersign-use ${change.shortId}`)}`);
}
