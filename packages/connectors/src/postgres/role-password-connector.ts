import { randomBytes } from 'node:crypto';
import type { JsonObject } from '@countersign/canonical';
import { Client, DatabaseError, type ClientConfig } from 'pg';
import { ConnectorError } from '../connector-error.ts';
import {
  stateDigest,
  useReference,
  type Connector,
  type Effect,
  type LiveState,
  type VerifiedUse,
} from '../connector.ts';
import { assertApproved, OnceJournal, type Attempt } from '../once.ts';
import type { RotateParams } from '../rotation/rotate-params.ts';
import { SecretSink } from '../rotation/secret-sink.ts';
import { fingerprint, readRoles, type RoleState } from './role-state.ts';
import { roleRotation, type RoleRotation } from './role-target.ts';
import { scramVerifier } from './scram-verifier.ts';

export interface RolePasswordConnectorOptions {
  /** Of a role that may read pg_authid and change the roles that are rotated. */
  readonly connection: ClientConfig;
  /** Where the new password is delivered, under the name of its role. */
  readonly sink: string;
  readonly journal: string;
}

const INTERFACE: JsonObject = {
  v: 'countersign.executor-interface.v1',
  interface: 'countersign.executor.postgresql-role-password.v1',
  write: 'ALTER ROLE with a SCRAM-SHA-256 verifier that is made outside of the server',
  before: 'the roles equal the approved ones, and nobody is logged in who is no approved consumer',
  after: 'the new password logs in',
  record: 'application_name, a line in the server log, and the comment on the role',
};

const TIMEOUT_MS = 15_000;
const PASSWORD_BYTES = 32;
/** A line in the log of every server, whatever it logs of statements. */
const LOG_USE = `do $$ begin raise log 'countersign use %', current_setting('countersign.use'); end $$`;

/** Gives a role of PostgreSQL a new password that nobody but its consumer ever sees. */
export class RolePasswordConnector implements Connector<RotateParams> {
  readonly type: string = 'key.rotate';
  readonly interface: JsonObject = INTERFACE;
  readonly #connection: ClientConfig;
  readonly #sink: SecretSink;
  readonly #journal: OnceJournal;

  constructor({ connection, sink, journal }: RolePasswordConnectorOptions) {
    this.#connection = connection;
    this.#sink = new SecretSink(sink);
    this.#journal = new OnceJournal(journal);
  }

  async preconditions(params: RotateParams): Promise<LiveState> {
    const rotation = roleRotation(params);
    return this.#with({ application_name: 'countersign' }, async (client) =>
      liveState(params, await readRoles(client, rotation)),
    );
  }

  execute(use: VerifiedUse<RotateParams>): Promise<Effect> {
    const targetRef = use.params.key_ref;
    return this.#journal.execute(use, { targetRef, run: (attempt) => this.#rotate(use, attempt) });
  }

  async #rotate(use: VerifiedUse<RotateParams>, attempt: Attempt): Promise<Effect> {
    const { params, shortId } = use;
    const rotation = roleRotation(params);
    const password = randomBytes(PASSWORD_BYTES).toString('base64url');
    const verifier = scramVerifier(password);
    const before = await this.#with(
      { application_name: `countersign ${shortId}` },
      async (client) => {
        await client.query('begin');
        // Held to the end of the transaction: executors of one role go one after the other.
        await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [
          params.key_ref,
        ]);
        const state = await readRoles(client, rotation);
        assertApproved(use.preconditions, liveState(params, state));
        await this.#sink.stage(rotation.next, useReference(use.useId), password);
        await changeRoles(client, { rotation, verifier, shortId });
        // Until here the server undoes everything. Of a commit whose answer is lost nobody knows.
        await attempt.send(() => client.query('commit').catch(rethrown));
        return state;
      },
    );
    return this.#confirmed(params, { before, password, verifier });
  }

  /** The new password logs in, and the role holds it: it is delivered, and the old one was not cut for nothing. */
  async #confirmed(
    params: RotateParams,
    made: { readonly before: RoleState; readonly password: string; readonly verifier: string },
  ): Promise<Effect> {
    const rotation = roleRotation(params);
    const role = rotation.next;
    const login = { user: role, password: made.password, application_name: 'countersign' };
    await this.#with(login, (client) => client.query('select 1'));
    const after = await this.#with({}, (client) => readRoles(client, rotation));
    const held = after.roles[role] as JsonObject;
    if (held['password'] !== fingerprint(made.verifier)) {
      throw new ConnectorError(
        'EFFECT_DIFFERS',
        'expected the role to hold the password that was set',
      );
    }
    await this.#sink.activate(role, made.password);
    return {
      result: 'succeeded',
      targetRef: `${params.key_ref} ${role}`,
      beforeDigest: stateDigest(made.before.roles),
      afterDigest: stateDigest(after.roles),
    };
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

function liveState(params: RotateParams, { roles, consumers }: RoleState): LiveState {
  const known = new Set(params.consumers.map(({ id }) => id));
  return {
    'key.state': stateDigest(roles),
    // Who is logged in changes by the minute; that somebody is whom nobody has listed must not.
    'consumers.snapshot': stateDigest({
      listed: [...known],
      unlisted: consumers.filter((id) => !known.has(id)),
    }),
  };
}

async function changeRoles(
  client: Client,
  change: { readonly rotation: RoleRotation; readonly verifier: string; readonly shortId: string },
): Promise<void> {
  const { rotation, verifier, shortId } = change;
  const { next, previous, oldUntil, nextUntil } = rotation;
  const role = client.escapeIdentifier(next);
  const text = (value: string): string => client.escapeLiteral(value);
  await client.query("select set_config('countersign.use', $1, true)", [shortId]);
  await client.query(LOG_USE);
  await client.query(
    `alter role ${role} password ${text(verifier)} valid until ${text(nextUntil)}`,
  );
  await client.query(`comment on role ${role} is ${text(`countersign-use ${shortId}`)}`);
  if (previous === undefined || oldUntil === undefined) return;
  await client.query(
    `alter role ${client.escapeIdentifier(previous)} valid until ${text(oldUntil)}`,
  );
}
