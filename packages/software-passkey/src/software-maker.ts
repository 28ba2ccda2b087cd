import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import type { CborValue } from '@countersign/cbor';
import { certificateOf, type CertificateParts } from './software-certificate.ts';

interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

export interface SoftwareMakerOptions {
  /** Of the model that it vouches for: 16 bytes. */
  readonly model: Uint8Array;
  readonly algorithm?: 'ES256' | 'RS256';
  /** Whether another certificate stands between that of a batch and the root. */
  readonly hasIntermediate?: boolean;
  /** One whose root vouches for this model too; a root of its own unless given. */
  readonly sibling?: SoftwareMaker;
  /** What is spoiled, or varied, in the certificate of a batch, in that between, and in the root. */
  readonly batch?: Partial<CertificateParts>;
  readonly between?: Partial<CertificateParts>;
  readonly rootParts?: Partial<CertificateParts>;
}

const UNIT = 'Authenticator Attestation';
const NOT_BEFORE = new Date('2020-01-01T00:00:00Z');
const NOT_AFTER = new Date('2060-01-01T00:00:00Z');

/** A maker of authenticators in software, who vouches for those of one model. For tests: its keys live in this process's memory. */
export class SoftwareMaker {
  readonly model: Uint8Array;
  /** DER. */
  readonly root: Buffer;
  /** Those that travel with an attestation, the one that signs it first. */
  readonly chain: readonly Buffer[];
  readonly #algorithm: 'ES256' | 'RS256';
  readonly #key: KeyPair;
  readonly #top: KeyPair;

  constructor(options: SoftwareMakerOptions) {
    const { model, algorithm = 'ES256', hasIntermediate = false, sibling } = options;
    this.model = model;
    this.#algorithm = algorithm;
    this.#key = keyPair(algorithm);
    this.#top = sibling === undefined ? keyPair(algorithm) : sibling.#top;
    const top = this.#top;
    const middle = hasIntermediate ? keyPair(algorithm) : top;
    const valid = { notBefore: NOT_BEFORE, notAfter: NOT_AFTER };
    this.root =
      sibling?.root ??
      certificateOf({
        ...{ name: 'Root', issuerName: 'Root', issues: 'any', ...valid },
        ...{ publicKey: top.publicKey, issuerKey: top.privateKey },
        ...options.rootParts,
      });
    const between = certificateOf({
      ...{ name: 'Between', issuerName: 'Root', issues: 0, ...valid },
      ...{ publicKey: middle.publicKey, issuerKey: top.privateKey },
      ...options.between,
    });
    const batch = certificateOf({
      ...{ name: 'Batch', issuerName: hasIntermediate ? 'Between' : 'Root', unit: UNIT, model },
      ...{ publicKey: this.#key.publicKey, issuerKey: middle.privateKey, ...valid },
      ...options.batch,
    });
    this.chain = hasIntermediate ? [batch, between] : [batch];
  }

  /** `attStmt` of the format packed: WebAuthn §8.2. */
  statement(authenticatorData: Uint8Array, clientData: Uint8Array): Map<string, CborValue> {
    const clientDataHash = createHash('sha256').update(clientData).digest();
    const message = Buffer.concat([authenticatorData, clientDataHash]);
    return new Map<string, CborValue>([
      ['alg', this.#algorithm === 'ES256' ? -7 : -257],
      ['sig', sign('sha256', message, this.#key.privateKey)],
      ['x5c', [...this.chain]],
    ]);
  }
}

function keyPair(algorithm: 'ES256' | 'RS256'): KeyPair {
  return algorithm === 'ES256'
    ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
    : generateKeyPairSync('rsa', { modulusLength: 2_048 });
}
