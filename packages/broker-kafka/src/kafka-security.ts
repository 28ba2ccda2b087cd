import { readFile } from 'node:fs/promises';
import { createSecureContext, type ConnectionOptions, type SecureContext } from 'node:tls';
import { BrokerError } from '@countersign/broker';
import type { SASLOptions } from 'kafkajs';
import type { KafkaConnection } from './kafka-link.ts';

const MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;
const FILE_BYTES_MAX = 65_536;

type Mechanism = (typeof MECHANISMS)[number];

/**
 * How a broker knows us, and we it, as a configuration says it:
 *
 *     {"tls": {"caFile": …, "certFile": …, "keyFile": …},
 *      "sasl": {"mechanism": "scram-sha-512", "username": …, "passwordFile": …}}
 *
 * `tls` alone is encryption, by the certificates that Node trusts or those in `caFile`; with `certFile` and `keyFile` the broker
 * knows us by our certificate. `sasl` needs `tls` beside it, and has `password` or `passwordFile`. What it answers shows no secret
 * when it is printed.
 *
 * @throws {BrokerError} BROKER_CONNECTION_SETTINGS, which names the member and never its value
 */
export async function readKafkaSecurity(
  settings: unknown,
): Promise<Pick<KafkaConnection, 'ssl' | 'sasl'>> {
  const { tls, sasl } = members(settings, 'security', ['tls', 'sasl']);
  if (sasl !== undefined && tls === undefined) {
    throw wrong('sasl', 'tls beside it: no password goes over a bare connection');
  }
  return {
    ...(tls !== undefined && { ssl: await tlsOf(tls) }),
    ...(sasl !== undefined && { sasl: await saslOf(sasl) }),
  };
}

async function tlsOf(settings: unknown): Promise<ConnectionOptions> {
  const { caFile, certFile, keyFile } = members(settings, 'tls', ['caFile', 'certFile', 'keyFile']);
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw wrong('tls', 'certFile and keyFile together, or neither');
  }
  const [ca, cert, key] = await Promise.all([
    optionalFile(caFile, 'tls.caFile'),
    optionalFile(certFile, 'tls.certFile'),
    optionalFile(keyFile, 'tls.keyFile'),
  ]);
  return { secureContext: secureContext({ ca, cert, key }), minVersion: 'TLSv1.2' };
}

/** A context and no texts, so that whoever prints the settings of a connection prints no key. */
function secureContext(
  texts: Readonly<Record<'ca' | 'cert' | 'key', string | undefined>>,
): SecureContext {
  const given = Object.entries(texts).filter(([, text]) => text !== undefined);
  try {
    return createSecureContext({ ...Object.fromEntries(given), minVersion: 'TLSv1.2' });
  } catch {
    // Without its cause: what OpenSSL says may quote what it read.
    throw wrong('tls', 'certificates and a key in PEM that belong together');
  }
}

async function saslOf(settings: unknown): Promise<SASLOptions> {
  const names = ['mechanism', 'username', 'password', 'passwordFile'];
  const { mechanism, username, password, passwordFile } = members(settings, 'sasl', names);
  const known = MECHANISMS.find((each) => each === mechanism);
  if (known === undefined) throw wrong('sasl.mechanism', MECHANISMS.join(' or '));
  if ((password === undefined) === (passwordFile === undefined)) {
    throw wrong('sasl', 'either password or passwordFile');
  }
  const secret =
    password === undefined
      ? (await fileText(passwordFile, 'sasl.passwordFile')).replace(/\r?\n$/, '')
      : text(password, 'sasl.password');
  if (secret === '') throw wrong('sasl', 'a password that is not empty');
  return new Login(known, text(username, 'sasl.username'), secret);
}

/** Its password is no member of it: printing it, or writing it as JSON, shows none. */
class Login {
  readonly mechanism: Mechanism;
  readonly username: string;
  readonly #password: string;

  constructor(mechanism: Mechanism, username: string, password: string) {
    this.mechanism = mechanism;
    this.username = username;
    this.#password = password;
  }

  get password(): string {
    return this.#password;
  }
}

function members(
  value: unknown,
  place: string,
  names: readonly string[],
): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrong(place, 'an object');
  }
  const strange = Object.keys(value).find((name) => !names.includes(name));
  if (strange !== undefined) throw wrong(place, `no member but ${names.join(', ')}`);
  return Object.fromEntries(Object.entries(value));
}

function text(value: unknown, place: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw wrong(place, 'a text');
}

async function optionalFile(value: unknown, place: string): Promise<string | undefined> {
  return value === undefined ? undefined : fileText(value, place);
}

async function fileText(value: unknown, place: string): Promise<string> {
  const path = text(value, place);
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw wrong(place, 'a readable file', error);
  }
  if (bytes.length <= FILE_BYTES_MAX) return bytes.toString('utf8');
  throw wrong(place, `a file of at most ${FILE_BYTES_MAX} bytes`);
}

function wrong(place: string, expected: string, cause?: unknown): BrokerError {
  const message = `${place}: expected ${expected}`;
  return new BrokerError('BROKER_CONNECTION_SETTINGS', message, { cause });
}
