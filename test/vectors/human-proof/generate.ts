// Writes the vectors of schemas/formats/human-proof.md that are not there yet. The keys are fresh on each run and
// thrown away, so a vector that exists is never written again: delete a file to have it made anew.
//   node --conditions=@countersign/source --import tsx test/vectors/human-proof/generate.ts
import {
  createHash,
  generateKeyPairSync,
  randomBytes,
  sign,
  type KeyObject,
} from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AssertionWhy, WebauthnProof } from '@countersign/human-proof';
import {
  SoftwarePasskey,
  type AssertionOverrides,
  type PasskeyAlgorithm,
} from '@countersign/software-passkey';

const RP_ID = 'localhost';
const ORIGIN = 'http://localhost:7420';
const OTHER_RP_ID = 'ledger.example';
const OTHER_ORIGIN = 'https://ledger.example';

const UP = 0x01;
const UV = 0x04;
const BE = 0x08;
const BS = 0x10;
const AT = 0x40;
const ED = 0x80;

interface Expected {
  challenge: string;
  origins: string[];
  rp_ids: string[];
  credential: { credential_id: string; public_key: string };
  require_user_verification: boolean;
}

interface Case {
  proof: unknown;
  expected: Expected;
}

/** A passkey of the right place, a challenge, and the assertion to be spoiled. */
class Ceremony {
  readonly passkey: SoftwarePasskey;
  readonly challenge: Buffer = randomBytes(32);

  constructor(algorithm: PasskeyAlgorithm = 'ES256', more: { counter?: number } = {}) {
    this.passkey = SoftwarePasskey.create({ algorithm, rpId: RP_ID, origin: ORIGIN, ...more });
  }

  expected(changes: Partial<Expected> = {}): Expected {
    return {
      challenge: this.challenge.toString('base64url'),
      origins: [ORIGIN],
      rp_ids: [RP_ID],
      credential: this.passkey.credentialKey,
      require_user_verification: true,
      ...changes,
    };
  }

  proof(overrides: AssertionOverrides = {}): WebauthnProof {
    return this.passkey.assert(this.challenge, overrides);
  }

  case(overrides: AssertionOverrides = {}, changes: Partial<Expected> = {}): Case {
    return { proof: this.proof(overrides), expected: this.expected(changes) };
  }

  clientData(changes: Record<string, unknown> = {}): Record<string, unknown> {
    return {
      type: 'webauthn.get',
      challenge: this.challenge.toString('base64url'),
      origin: ORIGIN,
      crossOrigin: false,
      ...changes,
    };
  }

  /** The case under another public key, registered for this credential id. */
  withKey(publicKey: Uint8Array, overrides: AssertionOverrides = {}): Case {
    const credential = {
      credential_id: this.passkey.credentialId,
      public_key: Buffer.from(publicKey).toString('base64url'),
    };
    return this.case(overrides, { credential });
  }
}

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex');
}

/** Client data of an exact length, filled up by an unknown member. */
function clientDataOfSize(ceremony: Ceremony, size: number): string {
  const empty = JSON.stringify(ceremony.clientData({ filler: '' }));
  return JSON.stringify(ceremony.clientData({ filler: 'x'.repeat(size - empty.length) }));
}

function attestedCredential(passkey: SoftwarePasskey, key: Uint8Array): Buffer {
  const id = Buffer.from(passkey.credentialId, 'base64url');
  return Buffer.concat([Buffer.alloc(16), Buffer.of(0, id.length), id, key]);
}

function withExtensions(outputs: string): Case {
  return new Ceremony().case({ flags: UP | UV | ED, afterCounter: hex(outputs) });
}

/** A P-256 assertion whose signature happens to have the lengths that some encoding rule is about. */
function es256Where(holds: (signature: Buffer) => boolean): { ceremony: Ceremony; proof: WebauthnProof } {
  for (;;) {
    const ceremony = new Ceremony();
    const proof = ceremony.proof();
    if (holds(Buffer.from(proof.signature, 'base64url'))) return { ceremony, proof };
  }
}

