import { createHash } from 'node:crypto';
import { fromBase64url, toBase64url } from '@countersign/canonical';
import { readCbor, writeCbor, type CborValue } from '@countersign/cbor';
import { verifySignature } from '@countersign/crypto-node';
import {
  der,
  respelling,
  SoftwareMaker,
  SoftwarePasskey,
  type SoftwareMakerOptions,
} from '@countersign/software-passkey';
import { describe, expect, it } from 'vitest';
import {
  attestedModel,
  HumanProofError,
  verifyAttestation,
  type Attestation,
  type AttestedModel,
  type ExpectedAttestation,
} from '../src/index.ts';

const MODEL = Buffer.from('cb69481e8ff7403993ec0a2729a154a8', 'hex');
const PLACE = { rpId: 'localhost', origin: 'http://localhost:7420' } as const;
const AT_MS = Date.parse('2026-11-30T00:00:00Z');

const respelt = (...of: Parameters<typeof respelling>): Partial<SoftwareMakerOptions> => ({
  batch: respelling(...of),
});
const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex');
/** OU=Authenticator Attestation, and what stands behind it in the same pair. */
const unit = (...more: readonly Buffer[]): Buffer =>
  der(0x30, bytes('060355040b'), der(0x0c, Buffer.from('Authenticator Attestation')), ...more);
const subject = (...sets: readonly Buffer[]): Buffer => der(0x30, ...sets);
/** A list of one extension, which has these parts. */
const extension = (...parts: readonly Buffer[]): Buffer =>
  der(0xa3, der(0x30, der(0x30, ...parts)));
const usage = (hex: string): Buffer => extension(bytes('0603551d0f'), der(0x04, bytes(hex)));
const limits = (hex: string): Buffer =>
  extension(bytes('0603551d13'), der(0x04, der(0x30, bytes(hex))));
/** A root whose limits are written so. */
const rooted = (hex: string): Partial<SoftwareMakerOptions> => ({
  rootParts: {
    respelt: (parts: readonly Buffer[]) => [...parts.slice(0, 7), limits(hex)],
  },
});

const UNKNOWN = bytes('06022a03');
const VALUE = bytes('04020500');
const YEAR_0 = der(0x18, Buffer.from('00000101000000Z'));

/** Each was read in different ways by verifiers in three languages, before the page said how. */
const RESPELT: readonly (readonly [string, Partial<SoftwareMakerOptions>])[] = [
  ['of two versions', respelt(0, () => der(0xa0, bytes('020102020102')))],
  ['of three times', respelt(4, (both) => der(0x30, both.subarray(2), both.subarray(2, 17)))],
  ['since the year 0', respelt(4, (both) => der(0x30, YEAR_0, both.subarray(17)))],
  ['with a unit of three parts', respelt(5, () => subject(der(0x31, unit(bytes('0500')))))],
  ['with no set behind the unit', respelt(5, () => subject(der(0x31, unit()), bytes('0500')))],
  ['with a tag of two bytes', respelt(5, () => subject(der(0x31, unit()), bytes('1f8100')))],
  [
    'with an extension of four parts',
    respelt(7, () => extension(UNKNOWN, bytes('010100'), VALUE, VALUE)),
  ],
  ['with an extension of one part', respelt(7, () => extension(UNKNOWN))],
  ['with a usage that is none, which issues nothing', respelt(7, () => usage('0500'))],
  ['with a usage of no bits', respelt(7, () => usage('030100'))],
  ['with a usage of three bytes', respelt(7, () => usage('030400808080'))],
  ['with a usage of eight unused bits', respelt(7, () => usage('03020880'))],
  ['with limits that begin with a text', respelt(7, () => limits('0c0161'))],
  ['with limits of three parts', respelt(7, () => limits('010100020101020101'))],
  ['whose root has a path length of two bytes', rooted('0101ff02020002')],
  ['whose root has a path length of 128', rooted('0101ff02020080')],
  ['whose root has a path length below 0', rooted('0101ff0201ff')],
  ['whose root has a path length of no bytes', rooted('0101ff0200')],
];

interface Case {
  readonly told: Attestation;
  readonly expected: ExpectedAttestation;
  readonly maker: SoftwareMaker;
}

