import { createHash, createPublicKey } from 'node:crypto';
import type { PolicyRule } from '@countersign/binding';
import { writeCbor, type CborValue } from '@countersign/cbor';
import type { Attestation, AttestedModel } from '@countersign/human-proof';
import { certificateOf } from '@countersign/software-passkey';
import { RP_ID_HASH, WEB_ORIGIN } from './relying-party.ts';
import { coseOf, toyP256, type ToyKey } from './toy-signature.ts';

/** What a maker has said of a key, and what that comes to. */
export interface AttestationMade {
  readonly attestation: Attestation;
  readonly told: AttestedModel;
}

type Models = NonNullable<PolicyRule['attested']>;

interface Maker {
  /** DER. */
  readonly root: Buffer;
  /** Of each model: the certificate that vouches for it, and its key. */
  readonly batches: ReadonlyMap<string, { readonly der: Buffer; readonly key: ToyKey }>;
}

const MODEL = 'cb69481e-8ff7-4039-93ec-0a2729a154a8';
const OTHER_MODEL = 'ee882879-721c-4913-9775-3dfcce97072a';
const UNIT = 'Authenticator Attestation';
const VALID = { notBefore: new Date('2020-01-01'), notAfter: new Date('2060-01-01') };
/** Present, verified, and with a credential: WebAuthn §6.1. */
const FLAGS = 0x45;
const ES256 = -7;

/** Made once for all histories of a process: what is in them is the same in every one. */
const MAKER = makerOf('maker', [MODEL, OTHER_MODEL]);
const OTHER_MAKER = makerOf('other maker', [MODEL]);
const ROOT = digestOf(MAKER.root);
const OTHER_ROOT = digestOf(OTHER_MAKER.root);

/** Where rules may name models: by the seed itself, as with companies. */
export function hasMakers(seed: number): boolean {
  return seed % 8 === 6;
}

/** Which models a rule counts, by numbers that are drawn anyway: any key, a root, or models under it. */
export function modelsOf(useWithinS: number): { readonly attested?: Models } {
  const named: readonly Models[] = [
    [{ root: ROOT, models: [MODEL] }],
    [{ root: ROOT }],
    [{ root: OTHER_ROOT }, { root: ROOT, models: [MODEL] }],
  ];
  const attested = named[useWithinS % 4];
  return attested === undefined ? {} : { attested };
}

/** Of the model that rules name, of another one of its maker, or of another maker. */
export type AttestedHow = 'right' | 'model' | 'root';

export function attestationOf(
  credential: { readonly credential: string; readonly key: ToyKey },
  how: AttestedHow,
): AttestationMade {
  const maker = how === 'root' ? OTHER_MAKER : MAKER;
  const model = how === 'model' ? OTHER_MODEL : MODEL;
  const batch = maker.batches.get(model);
  if (batch === undefined) throw new RangeError(`expected a model of this maker, got ${model}`);
  const id = Buffer.from(credential.credential, 'base64url');
  const data = Buffer.concat([
    RP_ID_HASH,
    Buffer.of(FLAGS, 0, 0, 0, 0),
    bytesOf(model),
    Buffer.of(0, id.length),
    id,
    Buffer.from(coseOf(credential.key), 'base64url'),
  ]);
  const clientData = Buffer.from(
    `{"type":"webauthn.create","challenge":"AAAA","origin":"${WEB_ORIGIN}","crossOrigin":false}`,
  );
  const hash = createHash('sha256').update(clientData).digest();
  const statement = new Map<string, CborValue>([
    ['alg', ES256],
    ['sig', batch.key.sign(Buffer.concat([data, hash]))],
    ['x5c', [batch.der]],
  ]);
  const object = writeCbor(
    new Map<string, CborValue>([
      ['fmt', 'packed'],
      ['attStmt', statement],
      ['authData', data],
    ]),
  );
  return {
    attestation: {
      object: Buffer.from(object).toString('base64url'),
      client_data: clientData.toString('base64url'),
      root: maker.root.toString('base64url'),
    },
    told: { model, root: digestOf(maker.root) },
  };
}

function makerOf(name: string, models: readonly string[]): Maker {
  const top = toyP256(`${name} root`);
  const issued = {
    ...VALID,
    issuerName: name,
    issuerKey: (signed: Uint8Array) => top.sign(signed),
  };
  const batches = models.map((model) => {
    const key = toyP256(`${name} ${model}`);
    const parts = { name: 'Batch', unit: UNIT, model: bytesOf(model), publicKey: publicKeyOf(key) };
    return [model, { key, der: certificateOf({ ...issued, ...parts }) }] as const;
  });
  const root = certificateOf({ ...issued, name, issues: 'any', publicKey: publicKeyOf(top) });
  return { root, batches: new Map(batches) };
}

function publicKeyOf({ spki }: ToyKey): ReturnType<typeof createPublicKey> {
  return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
}

function bytesOf(model: string): Buffer {
  return Buffer.from(model.replaceAll('-', ''), 'hex');
}

function digestOf(root: Uint8Array): AttestedModel['root'] {
  return `sha256:${createHash('sha256').update(root).digest('hex')}`;
}