function respelled(
  spell: (signature: Buffer) => Buffer,
  holds: (signature: Buffer) => boolean = () => true,
): Case {
  const { ceremony, proof } = es256Where(holds);
  const signature = spell(Buffer.from(proof.signature, 'base64url')).toString('base64url');
  return { proof: { ...proof, signature }, expected: ceremony.expected() };
}

/** An assertion by a key that no passkey of ours would make. */
function foreignKey(
  cosePublicKey: Uint8Array,
  signing: { hash: string | null; key: KeyObject } | { signature: Buffer },
): Case {
  const ceremony = new Ceremony();
  const made = ceremony.withKey(cosePublicKey);
  const proof = ceremony.proof();
  const clientData = Buffer.from(proof.client_data_json, 'base64url');
  const message = Buffer.concat([
    Buffer.from(proof.authenticator_data, 'base64url'),
    createHash('sha256').update(clientData).digest(),
  ]);
  const signature =
    'signature' in signing ? signing.signature : sign(signing.hash, message, signing.key);
  return { ...made, proof: { ...proof, signature: signature.toString('base64url') } };
}

function jwkBytes(key: KeyObject, member: 'x' | 'y' | 'n' | 'e'): Buffer {
  return Buffer.from(key.export({ format: 'jwk' })[member] ?? '', 'base64url');
}

function byteString(bytes: Buffer): Buffer {
  if (bytes.length < 24) return Buffer.concat([Buffer.of(0x40 | bytes.length), bytes]);
  if (bytes.length < 256) return Buffer.concat([Buffer.of(0x58, bytes.length), bytes]);
  return Buffer.concat([Buffer.of(0x59, bytes.length >> 8, bytes.length & 0xff), bytes]);
}

function rsaCose(modulus: Buffer, exponent: Buffer): Buffer {
  return Buffer.concat([
    hex('a4 01 03 03 39 0100 20'),
    byteString(modulus),
    hex('21'),
    byteString(exponent),
  ]);
}

function rsaCase(modulusLength: number, publicExponent = 65_537): Case {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength, publicExponent });
  const cose = rsaCose(jwkBytes(publicKey, 'n'), jwkBytes(publicKey, 'e'));
  return foreignKey(cose, { hash: 'sha256', key: privateKey });
}

function p384Case(): Case {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const cose = Buffer.concat([
    hex('a5 01 02 03 38 22 20 02 21'),
    byteString(jwkBytes(publicKey, 'x')),
    hex('22'),
    byteString(jwkBytes(publicKey, 'y')),
  ]);
  return foreignKey(cose, { hash: 'sha384', key: privateKey });
}

/** y = 1 is the neutral point: with R = B and S = 1 the verification equation holds for every message. */
function smallOrderCase(): Case {
  const neutral = Buffer.concat([Buffer.of(1), Buffer.alloc(31)]);
  const base = Buffer.concat([Buffer.of(0x58), Buffer.alloc(31, 0x66)]);
  const one = Buffer.concat([Buffer.of(1), Buffer.alloc(31)]);
  const cose = Buffer.concat([hex('a4 01 01 03 27 20 06 21'), byteString(neutral)]);
  return foreignKey(cose, { signature: Buffer.concat([base, one]) });
}

function spoiledKey(algorithm: PasskeyAlgorithm, spoil: (cose: Buffer) => Buffer): Case {
  const ceremony = new Ceremony(algorithm);
  return ceremony.withKey(spoil(Buffer.from(ceremony.passkey.cosePublicKey)));
}

function at(bytes: Buffer, index: number, value: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[index] = value;
  return copy;
}

function spoiledProof(spoil: (proof: WebauthnProof) => unknown): Case {
  const ceremony = new Ceremony();
  return { proof: spoil(ceremony.proof()), expected: ceremony.expected() };
}

