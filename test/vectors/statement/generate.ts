import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import {
  parseStrict,
  toBase64,
  utf8,
  type Json,
  type JsonObject,
} from '@countersign/canonical';
import { formatEnvelope, formatStatement, signedBytes } from '@countersign/report';

/** Writes the vectors of schemas/formats/statement.md anew, with other keys: `npx tsx` this file. */
const FOLDER = new URL('./', import.meta.url);

interface Signer {
  readonly algorithm: 'ed25519' | 'ecdsa-p256-sha256';
  readonly key: KeyObject;
  readonly spki: Buffer;
}

function signerOf(algorithm: Signer['algorithm']): Signer {
  const { privateKey, publicKey } =
    algorithm === 'ed25519'
      ? generateKeyPairSync('ed25519')
      : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  return { algorithm, key: privateKey, spki };
}

const ed25519 = signerOf('ed25519');
const p256 = signerOf('ecdsa-p256-sha256');

function signature({ algorithm, key }: Signer, message: Uint8Array): Uint8Array {
  return sign(algorithm === 'ed25519' ? null : 'sha256', message, key);
}

function keyIdOf({ spki }: Signer): string {
  return createHash('sha256').update(spki).digest('hex');
}

function envelope(payload: Uint8Array, signer: Signer = ed25519): JsonObject {
  const signed = signature(signer, signedBytes(payload));
  const bytes = formatEnvelope(payload, { keyId: keyIdOf(signer), signature: signed });
  return parseStrict(bytes) as JsonObject;
}

const STATEMENT = {
  actionId: '01KAR5RWY00000000000000001',
  actionDigest: `sha256:${'4d'.repeat(32)}`,
  origin: 'countersign.test/1',
  genesis: `sha256:${'9e'.repeat(32)}`,
  binding: { index: 4, leaf: `sha256:${'b1'.repeat(32)}` },
  boundAt: '2026-11-23T09:15:00.000Z',
  evidence: { name: 'evidence/01KAR5RWY00000000000000001.json', sha256: 'e7'.repeat(32) },
  trustSha256: '7a'.repeat(32),
  outcome: 'VALID',
  code: undefined,
  level: 'human',
  approvals: [{ person: 'prs_01KAR5RWY00000000000000002', proofClass: 'uv' }],
  verifiedAt: '2026-11-29T10:00:00.000Z',
  verifier: 'countersign 0.1.0',
} as const;

const whole = formatStatement(STATEMENT);
const json = parseStrict(whole) as JsonObject;
const predicate = json['predicate'] as JsonObject;

function changed(change: JsonObject): Uint8Array {
  return utf8(JSON.stringify({ ...json, ...change }));
}

function predicated(change: Readonly<Record<string, Json | undefined>>): Uint8Array {
  return utf8(JSON.stringify({ ...json, predicate: { ...predicate, ...change } }));
}

const refused = {
  ...STATEMENT,
  outcome: 'REFUSED',
  code: 'DISPLAY_MISMATCH',
  approvals: [],
} as const;

const deputy = { ...STATEMENT.approvals[0], principal: 'prs_01KAR5RWY00000000000000003' };

const valid: Record<string, [about: string, file: Json, signer?: Signer]> = {
  ed25519: ['a verification that came to VALID, signed with Ed25519', envelope(whole)],
  p256: ['the same, signed with P-256', envelope(whole, p256), p256],
  refused: ['a verification that refused', envelope(formatStatement(refused))],
  'no-evidence': [
    'there was nothing to verify',
    envelope(
      formatStatement({
        ...refused,
        outcome: 'INDETERMINATE',
        code: 'CONTENT_MISSING',
        evidence: undefined,
      }),
    ),
  ],
  deputy: [
    'somebody approved in the place of another person',
    envelope(formatStatement({ ...STATEMENT, approvals: [deputy] })),
  ],
  'two-signatures': [
    'the second signature is by this key',
    {
      ...envelope(whole),
      signatures: [envelope(whole, p256), envelope(whole)].flatMap(
        ({ signatures }) => signatures as readonly Json[],
      ),
    },
  ],
  'no-keyid': [
    'keyid is a hint, and may be left out',
    {
      ...envelope(whole),
      signatures: [{ sig: toBase64(signature(ed25519, signedBytes(whole))) }],
    },
  ],
};

const flipped = Uint8Array.from(signature(ed25519, signedBytes(whole)), (byte, at) =>
  at === 0 ? byte ^ 1 : byte,
);
const [pointer] = envelope(whole)['signatures'] as readonly JsonObject[];

