import { randomBytes } from 'node:crypto';

/** A password for each. */
export function newPasswords<User extends string>(users: readonly User[]): Record<User, string> {
  return Object.fromEntries(
    users.map((user) => [user, randomBytes(18).toString('base64url')]),
  ) as Record<User, string>;
}

/** What Kafka's own commands need to be this user. */
export function javaSettings(user: string, password: string, caFile: string): string {
  const login = 'org.apache.kafka.common.security.scram.ScramLoginModule';
  return [
    'security.protocol=SASL_SSL',
    'sasl.mechanism=SCRAM-SHA-512',
    `sasl.jaas.config=${login} required username="${user}" password="${password}";`,
    'ssl.truststore.type=PEM',
    `ssl.truststore.location=${caFile}`,
    '',
  ].join('\n');
}
