import { jsonKind, pointerTo, valueAt, type Json } from '@countersign/canonical';

/** What the schema of cluster.json says of a value: as much of TypeBox's errors as is needed here. */
export interface SchemaFault {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: object;
}

const FILE = 'a path, relative to this file';

/** By the path of each member, `[]` for any place in a list. */
const EXPECTED: Readonly<Record<string, string>> = {
  '': 'an object with v, kafka, kms, postgres',
  v: 'countersign.cluster.v1',
  kafka: 'an object with brokers, and perhaps prefix, tls, sasl',
  'kafka.brokers': '1 to 100 of host:port',
  'kafka.brokers[]': 'host:port, like kafka-1:9092',
  'kafka.prefix': 'at most 100 of A-Z, a-z, 0-9, dot, dash and _',
  'kafka.tls': 'an object with none or some of ca_file, cert_file, key_file',
  'kafka.sasl': 'an object with mechanism, username, and perhaps password_file',
  'kafka.sasl.mechanism': 'scram-sha-256 or scram-sha-512',
  'kafka.sasl.username': 'a name',
  'kafka.sasl.password_file': FILE,
  kms: 'an object with key_id, region, and perhaps more_key_ids, endpoint',
  'kms.key_id': 'an id, ARN or alias of a key',
  'kms.more_key_ids': 'at most 3 ids, ARNs or aliases of keys',
  'kms.more_key_ids[]': 'an id, ARN or alias of a key',
  'kms.region': 'a region, like eu-central-1',
  'kms.endpoint': 'an address that begins with http:// or https://',
  postgres: 'an object with url, and perhaps password_file, schema_prefix, tls, allow_plaintext',
  'postgres.url': 'postgres://user@host:port/database',
  'postgres.password_file': FILE,
  'postgres.schema_prefix': 'at most 41 of a-z, 0-9 and _, the first no digit',
  'postgres.tls': 'an object with none or some of ca_file, cert_file, key_file',
  'postgres.allow_plaintext': 'true',
};

/** The member, what was expected of it and what kind of thing it is; never the value, which may hold a password. */
export function faultIn(json: Json, faults: readonly SchemaFault[]): string {
  // Of a member too much two are told, and the first does not name what was expected.
  const fault = faults.find(({ keyword }) => keyword !== 'boolean');
  if (fault === undefined) return 'expected what docs/cluster.md says';
  const steps = fault.instancePath.split('/').slice(1);
  const [strange] = named(fault, 'additionalProperties');
  const [missing] = named(fault, 'requiredProperties');
  const more = strange ?? missing;
  const path = more === undefined ? steps : [...steps, more];
  const of = strange === undefined ? path : steps;
  const got =
    strange === undefined
      ? jsonKind(valueAt(json, path.reduce(pointerTo, '')))
      : `a member ${strange}`;
  return `${pathOf(path) || 'the file'}: expected ${expectedOf(of)}, got ${got}`;
}

function named({ params }: SchemaFault, what: string): readonly string[] {
  const names: unknown = new Map(Object.entries(params)).get(what);
  return Array.isArray(names) ? names.map(String) : [];
}

function pathOf(steps: readonly string[]): string {
  return steps.reduce((path, step) => {
    if (/^\d+$/.test(step)) return `${path}[${step}]`;
    return path === '' ? step : `${path}.${step}`;
  }, '');
}

function expectedOf(steps: readonly string[]): string {
  const path = pathOf(steps).replaceAll(/\[\d+\]/g, '[]');
  return EXPECTED[path] ?? (path.endsWith('_file') ? FILE : 'what docs/cluster.md says');
}