function attested(options: Partial<SoftwareMakerOptions> = {}): Case {
  const maker = new SoftwareMaker({ model: MODEL, ...options });
  const passkey = SoftwarePasskey.create({ algorithm: 'ES256', ...PLACE, maker });
  return {
    maker,
    told: passkey.attestation(maker.root),
    expected: {
      ...passkey.credentialKey,
      rp_id: PLACE.rpId,
      backup_eligible: false,
      atMs: AT_MS,
    },
  };
}

async function checked({ told, expected }: Case): Promise<AttestedModel> {
  const model = attestedModel(told, expected);
  await verifyAttestation(told, verifySignature);
  return model;
}

async function why(wrong: Case): Promise<string> {
  return checked(wrong).then(
    () => 'accepted',
    (error: unknown) => {
      if (error instanceof HumanProofError) return error.why;
      throw error;
    },
  );
}

/** With a member of the attestation object, or of its statement, replaced. */
function withMember(of: Case, name: string, value: CborValue): Case {
  const { value: object } = readCbor(fromBase64url(of.told.object), 0);
  if (!(object instanceof Map)) throw new Error('expected a map');
  const statement = object.get('attStmt');
  if (!(statement instanceof Map)) throw new Error('expected a map');
  (object.has(name) ? object : statement).set(name, value);
  return { ...of, told: { ...of.told, object: toBase64url(writeCbor(object)) } };
}

