import { createHash } from 'node:crypto';
import type { JsonObject } from '@countersign/canonical';
import type { Client } from 'pg';
import { ConnectorError } from '../connector-error.ts';
import type { RoleRotation } from './role-target.ts';

interface RoleRow {
  readonly rolname: string;
  readonly oid: string;
  readonly verifier: string | null;
  readonly valid_until: string | null;
  readonly can_login: boolean;
}

const SYSTEM = 'select system_identifier::text as id from pg_control_system()';
const ROLES = `
  select rolname, oid::text, rolpassword as verifier, rolcanlogin as can_login,
    to_char(rolvaliduntil at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as valid_until
  from pg_authid where rolname = any($1) order by rolname`;
const CONSUMERS = `
  select distinct application_name as id from pg_stat_activity
  where usename = any($1) and pid <> pg_backend_pid() order by 1`;

export interface RoleState {
  /** Who may log in, with which password (as a digest) and until when. */
  readonly roles: JsonObject;
  /** Names of the applications that are logged in now. */
  readonly consumers: readonly string[];
}

/** @throws {ConnectorError} TARGET_UNKNOWN for another server, or roles that are not there */
export async function readRoles(client: Client, rotation: RoleRotation): Promise<RoleState> {
  const { systemId, next, previous } = rotation;
  const system = await client.query<{ id: string }>(SYSTEM);
  if (system.rows[0]?.id !== systemId) {
    throw new ConnectorError('TARGET_UNKNOWN', 'expected the server that was approved');
  }
  const names = previous === undefined ? [next] : [next, previous];
  const { rows } = await client.query<RoleRow>(ROLES, [names]);
  if (rows.length !== names.length || rows.some((row) => !row.can_login)) {
    throw new ConnectorError('TARGET_UNKNOWN', 'expected roles that can log in');
  }
  const consumers = await client.query<{ id: string }>(CONSUMERS, [names]);
  return {
    roles: Object.fromEntries(rows.map((row) => [row.rolname, roleOf(row)])),
    consumers: consumers.rows.map(({ id }) => id),
  };
}

function roleOf({ oid, verifier, valid_until: until }: RoleRow): JsonObject {
  return { oid, password: fingerprint(verifier ?? ''), valid_until: until ?? 'infinity' };
}

/** Of a verifier, which is itself a salted hash: enough to see that it is another one. */
export function fingerprint(verifier: string): string {
  return createHash('sha256').update(verifier).digest('hex');
}
