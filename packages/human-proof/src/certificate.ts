import { equalBytes, fromUtf8, toHex, utf8 } from '@countersign/canonical';
import { DER, contentOf, ofTag, readDer, valuesIn, type DerValue } from './der.ts';
import { HumanProofError, refusing } from './human-proof-error.ts';

/** What counts of an X.509 certificate, RFC 5280 §4. */
export interface Certificate {
  readonly der: Uint8Array;
  /** The part that its issuer has signed. */
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
  readonly algorithm: CertificateAlgorithm;
  /** Names in DER: compared byte for byte. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  /** Whether it says that it is an issuer, with whatever right to. */
  readonly isAuthority: boolean;
  /** How many certificates of issuers may stand below it; undefined for one that may issue none. */
  readonly issues: number | undefined;
  /** By the content of their object ids in hexadecimal. */
  readonly extensions: ReadonlyMap<string, Uint8Array>;
}

export type CertificateAlgorithm = 'ecdsa-p256-sha256' | 'rsa-pkcs1-sha256';

/** 1.2.840.10045.4.3.2 and 1.2.840.113549.1.1.11. */
const ALGORITHMS: Readonly<Record<string, CertificateAlgorithm>> = {
  '2a8648ce3d040302': 'ecdsa-p256-sha256',
  '2a864886f70d01010b': 'rsa-pkcs1-sha256',
};

const VERSION_3 = 2;
const BASIC_CONSTRAINTS = '551d13';
const KEY_USAGE = '551d0f';
const EXTENDED_KEY_USAGE = '551d25';
/** Whatever else is critical must be understood, and is not. */
const KNOWN_CRITICAL: ReadonlySet<string> = new Set([
  BASIC_CONSTRAINTS,
  KEY_USAGE,
  EXTENDED_KEY_USAGE,
]);
const KEY_CERT_SIGN = 0x04;
/** As many unused bits as a last byte can have. */
const UNUSED_MAX = 7;
const USAGE_BYTES_MAX = 2;
/** Far more than a chain may have, in one byte of an integer that is not negative. */
const PATH_LENGTH_MAX = 127;
const ORGANIZATIONAL_UNIT = '55040b';
const VERSION_TAG = 0xa0;
const EXTENSIONS_TAG = 0xa3;
/** As many as a chain may have. */
const UNBOUNDED = Number.POSITIVE_INFINITY;

/**
 * Reads a certificate of version 3, strictly, without checking anything that it says.
 *
 * @throws HumanProofError with why `certificate`
 */
export function parseCertificate(der: Uint8Array): Certificate {
  const [first, algorithm, signature] = exactly(3, ofTag(readDer(der), DER.sequence));
  const signed = ofTag(first, DER.sequence);
  const body = bodyOf(signed);
  if (!equalBytes(body.algorithm.whole, ofTag(algorithm, DER.sequence).whole)) {
    throw malformed('the algorithm that is signed');
  }
  const bits = contentOf(signature, DER.bitString);
  if (bits[0] !== 0) throw malformed('a signature of whole bytes');
  const { extensions } = body;
  const { isAuthority, below } = constraintsOf(extensions);
  const maySign = maySignOf(extensions);
  return {
    ...body,
    der,
    signed: signed.whole,
    signature: bits.subarray(1),
    algorithm: algorithmOf(body.algorithm),
    isAuthority,
    issues: isAuthority && maySign ? below : undefined,
    extensions,
  };
}

/** Whether it has a unit of this name. @throws HumanProofError as above */
export function hasUnit({ subject }: Certificate, unit: string): boolean {
  const sets = valuesIn(readDer(subject));
  const attributes = sets.flatMap((set) => valuesIn(ofTag(set, DER.set))).map(attributeOf);
  // All of it is read before, so that where the unit stands changes nothing.
  return attributes.some(
    ({ type, value }) => type === ORGANIZATIONAL_UNIT && equalBytes(value, utf8(unit)),
  );
}

function attributeOf(attribute: DerValue): { type: string; value: Uint8Array } {
  const [type, value] = exactly(2, ofTag(attribute, DER.sequence));
  return { type: toHex(contentOf(type, DER.objectId)), value: value?.content ?? new Uint8Array() };
}

/** Its values, which are so many. */
function exactly(count: number, value: DerValue): DerValue[] {
  const values = valuesIn(value);
  if (values.length !== count) throw malformed(`${count} values, got ${values.length}`);
  return values;
}

interface Body extends Pick<
  Certificate,
  'issuer' | 'subject' | 'notBeforeMs' | 'notAfterMs' | 'publicKey' | 'extensions'
> {
  readonly algorithm: DerValue;
}

