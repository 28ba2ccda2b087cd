import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  GetPublicKeyCommand,
  KMSServiceException,
  type GetPublicKeyCommandOutput,
  type KeySpec,
  type KeyUsageType,
  type SignCommand,
  type SignCommandOutput,
  type SigningAlgorithmSpec,
} from '@aws-sdk/client-kms';
import type { KmsClient } from '../kms-signer.ts';

export type FakeKeySpec = 'ECC_NIST_EDWARDS25519' | 'ECC_NIST_P256' | 'ECC_NIST_P384' | 'RSA_2048';

interface FakeKey {
  readonly arn: string;
  readonly spec: FakeKeySpec;
  readonly usage: KeyUsageType;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
  state: 'Enabled' | 'Disabled' | 'PendingDeletion';
}

const ALGORITHMS: Readonly<Record<FakeKeySpec, readonly SigningAlgorithmSpec[]>> = {
  ECC_NIST_EDWARDS25519: ['ED25519_SHA_512', 'ED25519_PH_SHA_512'],
  ECC_NIST_P256: ['ECDSA_SHA_256'],
  ECC_NIST_P384: ['ECDSA_SHA_384'],
  RSA_2048: ['RSASSA_PKCS1_V1_5_SHA_256'],
};

const MESSAGE_MAX_BYTES = 4_096;
const NO_METADATA = { $metadata: {} };

/**
 * KMS as its manual describes it, as far as a signer sees it: real keys, aliases, the states of a key, and the errors that
 * the SDK makes of KMS's answers. What goes wrong is set from outside.
 */
export class FakeKms implements KmsClient {
  /** What every request fails with, while it is set. */
  failure: (() => Error) | undefined;
  /** How long an answer takes. A request that is aborted meanwhile ends as one of the SDK does. */
  delayMs = 0;
  /** What becomes of a signature on its way. */
  tamper: ((signature: Uint8Array) => Uint8Array | undefined) | undefined;
  /** The key that signs in place of the one that is asked for. */
  impostor: string | undefined;
  /** Signatures that were asked for. */
  signRequests = 0;
  readonly #keys = new Map<string, FakeKey>();
  readonly #aliases = new Map<string, string>();

  /** @returns the ARN of the key */
  createKey(spec: FakeKeySpec, usage: KeyUsageType = 'SIGN_VERIFY'): string {
    const arn = `arn:aws:kms:us-east-1:111122223333:key/${crypto.randomUUID()}`;
    this.#keys.set(arn, { arn, spec, usage, state: 'Enabled', ...pairOf(spec) });
    return arn;
  }

  pointAlias(alias: string, arn: string): void {
    this.#aliases.set(alias, arn);
  }

  setState(arn: string, state: FakeKey['state']): void {
    this.#find(arn).state = state;
  }

  send(
    command: GetPublicKeyCommand,
    options: { abortSignal: AbortSignal },
  ): Promise<GetPublicKeyCommandOutput>;
  send(command: SignCommand, options: { abortSignal: AbortSignal }): Promise<SignCommandOutput>;
  async send(
    command: GetPublicKeyCommand | SignCommand,
    { abortSignal }: { abortSignal: AbortSignal },
  ): Promise<GetPublicKeyCommandOutput | SignCommandOutput> {
    const isSign = !(command instanceof GetPublicKeyCommand);
    if (isSign) this.signRequests += 1;
    await sleep(this.delayMs, undefined, { signal: abortSignal });
    if (this.failure !== undefined) throw this.failure();
    const key = this.#usable(command.input.KeyId ?? '');
    return isSign ? this.#sign(key, command) : publicHalf(key);
  }

  /** What `GetPublicKey` answers. */
  publicHalf(arn: string): GetPublicKeyCommandOutput {
    return publicHalf(this.#find(arn));
  }

  #find(id: string): FakeKey {
    const key = this.#keys.get(this.#aliases.get(id) ?? id);
    if (key === undefined) throw kmsException('NotFoundException', 400);
    return key;
  }

  #usable(id: string): FakeKey {
    const key = this.#find(id);
    if (key.state === 'Disabled') throw kmsException('DisabledException', 400);
    if (key.state === 'PendingDeletion') throw kmsException('KMSInvalidStateException', 400);
    return key;
  }

  #sign(key: FakeKey, { input }: SignCommand): SignCommandOutput {
    if (key.usage !== 'SIGN_VERIFY') throw kmsException('InvalidKeyUsageException', 400);
    const { Message: message, MessageType: type, SigningAlgorithm: algorithm } = input;
    const isValid =
      type === 'RAW' &&
      message !== undefined &&
      message.length >= 1 &&
      message.length <= MESSAGE_MAX_BYTES;
    if (!isValid) throw kmsException('ValidationException', 400);
    const takes = ALGORITHMS[key.spec].some((one) => one === algorithm);
    if (algorithm === undefined || !takes) throw kmsException('InvalidKeyUsageException', 400);
    const signing = this.impostor === undefined ? key : this.#find(this.impostor);
    const made = new Uint8Array(sign(digestOf(algorithm), message, signing.privateKey));
    const signature = this.tamper === undefined ? made : this.tamper(made);
    return {
      ...NO_METADATA,
      KeyId: key.arn,
      ...(signature !== undefined && { Signature: signature }),
      SigningAlgorithm: algorithm,
    };
  }
}

/** As the SDK makes it of an answer of KMS. */
export function kmsException(name: string, httpStatusCode: number): KMSServiceException {
  const $fault = httpStatusCode >= 500 ? 'server' : 'client';
  return new KMSServiceException({ name, $fault, $metadata: { httpStatusCode }, message: name });
}

function publicHalf({ arn, spec, usage, publicKey }: FakeKey): GetPublicKeyCommandOutput {
  return {
    ...NO_METADATA,
    KeyId: arn,
    KeySpec: spec satisfies KeySpec,
    KeyUsage: usage,
    PublicKey: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })),
    SigningAlgorithms: usage === 'SIGN_VERIFY' ? [...ALGORITHMS[spec]] : [],
  };
}

/** ECDSA signatures of node:crypto are DER, and its Ed25519 is the pure one: both as KMS's. */
function digestOf(algorithm: SigningAlgorithmSpec): string | null {
  if (algorithm === 'ED25519_SHA_512') return null;
  return algorithm === 'ECDSA_SHA_384' ? 'sha384' : 'sha256';
}

function pairOf(spec: FakeKeySpec): { publicKey: KeyObject; privateKey: KeyObject } {
  switch (spec) {
    case 'ECC_NIST_EDWARDS25519':
      return generateKeyPairSync('ed25519');
    case 'ECC_NIST_P256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' });
    case 'ECC_NIST_P384':
      return generateKeyPairSync('ec', { namedCurve: 'P-384' });
    case 'RSA_2048':
      return generateKeyPairSync('rsa', { modulusLength: 2_048 });
  }
}