/** Sets a bit that no byte of the decoded member takes: 37 bytes leave four such bits in the last digit. */
function withUnusedBit(proof: WebauthnProof): WebauthnProof {
  const text = proof.authenticator_data;
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const last = digits[digits.indexOf(text.at(-1) ?? '') + 1] ?? '';
  return { ...proof, authenticator_data: text.slice(0, -1) + last };
}

function rawClientData(make: (ceremony: Ceremony) => string | Buffer): Case {
  const ceremony = new Ceremony();
  return ceremony.case({ clientDataJson: make(ceremony) });
}

const valid: Record<string, () => Case> = {
  'es256-uv': () => new Ceremony('ES256').case(),
  'eddsa-uv': () => new Ceremony('EdDSA').case(),
  'rs256-uv': () => new Ceremony('RS256').case(),
  'rs256-4096-bits': () => rsaCase(4096),
  'rs256-exponent-3': () => rsaCase(2048, 3),
  'up-where-up-is-enough': () =>
    new Ceremony().case({ flags: UP }, { require_user_verification: false }),
  'uv-where-up-is-enough': () => new Ceremony().case({}, { require_user_verification: false }),
  'synced-passkey': () => new Ceremony().case({ flags: UP | UV | BE | BS }),
  'backup-eligible-not-backed-up': () => new Ceremony().case({ flags: UP | UV | BE }),
  'counter-4294967295': () => new Ceremony().case({ counter: 0xffff_ffff }),
  'reserved-flags-set': () => new Ceremony().case({ flags: UP | UV | 0x02 | 0x20 }),
  'second-origin-and-rp-id': () =>
    new Ceremony().case(
      { origin: OTHER_ORIGIN, rpId: OTHER_RP_ID },
      { origins: [ORIGIN, OTHER_ORIGIN], rp_ids: [RP_ID, OTHER_RP_ID] },
    ),
  'unknown-client-data-members': () =>
    new Ceremony().case({
      extraMembers: { other_keys_can_be_added_here: 'do not compare', ключ: [1, { deep: null }] },
    }),
  'client-data-without-cross-origin': () =>
    rawClientData((ceremony) => JSON.stringify(ceremony.clientData({ crossOrigin: undefined }))),
  'client-data-in-other-order-with-white-space': () =>
    rawClientData((ceremony) =>
      JSON.stringify(Object.fromEntries(Object.entries(ceremony.clientData()).reverse()), null, 1),
    ),
  'client-data-of-1024-bytes': () => rawClientData((ceremony) => clientDataOfSize(ceremony, 1024)),
  'extension-outputs': () =>
    withExtensions('a3 6b686d61632d736563726574 58 20' + '5a'.repeat(32) + '63 757664 81 a1 01 20 61 78 f5'),
  'attested-credential-data': () => {
    const ceremony = new Ceremony();
    const afterCounter = attestedCredential(ceremony.passkey, ceremony.passkey.cosePublicKey);
    return ceremony.case({ flags: UP | UV | AT, afterCounter });
  },
  'cose-key-in-other-order': () => {
    const ceremony = new Ceremony();
    const cose = Buffer.from(ceremony.passkey.cosePublicKey);
    const [head, kty, alg, rest] = [cose.subarray(0, 1), cose.subarray(1, 3), cose.subarray(3, 5), cose.subarray(5)];
    return ceremony.withKey(Buffer.concat([head, rest, alg, kty]));
  },
};

function refusedFor(why: AssertionWhy, cases: Record<string, () => Case>): [string, AssertionWhy, () => Case][] {
  return Object.entries(cases).map(([name, make]) => [name, why, make]);
}

