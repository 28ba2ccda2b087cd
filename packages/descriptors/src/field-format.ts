import {
  fromBase64url,
  isDigest,
  isTimestamp,
  isUlid,
  CanonicalError,
} from '@countersign/canonical';
import { isBankText, isBic, isIban, isLei } from './bank-format.ts';
import { COUNTRIES } from './country-table.ts';
import { CURRENCIES } from './currency-table.ts';
import type { DescriptorErrorCode } from './descriptor-error.ts';
import {
  isAwsAccessKey,
  isAwsRegion,
  isAwsSecret,
  isEc2Instance,
  isEc2SecurityGroup,
  isIamUser,
  isWorkload,
} from './place-format.ts';
import { hasHiddenCharacters, isSafeIdentifier } from './text-safety.ts';

/**
 * Formats take the place of patterns: a pattern means something else in each language's engine, and can
 * be made to run for ever. schemas/formats/descriptor-and-display.md §3.2.
 */
export const FIELD_FORMATS = [
  'identifier',
  'display-text',
  'ulid',
  'sha256',
  'timestamp',
  'money',
  'arn',
  'aws-account',
  'version-id',
  'absolute-path',
  'env-name',
  'base64url',
  'nonce',
  'tenant',
  'type-name',
  'precondition-name',
  'url',
  'iban',
  'bic',
  'lei',
  'currency',
  'country',
  'date',
  'uuid4',
  'bank-text',
  'iso20022-code',
  'workload',
  'aws-region',
  'aws-access-key',
  'iam-user',
  'aws-secret',
  'ec2-instance',
  'ec2-security-group',
  'postgres-cluster',
  'hex128',
] as const;

export type FieldFormat = (typeof FIELD_FORMATS)[number];

/** Formats whose values may hold spaces. Scripts may be mixed where the format itself does not say, and the display then warns. */
const FREE_TEXT: ReadonlySet<FieldFormat> = new Set(['display-text', 'absolute-path', 'bank-text']);

const SHORT_FORMATS = [
  'ulid',
  'sha256',
  'timestamp',
  'aws-account',
  'nonce',
  'tenant',
  'type-name',
  'precondition-name',
  'iban',
  'bic',
  'lei',
  'currency',
  'country',
  'date',
  'uuid4',
  'iso20022-code',
  'aws-region',
  'aws-access-key',
  'ec2-instance',
  'ec2-security-group',
  'postgres-cluster',
  'hex128',
] as const;

/** Formats that bound the length of their values by themselves. */
export const BOUNDED_FORMATS: ReadonlySet<FieldFormat> = new Set([...SHORT_FORMATS, 'money']);

/** Formats of letters, digits and signs of ASCII alone: what is of the format hides nothing. */
const VISIBLE_FORMATS: ReadonlySet<FieldFormat> = new Set(SHORT_FORMATS);