describe('an attestation', () => {
  it.each([
    ['by a maker with one key', {}],
    ['through an issuer between', { hasIntermediate: true }],
    ['by RSA', { algorithm: 'RS256', hasIntermediate: true }],
    ['of a certificate without the model', { batch: { model: undefined } }],
  ] as const)('%s tells the model and its root', async (_, options) => {
    const valid = attested(options as Partial<SoftwareMakerOptions>);
    const root = createHash('sha256').update(valid.maker.root).digest('hex');
    expect(await checked(valid)).toEqual({
      model: 'cb69481e-8ff7-4039-93ec-0a2729a154a8',
      root: `sha256:${root}`,
    });
  });

  it('whose root is sent along, or is the very certificate that signs, is one too', async () => {
    const valid = attested();
    const chain = [...valid.maker.chain, valid.maker.root];
    expect(await why(withMember(valid, 'x5c', chain))).toBe('accepted');
    const [batch = Buffer.of()] = valid.maker.chain;
    const pinned = { ...valid, told: { ...valid.told, root: toBase64url(batch) } };
    expect(await why(pinned)).toBe('accepted');
  });

  it('of another credential, key, place or backup state is refused', async () => {
    const valid = attested();
    const other = attested().expected;
    const withExpected = (more: Partial<ExpectedAttestation>): Promise<string> =>
      why({ ...valid, expected: { ...valid.expected, ...more } });
    expect(await withExpected({ credential_id: other.credential_id })).toBe('credential');
    expect(await withExpected({ public_key: other.public_key })).toBe('credential');
    expect(await withExpected({ backup_eligible: true })).toBe('credential');
    expect(await withExpected({ rp_id: 'elsewhere.example' })).toBe('rp-id');
  });

  it('of another client data, or of an assertion, is refused', async () => {
    const valid = attested();
    const data = JSON.parse(
      Buffer.from(fromBase64url(valid.told.client_data)).toString(),
    ) as Record<string, unknown>;
    const withData = (json: object): Case => ({
      ...valid,
      told: { ...valid.told, client_data: toBase64url(Buffer.from(JSON.stringify(json))) },
    });
    expect(await why(withData({ ...data, challenge: 'BBBB' }))).toBe('signature');
    expect(await why(withData({ ...data, type: 'webauthn.get' }))).toBe('type');
    const framed = { ...data, crossOrigin: true };
    expect(await why(withData(framed))).toBe('cross-origin');
  });

  it.each([
    ['fmt', 'none'],
    ['fmt', 'fido-u2f'],
    ['alg', -8],
    ['x5c', []],
    ['x5c', 'none'],
    ['sig', 'none'],
    ['authData', 'none'],
    ['more', 1],
  ] as const)('with %s %j is refused', async (name, value) => {
    expect(await why(withMember(attested(), name, value as CborValue))).toBe('attestation');
  });

  it('of more certificates than four, or with something after it, is refused', async () => {
    const valid = attested();
    const [batch = Buffer.of()] = valid.maker.chain;
    expect(await why(withMember(valid, 'x5c', Array<CborValue>(5).fill(batch)))).toBe(
      'attestation',
    );
    const object = toBase64url(Buffer.concat([fromBase64url(valid.told.object), Buffer.of(0)]));
    expect(await why({ ...valid, told: { ...valid.told, object } })).toBe('attestation');
  });

  it.each([
    ['of another model', { batch: { model: Buffer.alloc(16, 7) } }],
    ['without the unit', { batch: { unit: undefined } }],
    ['with another unit', { batch: { unit: 'Authenticator attestation' } }],
    ['that may issue others', { batch: { issues: 'any' } }],
    [
      'that says it is an issuer, without the right to sign',
      {
        batch: {
          issues: 'any',
          extensions: [{ id: '551d0f', critical: true, value: Buffer.from('03020780', 'hex') }],
        },
      },
    ],
    ['of an issuer of another name', { batch: { issuerName: 'Rood' } }],
    ['that is over', { batch: { notAfter: new Date(AT_MS - 1_000) } }],
    ['that is not yet valid', { batch: { notBefore: new Date(AT_MS + 1_000) } }],
    ['whose root is over', { rootParts: { notAfter: new Date(AT_MS - 1_000) } }],
    ['whose root may not issue', { rootParts: { issues: undefined } }],
    ['through one that may not issue', { hasIntermediate: true, between: { issues: undefined } }],
    ['through more than the root allows', { hasIntermediate: true, rootParts: { issues: 0 } }],
    ['of version 1', { batch: { version: 0 } }],
    [
      'with a critical extension that nobody knows',
      { batch: { extensions: [{ id: '551d7f', critical: true, value: Buffer.of(5, 0) }] } },
    ],
    [
      'with one twice',
      { batch: { extensions: [{ id: '551d13', critical: false, value: Buffer.of(0x30, 0) }] } },
    ],
    [
      'through one that may sign no certificates',
      {
        hasIntermediate: true,
        between: {
          extensions: [{ id: '551d0f', critical: true, value: Buffer.from('03020780', 'hex') }],
        },
      },
    ],
    ...RESPELT,
  ] as const)('by a certificate %s is refused', async (_, options) => {
    expect(await why(attested(options as Partial<SoftwareMakerOptions>))).toBe('certificate');
  });

  it.each([
    ['without a path length', rooted('0101ff')],
    ['below which 127 may stand', rooted('0101ff02017f')],
  ])('through a root %s is accepted', async (_, options) => {
    expect(await why(attested(options))).toBe('accepted');
  });

  it('under another root of the same name, or signed by another key, is refused', async () => {
    const valid = attested();
    const other = attested();
    expect(await why({ ...valid, told: { ...valid.told, root: other.told.root } })).toBe(
      'signature',
    );
    expect(await why(withMember(valid, 'x5c', [...other.maker.chain]))).toBe('signature');
  });

  it('with any byte of its root, or of its certificate, cut off is refused', async () => {
    const valid = attested();
    const root = fromBase64url(valid.told.root);
    for (let length = 0; length < root.length; length += 1) {
      const cut = { ...valid.told, root: toBase64url(root.subarray(0, length)) };
      expect(await why({ ...valid, told: cut })).toBe('certificate');
    }
  });

  it('is never accepted with a bit of it flipped', async () => {
    const valid = attested();
    for (const name of ['object', 'client_data'] as const) {
      const bytes = fromBase64url(valid.told[name]);
      for (let at = 0; at < bytes.length; at += 1) {
        const copy = Uint8Array.from(bytes);
        copy[at] = (copy[at] ?? 0) ^ (1 << (at % 8));
        const spoiled = { ...valid, told: { ...valid.told, [name]: toBase64url(copy) } };
        expect(await why(spoiled), `${name} ${at}`).not.toBe('accepted');
      }
    }
  });
});