const invalid: Record<string, [about: string, code: string, file: Json | string]> = {
  'other-key': ['signed by another key', 'SIGNATURE_INVALID', envelope(whole, signerOf('ed25519'))],
  'signature-bit': [
    'one bit of the signature',
    'SIGNATURE_INVALID',
    { ...envelope(whole), signatures: [{ ...pointer, sig: toBase64(flipped) }] },
  ],
  'payload-bit': [
    'the payload says another outcome than was signed',
    'SIGNATURE_INVALID',
    { ...envelope(whole), payload: toBase64(predicated({ level: 'witnessed' })) },
  ],
  'not-pae': [
    'the payload itself was signed, and not its PAE',
    'SIGNATURE_INVALID',
    { ...envelope(whole), signatures: [{ ...pointer, sig: toBase64(signature(ed25519, whole)) }] },
  ],
  'payload-type': [
    'another type of payload',
    'PAYLOAD_TYPE',
    { ...envelope(whole), payloadType: 'application/json' },
  ],
  unsigned: ['no signature', 'ENVELOPE_FORMAT', { ...envelope(whole), signatures: [] }],
  'no-payload': [
    'no payload',
    'ENVELOPE_FORMAT',
    { payloadType: 'application/vnd.in-toto+json', signatures: [pointer ?? null] },
  ],
  base64: ['a payload that is no base64', 'ENVELOPE_FORMAT', { ...envelope(whole), payload: '*' }],
  'duplicate-member': [
    'two payloads',
    'ENVELOPE_FORMAT',
    JSON.stringify(envelope(whole)).replace('{', '{"payload":"",'),
  ],
  statement: ['a statement without an envelope', 'ENVELOPE_FORMAT', json],
  'statement-type': [
    'another version of Statement',
    'STATEMENT_FORMAT',
    envelope(changed({ _type: 'https://in-toto.io/Statement/v0.1' })),
  ],
  'predicate-type': [
    'a statement of another kind',
    'PREDICATE_TYPE',
    envelope(changed({ predicateType: 'https://slsa.dev/provenance/v1' })),
  ],
  'two-subjects': [
    'about two actions',
    'STATEMENT_FORMAT',
    envelope(changed({ subject: Array<Json>(2).fill((json['subject'] as Json[])[0] ?? null) })),
  ],
  'subject-digest': [
    'a digest in capital letters',
    'STATEMENT_FORMAT',
    envelope(
      changed({ subject: [{ name: STATEMENT.actionId, digest: { sha256: 'AB'.repeat(32) } }] }),
    ),
  ],
  'unknown-member': [
    'a member that is not of this version',
    'STATEMENT_FORMAT',
    envelope(predicated({ approved: true })),
  ],
  'nobody-s-place': [
    'somebody approved in the place of nobody',
    'STATEMENT_FORMAT',
    envelope(predicated({ approvals: [{ person: deputy.person, for: '', proof_class: 'uv' }] })),
  ],
  'valid-with-code': [
    'VALID with a code',
    'STATEMENT_FORMAT',
    envelope(predicated({ code: 'DISPLAY_MISMATCH' })),
  ],
  'refused-without-code': [
    'REFUSED without a code',
    'STATEMENT_FORMAT',
    envelope(predicated({ outcome: 'REFUSED', approvals: [] })),
  ],
  'refused-with-approvals': [
    'approvals of what was refused',
    'STATEMENT_FORMAT',
    envelope(predicated({ outcome: 'REFUSED', code: 'DISPLAY_MISMATCH' })),
  ],
  outcome: [
    'an outcome that there is not',
    'STATEMENT_FORMAT',
    envelope(predicated({ outcome: 'PASSED', code: 'PASSED', approvals: [] })),
  ],
  time: [
    'a time without milliseconds',
    'STATEMENT_FORMAT',
    envelope(predicated({ verified_at: '2026-11-29T10:00:00Z' })),
  ],
};

function keyOf({ algorithm, spki }: Signer): JsonObject {
  return { algorithm, public_key: toBase64(spki) };
}

async function write(name: string, vector: JsonObject): Promise<void> {
  await writeFile(new URL(`${name}.json`, FOLDER), `${JSON.stringify(vector, undefined, 2)}\n`);
}

for (const kind of ['valid', 'invalid']) {
  await rm(new URL(`${kind}/`, FOLDER), { recursive: true, force: true });
  await mkdir(new URL(`${kind}/`, FOLDER));
}
for (const [name, [about, file, signer = ed25519]] of Object.entries(valid)) {
  await write(`valid/${name}`, { about, key: keyOf(signer), file: JSON.stringify(file) });
}
for (const [name, [about, code, file]] of Object.entries(invalid)) {
  const text = typeof file === 'string' ? file : JSON.stringify(file);
  await write(`invalid/${name}`, { about, key: keyOf(ed25519), file: text, code });
}