const MONEY = /^(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,4})?$/;
const ARN = /^arn:[a-z0-9-]{1,20}:[a-z0-9-]{1,40}:[a-z0-9-]{0,40}:(?:[0-9]{12}|aws)?:[!-~]+$/;
const AWS_ACCOUNT = /^[0-9]{12}$/;
const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const NONCE = /^[A-Za-z0-9_-]{22,43}$/;
const TENANT = /^[a-z0-9][a-z0-9-]{1,62}$/;
const TYPE_NAME = /^[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+$/;
const PRECONDITION_NAME = /^[a-z_.]{1,64}$/;
const TYPE_NAME_MAX = 64;
const UUID4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const ISO20022_CODE = /^[A-Z0-9]{1,4}$/;
const POSTGRES_CLUSTER = /^[1-9][0-9]{0,19}$/;
const HEX128 = /^[0-9a-f]{32}$/;
const URL_PARTS =
  /^(https?):\/\/([a-z0-9.-]{1,253})(?::([1-9][0-9]{0,4}))?(\/[A-Za-z0-9._~!$&'()+,;=:@/-]*)$/;
const HOST_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Names that are re-pointed: what they meant at approval need not be what they mean at execution (A10). */
const MOVING_NAME =
  /^(?:\$?latest|\$?default|newest|current|stable|head|main|master|aws(?:current|previous|pending))$/i;
const WILDCARD = /[*?]|\$\{/;

function isBase64url(text: string): boolean {
  try {
    fromBase64url(text);
    return true;
  } catch (error) {
    if (error instanceof CanonicalError) return false;
    throw error;
  }
}

/** Absolute, and written the one way: a `..`, a `.` or an empty step would need the file system to say what it means. */
function isResolvedPath(text: string): boolean {
  if (text === '/') return true;
  const [root, ...steps] = text.split('/');
  return (
    root === '' &&
    steps.length > 0 &&
    steps.every((step) => step !== '' && step !== '.' && step !== '..')
  );
}

function isResolvedVersion(text: string): boolean {
  const last = text.split(/[:@/]/).at(-1) ?? '';
  return !WILDCARD.test(text) && !MOVING_NAME.test(last);
}

/**
 * An address in its one spelling. No query and no user: they are where secrets stand (attack row H09), and what they select
 * belongs into the arguments.
 */
function isResolvedUrl(text: string): boolean {
  const [, scheme, host = '', port, path = ''] = URL_PARTS.exec(text) ?? [];
  const steps = path.split('/').slice(1);
  return (
    scheme !== undefined &&
    host.split('.').every((label) => HOST_LABEL.test(label)) &&
    port !== (scheme === 'https' ? '443' : '80') &&
    !steps.slice(0, -1).includes('') &&
    !steps.some((step) => step === '.' || step === '..')
  );
}

type Check = readonly [isValid: (text: string) => boolean, code: DescriptorErrorCode];

const CHECKS: Readonly<Record<FieldFormat, Check>> = {
  identifier: [(text) => text !== '', 'SCHEMA_INVALID'],
  'display-text': [() => true, 'SCHEMA_INVALID'],
  ulid: [isUlid, 'SCHEMA_INVALID'],
  sha256: [isDigest, 'SCHEMA_INVALID'],
  timestamp: [isTimestamp, 'SCHEMA_INVALID'],
  money: [(text) => MONEY.test(text), 'MONEY_FORMAT'],
  arn: [(text) => ARN.test(text) && !WILDCARD.test(text), 'UNRESOLVED_REFERENCE'],
  'aws-account': [(text) => AWS_ACCOUNT.test(text), 'SCHEMA_INVALID'],
  'version-id': [isResolvedVersion, 'UNRESOLVED_REFERENCE'],
  'absolute-path': [isResolvedPath, 'UNRESOLVED_REFERENCE'],
  'env-name': [(text) => ENV_NAME.test(text), 'SCHEMA_INVALID'],
  base64url: [isBase64url, 'SCHEMA_INVALID'],
  nonce: [(text) => NONCE.test(text), 'SCHEMA_INVALID'],
  tenant: [(text) => TENANT.test(text), 'SCHEMA_INVALID'],
  'type-name': [(text) => text.length <= TYPE_NAME_MAX && TYPE_NAME.test(text), 'SCHEMA_INVALID'],
  'precondition-name': [(text) => PRECONDITION_NAME.test(text), 'SCHEMA_INVALID'],
  url: [isResolvedUrl, 'UNRESOLVED_REFERENCE'],
  iban: [isIban, 'SCHEMA_INVALID'],
  bic: [isBic, 'SCHEMA_INVALID'],
  lei: [isLei, 'SCHEMA_INVALID'],
  currency: [(text) => CURRENCIES.has(text), 'SCHEMA_INVALID'],
  country: [(text) => COUNTRIES.has(text), 'SCHEMA_INVALID'],
  date: [(text) => isTimestamp(`${text}T00:00:00.000Z`), 'SCHEMA_INVALID'],
  uuid4: [(text) => UUID4.test(text), 'SCHEMA_INVALID'],
  'bank-text': [isBankText, 'UNSAFE_TEXT'],
  'iso20022-code': [(text) => ISO20022_CODE.test(text), 'SCHEMA_INVALID'],
  workload: [isWorkload, 'UNRESOLVED_REFERENCE'],
  'aws-region': [isAwsRegion, 'UNRESOLVED_REFERENCE'],
  'aws-access-key': [isAwsAccessKey, 'UNRESOLVED_REFERENCE'],
  'iam-user': [isIamUser, 'UNRESOLVED_REFERENCE'],
  'aws-secret': [isAwsSecret, 'UNRESOLVED_REFERENCE'],
  'ec2-instance': [isEc2Instance, 'UNRESOLVED_REFERENCE'],
  'ec2-security-group': [isEc2SecurityGroup, 'UNRESOLVED_REFERENCE'],
  'postgres-cluster': [(text) => POSTGRES_CLUSTER.test(text), 'UNRESOLVED_REFERENCE'],
  hex128: [(text) => HEX128.test(text), 'SCHEMA_INVALID'],
};

/** Money has its own answer for every wrong value, a space or a foreign digit included (B03). */
function isSafe(format: FieldFormat, text: string): boolean {
  if (format === 'display-text' || format === 'money') return true;
  return FREE_TEXT.has(format) ? !hasHiddenCharacters(text) : isSafeIdentifier(text);
}

/** Why a text is not of this format, or undefined when it is. */
export function formatFault(format: FieldFormat, text: string): DescriptorErrorCode | undefined {
  if (VISIBLE_FORMATS.has(format) && CHECKS[format][0](text)) return undefined;
  if (!isSafe(format, text)) return 'UNSAFE_TEXT';
  const [isValid, code] = CHECKS[format];
  return isValid(text) ? undefined : code;
}