const invalid: [string, AssertionWhy, () => Case][] = [
  ...refusedFor('proof', {
    'proof-with-another-member': () =>
      spoiledProof((proof) => ({ ...proof, user_handle: '' })),
    'proof-without-signature': () => spoiledProof((proof) => ({ ...proof, signature: undefined })),
    'proof-of-another-kind': () => spoiledProof((proof) => ({ ...proof, kind: 'sshsig' })),
    'proof-with-a-number': () => spoiledProof((proof) => ({ ...proof, signature: 7 })),
    'proof-is-an-array': () => spoiledProof((proof) => [proof]),
    'proof-with-base64-padding': () =>
      spoiledProof((proof) => ({ ...proof, authenticator_data: `${proof.authenticator_data}==` })),
    'proof-with-unused-bits-set': () => spoiledProof(withUnusedBit),
    'proof-with-empty-credential-id': () =>
      spoiledProof((proof) => ({ ...proof, credential_id: '' })),
    'proof-with-credential-id-of-1024-bytes': () =>
      spoiledProof((proof) => ({ ...proof, credential_id: 'A'.repeat(1366) })),
  }),
  ...refusedFor('size', {
    'proof-above-3000-bytes': () =>
      withExtensions('a1 61 78 59 0900' + '00'.repeat(0x900)),
  }),
  ...refusedFor('credential', {
    'credential-unknown': () =>
      new Ceremony().case({ credentialId: randomBytes(32).toString('base64url') }),
  }),
  ...refusedFor('client-data', {
    'client-data-of-1025-bytes': () => rawClientData((ceremony) => clientDataOfSize(ceremony, 1025)),
    'client-data-with-duplicate-origin': () =>
      rawClientData((ceremony) =>
        JSON.stringify(ceremony.clientData()).replace('{', '{"origin":"https://evil.example",'),
      ),
    'client-data-with-float': () => new Ceremony().case({ extraMembers: { ratio: 0.5 } }),
    'client-data-with-byte-order-mark': () =>
      rawClientData((ceremony) => `\ufeff${JSON.stringify(ceremony.clientData())}`),
    'client-data-not-utf-8': () =>
      rawClientData((ceremony) =>
        Buffer.concat([
          Buffer.from(JSON.stringify(ceremony.clientData({ x: '' })).slice(0, -2)),
          Buffer.of(0xff),
          Buffer.from('"}'),
        ]),
      ),
    'client-data-with-lone-surrogate': () => new Ceremony().case({ extraMembers: { x: '\ud800' } }),
    'client-data-is-an-array': () => rawClientData((ceremony) => JSON.stringify([ceremony.clientData()])),
    'client-data-is-null': () => rawClientData(() => 'null'),
    'client-data-is-empty': () => rawClientData(() => ''),
    'client-data-cut-short': () =>
      rawClientData((ceremony) => JSON.stringify(ceremony.clientData()).slice(0, -1)),
    'client-data-with-token-binding': () =>
      new Ceremony().case({ extraMembers: { tokenBinding: { status: 'supported' } } }),
  }),
  ...refusedFor('type', {
    'type-create': () => new Ceremony().case({ type: 'webauthn.create' }),
    'type-payment': () => new Ceremony().case({ type: 'payment.get' }),
    'type-absent': () =>
      rawClientData((ceremony) => JSON.stringify(ceremony.clientData({ type: undefined }))),
  }),
  ...refusedFor('challenge', {
    'challenge-of-another-decision': () =>
      new Ceremony().case({ challenge: randomBytes(32).toString('base64url') }),
    'challenge-with-padding': () => {
      const ceremony = new Ceremony();
      return ceremony.case({ challenge: `${ceremony.challenge.toString('base64url')}=` });
    },
    'challenge-in-hex': () => {
      const ceremony = new Ceremony();
      return ceremony.case({ challenge: ceremony.challenge.toString('hex') });
    },
    'challenge-absent': () =>
      rawClientData((ceremony) => JSON.stringify(ceremony.clientData({ challenge: undefined }))),
  }),
  ...refusedFor('cross-origin', {
    'cross-origin-true': () => new Ceremony().case({ crossOrigin: true }),
    'cross-origin-null': () => new Ceremony().case({ crossOrigin: null }),
    'cross-origin-with-top-origin': () =>
      new Ceremony().case({ crossOrigin: true, extraMembers: { topOrigin: 'https://evil.example' } }),
    'top-origin-without-cross-origin': () =>
      new Ceremony().case({ extraMembers: { topOrigin: 'https://evil.example' } }),
    'top-origin-empty': () => new Ceremony().case({ extraMembers: { topOrigin: '' } }),
  }),
  ...refusedFor('origin', {
    'origin-of-another-site': () => new Ceremony().case({ origin: 'https://evil.example' }),
    'origin-with-another-port': () => new Ceremony().case({ origin: 'http://localhost:7421' }),
    'origin-with-slash': () => new Ceremony().case({ origin: `${ORIGIN}/` }),
    'origin-in-capitals': () => new Ceremony().case({ origin: ORIGIN.toUpperCase() }),
    'origin-absent': () =>
      rawClientData((ceremony) => JSON.stringify(ceremony.clientData({ origin: undefined }))),
    'no-origins-allowed': () => new Ceremony().case({}, { origins: [] }),
  }),
  ...refusedFor('authenticator-data', {
    'authenticator-data-of-36-bytes': () => {
      const ceremony = new Ceremony();
      const whole = Buffer.from(ceremony.proof().authenticator_data, 'base64url');
      return ceremony.case({ authenticatorData: whole.subarray(0, 36) });
    },
    'authenticator-data-with-more-than-its-flags-say': () =>
      new Ceremony().case({ afterCounter: hex('a0') }),
    'extension-flag-without-extensions': () => new Ceremony().case({ flags: UP | UV | ED }),
    'extensions-are-an-array': () => withExtensions('80'),
    'extensions-followed-by-more': () => withExtensions('a0 00'),
    'extensions-cut-short': () => withExtensions('a1 61 78'),
    'extensions-of-indefinite-length': () => withExtensions('bf ff'),
    'extensions-with-a-name-twice': () => withExtensions('a2 61 78 01 61 78 02'),
    'extensions-with-float': () => withExtensions('a1 61 78 fa 3f000000'),
    'extensions-with-undefined': () => withExtensions('a1 61 78 f7'),
    'extensions-with-tag': () => withExtensions('a1 61 78 c1 01'),
    'extensions-with-long-integer': () => withExtensions('a1 61 78 18 01'),
    'extensions-with-text-not-utf-8': () => withExtensions('a1 61 78 61 ff'),
    'extensions-with-bytes-as-name': () => withExtensions('a1 41 78 01'),
    'extensions-too-deep': () => withExtensions('a1 61 78' + '81'.repeat(8) + '01'),
    'attested-credential-flag-without-data': () => new Ceremony().case({ flags: UP | UV | AT }),
    'attested-credential-without-key-map': () => {
      const ceremony = new Ceremony();
      const afterCounter = attestedCredential(ceremony.passkey, hex('01'));
      return ceremony.case({ flags: UP | UV | AT, afterCounter });
    },
  }),
  ...refusedFor('backup-state', {
    'backed-up-but-not-eligible': () => new Ceremony().case({ flags: UP | UV | BS }),
  }),
  ...refusedFor('rp-id', {
    'rp-id-of-another-site': () => new Ceremony().case({ rpId: 'evil.example' }),
    'no-rp-ids-allowed': () => new Ceremony().case({}, { rp_ids: [] }),
  }),
  ...refusedFor('user-present', {
    'user-not-present': () => new Ceremony().case({ flags: UV }),
    'user-not-present-where-up-is-enough': () =>
      new Ceremony().case({ flags: 0 }, { require_user_verification: false }),
  }),
  ...refusedFor('user-verified', {
    'user-not-verified': () => new Ceremony().case({ flags: UP }),
  }),
  ...refusedFor('algorithm', {
    'key-p-384': p384Case,
    'key-ed25519-named-es256': () => spoiledKey('EdDSA', (cose) => at(cose, 4, 0x26)),
    'key-p-256-named-eddsa': () => spoiledKey('ES256', (cose) => at(cose, 4, 0x27)),
    'key-p-256-on-another-curve': () => spoiledKey('ES256', (cose) => at(cose, 6, 0x02)),
    'key-symmetric': () => spoiledKey('EdDSA', (cose) => at(cose, 2, 0x04)),
    'key-rs1': () =>
      spoiledKey('RS256', (cose) => Buffer.concat([hex('a4 01 03 03 39 fffe'), cose.subarray(7)])),
  }),
  ...refusedFor('key', {
    'key-not-base64url': () => {
      const ceremony = new Ceremony();
      const credential = { ...ceremony.passkey.credentialKey, public_key: '=' };
      return ceremony.case({}, { credential });
    },
    'key-empty': () => spoiledKey('ES256', () => Buffer.alloc(0)),
    'key-not-a-map': () => spoiledKey('ES256', (cose) => byteString(cose)),
    'key-followed-by-more': () => spoiledKey('ES256', (cose) => Buffer.concat([cose, Buffer.of(0)])),
    'key-with-another-parameter': () =>
      spoiledKey('ES256', (cose) => Buffer.concat([hex('a6'), cose.subarray(1), hex('02 41 00')])),
    'key-with-a-parameter-twice': () =>
      spoiledKey('ES256', (cose) => Buffer.concat([hex('a6'), cose.subarray(1), hex('01 02')])),
    'key-with-long-integer': () =>
      spoiledKey('ES256', (cose) => Buffer.concat([hex('a5 18 01 02'), cose.subarray(3)])),
    'key-of-indefinite-length': () =>
      spoiledKey('ES256', (cose) => Buffer.concat([hex('bf'), cose.subarray(1), hex('ff')])),
    'key-p-256-without-y': () =>
      spoiledKey('ES256', (cose) => Buffer.concat([hex('a4'), cose.subarray(1, -35)])),
    'key-p-256-not-on-the-curve': () =>
      spoiledKey('ES256', (cose) => at(cose, cose.length - 1, (cose.at(-1) ?? 0) ^ 1)),
    'key-p-256-short-x': () =>
      spoiledKey('ES256', (cose) =>
        Buffer.concat([cose.subarray(0, 8), hex('58 1f'), cose.subarray(10, 41), cose.subarray(42)]),
      ),
    'key-ed25519-of-small-order': smallOrderCase,
    'key-ed25519-not-reduced': () =>
      spoiledKey('EdDSA', (cose) =>
        Buffer.concat([cose.subarray(0, -32), hex('f0'), Buffer.alloc(30, 0xff), hex('7f')]),
      ),
    'key-rsa-1024-bits': () => rsaCase(1024),
    'key-rsa-2047-bits': () =>
      foreignKey(rsaCose(Buffer.concat([hex('7f'), Buffer.alloc(255, 0xff)]), hex('010001')), {
        signature: Buffer.alloc(256, 1),
      }),
    'key-rsa-4104-bits': () =>
      foreignKey(rsaCose(Buffer.alloc(513, 0xff), hex('010001')), { signature: Buffer.alloc(513, 1) }),
    'key-rsa-even-modulus': () =>
      spoiledKey('RS256', (cose) => at(cose, cose.length - 6, (cose.at(-6) ?? 0) & 0xfe)),
    'key-rsa-modulus-with-leading-zero': () =>
      spoiledKey('RS256', (cose) =>
        Buffer.concat([cose.subarray(0, 8), hex('59 0101 00'), cose.subarray(11)]),
      ),
    'key-rsa-exponent-1': () =>
      spoiledKey('RS256', (cose) => Buffer.concat([cose.subarray(0, -4), hex('41 01')])),
    'key-rsa-even-exponent': () =>
      spoiledKey('RS256', (cose) => at(cose, cose.length - 1, 0x00)),
    'key-rsa-exponent-with-leading-zero': () =>
      spoiledKey('RS256', (cose) => Buffer.concat([cose.subarray(0, -4), hex('44 00010001')])),
  }),
  ...refusedFor('signature', {
    'signed-by-another-key': () => new Ceremony().case({ signer: new Ceremony().passkey }),
    'signed-by-another-key-of-another-algorithm': () =>
      new Ceremony('EdDSA').case({ signer: new Ceremony('ES256').passkey }),
    'client-data-altered-after-signing': () => {
      const ceremony = new Ceremony();
      const altered = Buffer.from(JSON.stringify(ceremony.clientData({ added: true })));
      const proof = { ...ceremony.proof(), client_data_json: altered.toString('base64url') };
      return { proof, expected: ceremony.expected() };
    },
    'authenticator-data-altered-after-signing': () => {
      const ceremony = new Ceremony();
      const proof = ceremony.proof({ flags: UP });
      const { authenticator_data } = ceremony.proof();
      return { proof: { ...proof, authenticator_data }, expected: ceremony.expected() };
    },
    'signature-empty': () => new Ceremony().case({ signature: Buffer.alloc(0) }),
    'signature-es256-as-r-and-s': () =>
      respelled(
        (der) => Buffer.concat([der.subarray(4, 36), der.subarray(38, 70)]),
        (der) => der.length === 70,
      ),
    'signature-es256-with-long-length': () =>
      respelled((der) => Buffer.concat([hex('30 81'), der.subarray(1)])),
    'signature-es256-followed-by-more': () =>
      respelled((der) => Buffer.concat([der, Buffer.of(0)])),
    'signature-es256-with-padded-r': () =>
      respelled(
        (der) =>
          Buffer.concat([
            Buffer.of(0x30, (der[1] ?? 0) + 1, 0x02, 0x21, 0x00),
            der.subarray(4),
          ]),
        (der) => der[3] === 32,
      ),
    'signature-es256-with-negative-r': () =>
      respelled(
        (der) =>
          Buffer.concat([Buffer.of(0x30, (der[1] ?? 0) - 1, 0x02, 0x20), der.subarray(5)]),
        (der) => der[3] === 33,
      ),
    'signature-es256-zero-r-and-s': () => respelled(() => hex('30 06 02 01 00 02 01 00')),
    'signature-ed25519-of-63-bytes': () => {
      const ceremony = new Ceremony('EdDSA');
      const signature = Buffer.from(ceremony.proof().signature, 'base64url').subarray(0, 63);
      return ceremony.case({ signature });
    },
    'signature-rsa-shorter-than-its-modulus': () => {
      const ceremony = new Ceremony('RS256');
      const signature = Buffer.from(ceremony.proof().signature, 'base64url').subarray(1);
      return ceremony.case({ signature });
    },
  }),
];

