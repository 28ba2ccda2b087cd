import { ConnectorError } from '../connector-error.ts';
import type { RotateParams } from '../rotation/rotate-params.ts';

/** Which role gets a new password, and until when the old one works. */
export interface RoleRotation {
  readonly systemId: string;
  /** Gets the new password. */
  readonly next: string;
  /** Keeps its old one until `oldUntil`; undefined when it is the same role, whose old password ends at once. */
  readonly previous: string | undefined;
  readonly oldUntil: string | undefined;
  readonly nextUntil: string;
}

const KEY_REF = /^postgresql:(\d{10,20}):([a-z_][a-z0-9_]{0,59})$/;
const ROLE = /^[a-z_][a-z0-9_]{0,62}$/;

/**
 * `postgresql:<system identifier>:<role>` names the cluster of databases by the number that it was made with, and no host.
 * Without overlap the role itself gets a new password. With overlap it is a group of two who log in, `<role>_a` and
 * `<role>_b`, because PostgreSQL keeps one password a role: the one that is not `current_version` gets the new password.
 *
 * @throws {ConnectorError} NOT_SUPPORTED
 */
export function roleRotation(params: RotateParams): RoleRotation {
  const [, systemId, role] = KEY_REF.exec(params.key_ref) ?? [];
  const { current_version: current, overlap_seconds: overlap, old_key_at: oldUntil } = params;
  const nextUntil = params.new_material.not_after ?? 'infinity';
  if (systemId === undefined || role === undefined || !ROLE.test(current)) {
    throw new ConnectorError('NOT_SUPPORTED', 'expected postgresql:<system identifier>:<role>');
  }
  if (overlap === 0) {
    if (current !== role || params.old_key_action !== 'revoke') {
      throw new ConnectorError(
        'NOT_SUPPORTED',
        'expected the old password to be revoked: one role keeps one',
      );
    }
    return { systemId, next: role, previous: undefined, oldUntil: undefined, nextUntil };
  }
  const pair = [`${role}_a`, `${role}_b`];
  const next = pair.find((name) => name !== current);
  if (!pair.includes(current) || next === undefined || oldUntil === undefined) {
    throw new ConnectorError(
      'NOT_SUPPORTED',
      'expected one of two roles, and when the old one ends',
    );
  }
  return { systemId, next, previous: current, oldUntil, nextUntil };
}
