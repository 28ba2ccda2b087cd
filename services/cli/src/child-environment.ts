import { saltedDigest, toBase64url, fromBase64url, type Digest } from '@countersign/canonical';
import { mayBeSecret } from '@countersign/descriptors';
import { CliError, cliError } from './cli-error.ts';

/** Variables as an action names them, sorted as it must be. */
export interface EnvironmentFacts {
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly secret_env: readonly { readonly name: string; readonly digest: Digest }[];
  /** Salt of each secret's digest. Kept on this machine: with it alone somebody could try values. */
  readonly salts: Readonly<Record<string, string>>;
}

export interface VariableNames {
  readonly env: readonly string[];
  readonly secretEnv: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

const SALT_BYTES = 16;
/** The ends that people meet most; docs/cli.md has them all. */
const SECRET_NAMES =
  'one that ends in TOKEN, SECRET, PASSWORD, PASSWD, PASSPHRASE, CREDENTIAL, CREDENTIALS, _KEY, _PWD, _PIN, _OTP, _COOKIE, _SALT or _DSN, or is DATABASE_URL, REDIS_URL, MONGODB_URI or AMQP_URL';
export const USE_VARIABLE = 'COUNTERSIGN_USE';

/**
 * Reads the named variables: those of `env` in clear, those of `secretEnv` as salted digests.
 *
 * @throws CliError ENV_MISSING, ENV_REPEATED, ENV_NOT_SECRET
 */
export function environmentFacts(
  names: VariableNames,
  from: { readonly env: Environment; readonly randomBytes: (size: number) => Uint8Array },
): EnvironmentFacts {
  assertDistinct([...names.env, ...names.secretEnv]);
  assertMayBeSecret(names.secretEnv);
  const salts = Object.fromEntries(
    names.secretEnv.map((name) => [name, toBase64url(from.randomBytes(SALT_BYTES))]),
  );
  return {
    env: sorted(names.env).map((name) => ({ name, value: valueOf(name, from.env) })),
    secret_env: sorted(names.secretEnv).map((name) => ({
      name,
      digest: secretDigest(salts[name] ?? '', valueOf(name, from.env)),
    })),
    salts,
  };
}

/**
 * The variables that a command gets, and no others. A secret is read again here, and must be the one approved.
 *
 * @throws CliError ENV_MISSING, ACTION_DIGEST_MISMATCH
 */
export function childEnvironment(
  facts: EnvironmentFacts,
  from: Environment,
): Readonly<Record<string, string>> {
  // A variable may be called __proto__ or toString: no object that inherits anything.
  const child = new Map<string, string>();
  for (const { name, value } of facts.env) child.set(name, value);
  for (const { name, digest } of facts.secret_env) {
    const value = valueOf(name, from);
    const salt = Object.hasOwn(facts.salts, name) ? facts.salts[name] : undefined;
    if (secretDigest(salt ?? '', value) !== digest) {
      throw new CliError(
        'ACTION_DIGEST_MISMATCH',
        `secret variable ${name}: expected the value that was approved, got another`,
      );
    }
    child.set(name, value);
  }
  return Object.fromEntries(child);
}

function secretDigest(salt: string, value: string): Digest {
  return saltedDigest('countersign/secret-env/v1', fromBase64url(salt), value);
}

function valueOf(name: string, env: Environment): string {
  const value = Object.hasOwn(env, name) ? env[name] : undefined;
  if (value === undefined) {
    throw cliError('ENV_MISSING', `expected a variable ${name} in this environment, found none`);
  }
  return value;
}

/** The ledger refuses it too; here the option can be named. */
function assertMayBeSecret(names: readonly string[]): void {
  const refused = names.find((name) => !mayBeSecret(name));
  if (refused === undefined) return;
  throw cliError(
    'ENV_NOT_SECRET',
    `--secret-env ${refused}: expected the name of a credential (${SECRET_NAMES}); any other value can decide what runs, so the approver has to see it`,
    { hint: `--env ${refused} passes it on, shown in clear` },
  );
}

function assertDistinct(names: readonly string[]): void {
  const seen = new Set<string>([USE_VARIABLE]);
  for (const name of names) {
    if (seen.has(name)) {
      throw cliError(
        'ENV_REPEATED',
        `expected each variable once, and never ${USE_VARIABLE}: ${name}`,
      );
    }
    seen.add(name);
  }
}

/** By UTF-16 code units, as the action type asks. */
function sorted(names: readonly string[]): string[] {
  return [...names].sort((a, b) => (a < b ? -1 : 1));
}