/** What the authenticator said, read here with offsets alone: the vectors' second opinion on the facts. */
function factsOf({ proof, expected }: Case): Record<string, unknown> {
  const { authenticator_data, client_data_json } = proof as WebauthnProof;
  const data = Buffer.from(authenticator_data, 'base64url');
  const flags = data.readUInt8(32);
  const { origin } = JSON.parse(Buffer.from(client_data_json, 'base64url').toString()) as {
    origin: string;
  };
  const isFor = (rpId: string): boolean =>
    createHash('sha256').update(rpId).digest().equals(data.subarray(0, 32));
  return {
    proof_class: (flags & UV) === 0 ? 'up' : 'uv',
    counter: data.readUInt32BE(33),
    backup_eligible: (flags & BE) !== 0,
    backed_up: (flags & BS) !== 0,
    origin,
    rp_id: expected.rp_ids.find(isFor),
  };
}

function write(folder: 'valid' | 'invalid', name: string, make: () => object): void {
  const directory = join(import.meta.dirname, folder);
  const file = join(directory, `${name}.json`);
  if (existsSync(file)) return;
  mkdirSync(directory, { recursive: true });
  writeFileSync(file, `${JSON.stringify(make(), null, 2)}\n`);
}

for (const [name, make] of Object.entries(valid)) {
  write('valid', name, () => {
    const made = make();
    return { ...made, facts: factsOf(made) };
  });
}
for (const [name, why, make] of invalid) {
  write('invalid', name, () => ({ ...make(), why }));
}
