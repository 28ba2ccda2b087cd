import { StoreError, type StoreErrorCode } from '@countersign/store';
import { DatabaseError } from 'pg';

/** By SQLSTATE, or by its first two characters: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const CODES: Readonly<Record<string, StoreErrorCode>> = {
  // Connection, rolled back by the server, resources (disk full, too many connections), intervention, system.
  ...{ '08': 'STORE_UNAVAILABLE', '40': 'STORE_UNAVAILABLE', '53': 'STORE_UNAVAILABLE' },
  ...{ '57': 'STORE_UNAVAILABLE', '58': 'STORE_UNAVAILABLE' },
  // A lock that was not free in time, a transaction that we left idle, a server that is still a standby.
  ...{ '55P03': 'STORE_UNAVAILABLE', '25P03': 'STORE_UNAVAILABLE', '25006': 'STORE_UNAVAILABLE' },
  // Who we are, what we may, which database.
  ...{ '28': 'STORE_SETTINGS', '42501': 'STORE_SETTINGS', '3D000': 'STORE_SETTINGS' },
  // Tables or columns that are not there, and damaged files.
  ...{ '42P01': 'STORE_CORRUPT', '42703': 'STORE_CORRUPT', '42804': 'STORE_CORRUPT' },
  ...{ '3F000': 'STORE_CORRUPT', XX001: 'STORE_CORRUPT', XX002: 'STORE_CORRUPT' },
};

const WHERE = 'postgres.url in cluster.json, or COUNTERSIGN_POSTGRES_URL';
/** What was expected where the settings are wrong, and on the next line what mends it. */
const EXPECTED: Readonly<Record<string, string>> = {
  '28P01': `the password of this user, got another (invalid_password)\ncheck the user and the password: postgres.password_file, ${WHERE}`,
  '28': `a user who may log in, got one who may not\ncheck the user in ${WHERE}, and pg_hba.conf of the server`,
  '3D000': `a database of this name, got none (invalid_catalog_name)\nmake it, as docs/postgres.md says, or check ${WHERE}`,
  '42501': `a role that may do this, got one that may not (insufficient_privilege)\ndocs/postgres.md says which role needs which rights`,
};

/** Certificates that do not fit stay as they are, however often they are looked at. */
const TLS_SETTINGS = /CERT|SIGNATURE|ISSUER|ERR_TLS|ERR_SSL/;
/** Of the client itself, which gives these no code. */
const CLIENT_SETTINGS = /does not support SSL|SASL|SCRAM|password must be a string/;

/** Whether the connection is of no more use: nobody knows what became of what was sent on it. */
export function isCut(error: unknown): boolean {
  return (
    !(error instanceof DatabaseError) || error.severity === 'FATAL' || error.severity === 'PANIC'
  );
}

/**
 * In the words of the port. What the server says in detail may hold values of rows, so only its code is kept; what
 * the client says may hold none of our secrets.
 */
export function storeError(error: unknown): Error {
  if (error instanceof StoreError) return error;
  if (error instanceof DatabaseError) {
    const state = error.code ?? 'unknown';
    const code = CODES[state] ?? CODES[state.slice(0, 2)] ?? 'STORE_FAILED';
    return new StoreError(code, said(state));
  }
  // A fault of ours: trying again would not mend it.
  if (error instanceof TypeError || error instanceof RangeError) return error;
  const { code, message } = failureOf(error);
  const isSetting = TLS_SETTINGS.test(code) || CLIENT_SETTINGS.test(message);
  return new StoreError(
    isSetting ? 'STORE_SETTINGS' : 'STORE_UNAVAILABLE',
    `PostgreSQL: ${code === '' ? message : code}`,
  );
}

function said(state: string): string {
  const expected = EXPECTED[state] ?? EXPECTED[state.slice(0, 2)];
  return `PostgreSQL: SQLSTATE ${state}${expected === undefined ? '' : `: expected ${expected}`}`;
}

function failureOf(error: unknown): { readonly code: string; readonly message: string } {
  if (!(error instanceof Error)) return { code: '', message: 'an unknown failure' };
  // Of several addresses of one name, each with its failure.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  const code = first instanceof Error && 'code' in first ? first.code : '';
  return { code: typeof code === 'string' ? code : '', message: error.message };
}
