import { sign, type KeyObject } from 'node:crypto';

/** What stands in a certificate, right or wrong. */
export interface CertificateParts {
  readonly name: string;
  readonly issuerName: string;
  readonly unit?: string;
  readonly publicKey: KeyObject;
  /** P-256 or RSA; or what signs in the place of a key of P-256. */
  readonly issuerKey: KeyObject | ((signed: Uint8Array) => Uint8Array);
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Of one that may issue others: how many issuers may stand below it. */
  readonly issues?: number | 'any';
  /** AAGUID, in the extension of FIDO. */
  readonly model?: Uint8Array;
  /** More extensions: object id in hexadecimal, and the value. */
  readonly extensions?: readonly {
    readonly id: string;
    readonly critical: boolean;
    readonly value: Uint8Array;
  }[];
  readonly version?: number;
  /** What is signed instead of these parts of it, each in DER, in the order of RFC 5280 §4.1. */
  readonly respelt?: (parts: readonly Buffer[]) => readonly Buffer[];
}

const SEQUENCE = 0x30;
const OBJECT_ID = 0x06;
const OCTET_STRING = 0x04;
const TRUE = Buffer.of(0x01, 0x01, 0xff);
const ECDSA_SHA256 = Buffer.from('300a06082a8648ce3d040302', 'hex');
const RSA_SHA256 = Buffer.from('300d06092a864886f70d01010b0500', 'hex');

/** An X.509 certificate in DER, for tests: no check is made of what it says. */
export function certificateOf(parts: CertificateParts): Buffer {
  const { issuerKey, publicKey } = parts;
  const isKey = typeof issuerKey !== 'function';
  const isRsa = isKey && issuerKey.asymmetricKeyType === 'rsa';
  const algorithm = isRsa ? RSA_SHA256 : ECDSA_SHA256;
  const body: readonly Buffer[] = [
    der(0xa0, der(0x02, Buffer.of(parts.version ?? 2))),
    der(0x02, Buffer.of(1)),
    algorithm,
    nameOf(parts.issuerName),
    der(SEQUENCE, timeOf(parts.notBefore), timeOf(parts.notAfter)),
    nameOf(parts.name, parts.unit),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, der(SEQUENCE, ...extensionsOf(parts))),
  ];
  const signed = der(SEQUENCE, ...(parts.respelt?.(body) ?? body));
  const signature = isKey ? sign('sha256', signed, issuerKey) : issuerKey(signed);
  return der(SEQUENCE, signed, algorithm, der(0x03, Buffer.of(0), signature));
}

function extensionsOf({ issues, model, extensions = [] }: CertificateParts): Buffer[] {
  const constraints =
    issues === undefined
      ? der(SEQUENCE)
      : der(SEQUENCE, TRUE, ...(issues === 'any' ? [] : [der(0x02, Buffer.of(issues))]));
  const all = [
    { id: '551d13', critical: true, value: constraints },
    ...(model === undefined
      ? []
      : [{ id: '2b0601040182e51c010104', critical: false, value: der(OCTET_STRING, model) }]),
    ...extensions,
  ];
  return all.map(({ id, critical, value }) =>
    der(
      SEQUENCE,
      der(OBJECT_ID, Buffer.from(id, 'hex')),
      critical ? TRUE : Buffer.alloc(0),
      der(OCTET_STRING, value),
    ),
  );
}

function nameOf(name: string, unit?: string): Buffer {
  const attributes = [
    ...(unit === undefined
      ? []
      : ([
          ['550406', 'SE'],
          ['55040a', 'Maker'],
          ['55040b', unit],
        ] as const)),
    ['550403', name] as const,
  ];
  return der(
    SEQUENCE,
    ...attributes.map(([id, text]) =>
      der(
        0x31,
        der(SEQUENCE, der(OBJECT_ID, Buffer.from(id, 'hex')), der(0x0c, Buffer.from(text))),
      ),
    ),
  );
}

/** RFC 5280 §4.1.2.5: of two digits for the year until 2049. */
function timeOf(date: Date): Buffer {
  const text = date.toISOString().replace(/[-:T]|\.\d+/g, '');
  return date.getUTCFullYear() < 2050
    ? der(0x17, Buffer.from(text.slice(2)))
    : der(0x18, Buffer.from(text));
}

/** With the part at this place of what is signed written in another way. */
export function respelling(
  at: number,
  spell: (part: Buffer) => Buffer,
): Pick<CertificateParts, 'respelt'> {
  return { respelt: (parts) => parts.map((part, place) => (place === at ? spell(part) : part)) };
}

/** One value of DER. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content]);
  if (length < 0x100) return Buffer.concat([Buffer.of(tag, 0x81, length), content]);
  return Buffer.concat([Buffer.of(tag, 0x82, length >> 8, length & 0xff), content]);
}