function bodyOf(signed: DerValue): Body {
  const [version, serial, algorithm, issuer, validity, subject, publicKey, ...rest] =
    valuesIn(signed);
  const [number] = exactly(1, ofTag(version, VERSION_TAG));
  const [digit, ...others] = contentOf(number, DER.integer);
  if (digit !== VERSION_3 || others.length > 0) throw malformed('version 3');
  ofTag(serial, DER.integer);
  const [notBefore, notAfter] = exactly(2, ofTag(validity, DER.sequence));
  return {
    algorithm: ofTag(algorithm, DER.sequence),
    issuer: ofTag(issuer, DER.sequence).whole,
    subject: ofTag(subject, DER.sequence).whole,
    notBeforeMs: timeOf(notBefore),
    notAfterMs: timeOf(notAfter),
    publicKey: ofTag(publicKey, DER.sequence).whole,
    extensions: extensionsOf(rest),
  };
}

function algorithmOf(algorithm: DerValue): CertificateAlgorithm {
  const [objectId] = valuesIn(algorithm);
  const known = ALGORITHMS[toHex(contentOf(objectId, DER.objectId))];
  if (known === undefined) throw malformed('a signature by ECDSA or RSA, with SHA-256');
  return known;
}

function extensionsOf(rest: readonly DerValue[]): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  const wrapped = rest.find(({ tag }) => tag === EXTENSIONS_TAG);
  if (wrapped === undefined) return found;
  const [list] = exactly(1, wrapped);
  for (const extension of valuesIn(ofTag(list, DER.sequence))) {
    const parts = valuesIn(ofTag(extension, DER.sequence));
    if (parts.length > 3) throw malformed('extensions of two or three parts');
    const name = toHex(contentOf(parts[0], DER.objectId));
    const isCritical = parts.length > 2 && isTrue(parts[1]);
    if (isCritical && !KNOWN_CRITICAL.has(name)) throw malformed('no critical extension but known');
    if (found.has(name)) throw malformed('each extension once');
    found.set(name, contentOf(parts.at(-1), DER.octetString));
  }
  return found;
}

function isTrue(value: DerValue | undefined): boolean {
  const [said, ...more] = contentOf(value, DER.boolean);
  if ((said !== 0 && said !== 0xff) || more.length > 0) throw malformed('true or false');
  return said === 0xff;
}

interface Constraints {
  readonly isAuthority: boolean;
  readonly below: number;
}

/** Read wherever it stands: one that three verifiers read in three ways would make a ledger VALID for some of them only. */
function constraintsOf(extensions: ReadonlyMap<string, Uint8Array>): Constraints {
  const constraints = extensions.get(BASIC_CONSTRAINTS);
  if (constraints === undefined) return { isAuthority: false, below: UNBOUNDED };
  const values = valuesIn(ofTag(readDer(constraints), DER.sequence));
  const hasFlag = values[0]?.tag === DER.boolean;
  const [length, ...more] = hasFlag ? values.slice(1) : values;
  if (more.length > 0) throw malformed('basicConstraints of a flag and a path length');
  const below = length === undefined ? UNBOUNDED : pathLengthOf(length);
  return { isAuthority: hasFlag && isTrue(values[0]), below };
}

function pathLengthOf(value: DerValue): number {
  const [length, ...more] = contentOf(value, DER.integer);
  if (length !== undefined && length <= PATH_LENGTH_MAX && more.length === 0) return length;
  throw malformed(`a path length of 0 to ${PATH_LENGTH_MAX}`);
}

/** Where it says what its key is for. */
function maySignOf(extensions: ReadonlyMap<string, Uint8Array>): boolean {
  const usage = extensions.get(KEY_USAGE);
  if (usage === undefined) return true;
  const [unused, first, ...more] = contentOf(readDer(usage), DER.bitString);
  const isUsage =
    unused !== undefined &&
    unused <= UNUSED_MAX &&
    first !== undefined &&
    more.length < USAGE_BYTES_MAX;
  if (!isUsage) throw malformed('a key usage');
  return (first & KEY_CERT_SIGN) !== 0;
}

/** RFC 5280 §4.1.2.5: whole seconds in UTC. */
function timeOf(value: DerValue | undefined): number {
  const text = refusing('certificate', () => fromUtf8(value?.content ?? new Uint8Array()));
  const year = value?.tag === DER.utcTime ? centuryOf(text) + text : text;
  const isTime = value?.tag === DER.utcTime || value?.tag === DER.generalizedTime;
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(year);
  if (!isTime || match === null) throw malformed('a time in UTC');
  const [, ...parts] = match;
  const [y, month, day, h, m, second] = parts;
  const ms = Date.parse(`${y}-${month}-${day}T${h}:${m}:${second}Z`);
  // 30 February, and the hour 24, are read as another day.
  const isDay =
    !Number.isNaN(ms) && Number(new Date(ms).toISOString().slice(8, 10)) === Number(day);
  // There is no year 0 either.
  if (!isDay || y === '0000') throw malformed('a time of the calendar');
  return ms;
}

function centuryOf(text: string): string {
  return Number(text.slice(0, 2)) < 50 ? '20' : '19';
}

function malformed(expected: string): HumanProofError {
  return new HumanProofError('certificate', `expected a certificate with ${expected}`);
}
