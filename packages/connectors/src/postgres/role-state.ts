import { createHash } from 'node:crypto';
import type { JsonObject } from '@countersign/canonical';
import type { Client } from 'pg';
import { ConnectorError } from '../connector-error.ts';
import type { RolePasswordRef } from '../rotation/rotate-params.ts';

interface RoleRow {
  readonly oid: string;
  readonly verifier: string | null;
  readonly valid_until: string | null;
}

const SYSTEM = 'select system_identifier::text as id from pg_control_system()';
const ROLE = `
  select oid::text, rolpassword as verifier,
    to_char(rolvaliduntil at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as valid_until
  from pg_authid where rolname = $1 and rolcanlogin`;
const CONSUMERS = `
  select distinct application_name as id from pg_stat_activity
  where usename = $1 and pid <> pg_backend_pid() order by 1`;

export interface RoleState {
  /** Which password it is, as a digest of a salted hash, and until when it is good. */
  readonly role: JsonObject;
  readonly password: string;
  /** Names of the applications that are logged in now. */
  readonly consumers: readonly string[];
}

/** @throws {ConnectorError} TARGET_UNKNOWN for another cluster, or a role that is not the one that was approved */
export async function readRole(client: Client, ref: RolePasswordRef): Promise<RoleState> {
  const system = await client.query<{ id: string }>(SYSTEM);
  const { rows } = await client.query<RoleRow>(ROLE, [ref.role_name]);
  const [row] = rows;
  if (system.rows[0]?.id !== ref.cluster_id || row?.oid !== String(ref.role_oid)) {
    throw new ConnectorError(
      'TARGET_UNKNOWN',
      'expected the cluster and the role that were approved',
    );
  }
  const consumers = await client.query<{ id: string }>(CONSUMERS, [ref.role_name]);
  const password = fingerprint(row.verifier ?? '');
  return {
    role: {
      cluster: ref.cluster_id,
      oid: row.oid,
      name: ref.role_name,
      password,
      valid_until: row.valid_until ?? 'infinity',
    },
    password,
    consumers: consumers.rows.map(({ id }) => id),
  };
}

/** Of a verifier: enough to see that it is another one. */
export function fingerprint(verifier: string): string {
  return createHash('sha256').update(verifier).digest('hex');
}
