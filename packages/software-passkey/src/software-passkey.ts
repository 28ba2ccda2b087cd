import { createHash, randomBytes } from 'node:crypto';
import type { Attestation, CredentialKey, WebauthnProof } from '@countersign/human-proof';
import { writeCbor, type CborValue } from '@countersign/cbor';
import { createPasskeyKey, type PasskeyAlgorithm, type PasskeyKey } from './passkey-key.ts';
import type { SoftwareMaker } from './software-maker.ts';
import type { PasskeyRegistration } from './passkey-registration.ts';

export interface SoftwarePasskeyOptions {
  algorithm: PasskeyAlgorithm;
  rpId: string;
  origin: string;
  backupEligible?: boolean;
  backedUp?: boolean;
  /** A passkey that starts above 0 counts its assertions; 0, the default, stays 0 as synced passkeys do. */
  counter?: number;
  /** Who vouches for its model; nobody unless given. */
  maker?: SoftwareMaker;
}

/** Ways to spoil an assertion, or to vary it. Everything named here is signed as given, except `signature`. */
export interface AssertionOverrides {
  type?: string;
  challenge?: string;
  origin?: string;
  crossOrigin?: unknown;
  /** Members put after those that a browser sends. */
  extraMembers?: Readonly<Record<string, unknown>>;
  /** The whole of clientDataJSON; the members above then count for nothing. */
  clientDataJson?: string | Uint8Array;
  rpId?: string;
  /** The whole flags byte. */
  flags?: number;
  counter?: number;
  /** What stands after the counter: attested credential data, extension outputs, or rubbish. */
  afterCounter?: Uint8Array;
  /** The whole of authenticatorData; the members above then count for nothing. */
  authenticatorData?: Uint8Array;
  credentialId?: string;
  /** Another passkey, whose key signs under this one's credential id. */
  signer?: SoftwarePasskey;
  /** Put in place of the signature. */
  signature?: Uint8Array;
}

const USER_PRESENT_AND_VERIFIED = 0x05;
const BACKUP_ELIGIBLE = 0x08;
const BACKED_UP = 0x10;
const ATTESTED_CREDENTIAL = 0x40;
const NO_MODEL = new Uint8Array(16);
const CREDENTIAL_ID_BYTES = 32;

/**
 * An authenticator and its browser in software: always present, always verified.
 * For tests, the demo and load generators; its key lives in this process's memory.
 *
 * @example
 * const passkey = SoftwarePasskey.create({ algorithm: 'ES256', rpId: 'localhost', origin: 'http://localhost:7420' });
 * const proof = passkey.assert(digest);
 */
export class SoftwarePasskey {
  readonly credentialId: string;
  readonly cosePublicKey: Uint8Array;
  readonly #options: SoftwarePasskeyOptions;
  readonly #key: PasskeyKey;
  readonly #rpIdHash: Uint8Array;
  readonly #flags: number;
  /** clientDataJSON after the challenge, which alone changes from one assertion to the next. */
  readonly #clientDataEnd: string;
  #counter: number;

  private constructor(options: SoftwarePasskeyOptions) {
    this.#options = options;
    this.#key = createPasskeyKey(options.algorithm);
    this.credentialId = randomBytes(CREDENTIAL_ID_BYTES).toString('base64url');
    this.cosePublicKey = this.#key.cosePublicKey;
    this.#rpIdHash = sha256(options.rpId);
    this.#flags =
      USER_PRESENT_AND_VERIFIED |
      (options.backupEligible === true ? BACKUP_ELIGIBLE : 0) |
      (options.backedUp === true ? BACKED_UP : 0);
    this.#clientDataEnd = `","origin":${JSON.stringify(options.origin)},"crossOrigin":false}`;
    this.#counter = options.counter ?? 0;
  }

  static create(options: SoftwarePasskeyOptions): SoftwarePasskey {
    return new SoftwarePasskey(options);
  }

  /** This credential as the authority would hold it after registration. */
  get credentialKey(): CredentialKey {
    return {
      credential_id: this.credentialId,
      public_key: Buffer.from(this.cosePublicKey).toString('base64url'),
    };
  }

  /** Answers a registration ceremony, in the JSON form that browsers give. */
  register(challenge: string): PasskeyRegistration {
    const { maker } = this.#options;
    const id = Buffer.from(this.credentialId, 'base64url');
    const attested = Buffer.concat([
      maker?.model ?? NO_MODEL,
      Buffer.of(id.length >> 8, id.length & 0xff),
      id,
      this.cosePublicKey,
    ]);
    const authenticatorData = this.#authenticatorData({
      flags: this.#flags | ATTESTED_CREDENTIAL,
      afterCounter: attested,
    });
    const clientData = {
      type: 'webauthn.create',
      challenge,
      origin: this.#options.origin,
      crossOrigin: false,
    };
    const clientDataJson = Buffer.from(JSON.stringify(clientData));
    const attestation = new Map<string, CborValue>([
      ['fmt', maker === undefined ? 'none' : 'packed'],
      ['attStmt', maker?.statement(authenticatorData, clientDataJson) ?? new Map()],
      ['authData', authenticatorData],
    ]);
    return {
      id: this.credentialId,
      rawId: this.credentialId,
      type: 'public-key',
      authenticatorAttachment: 'platform',
      clientExtensionResults: {},
      response: {
        clientDataJSON: clientDataJson.toString('base64url'),
        attestationObject: Buffer.from(writeCbor(attestation)).toString('base64url'),
        authenticatorData: authenticatorData.toString('base64url'),
        publicKeyAlgorithm: this.#key.coseAlgorithm,
        publicKey: Buffer.from(this.#key.spki).toString('base64url'),
        transports: ['internal'],
      },
    };
  }

  /** Its registration, as it is shown of whose model it is, under this root. */
  attestation(root: Uint8Array): Attestation {
    const { response } = this.register('AAAA');
    return {
      object: response.attestationObject,
      client_data: response.clientDataJSON,
      root: Buffer.from(root).toString('base64url'),
    };
  }

  /** Signs a challenge, spoiled in whatever way the overrides ask for. */
  assert(challenge: Uint8Array, overrides: AssertionOverrides = {}): WebauthnProof {
    if (this.#counter > 0) this.#counter += 1;
    const authenticatorData = overrides.authenticatorData
      ? Buffer.from(overrides.authenticatorData)
      : this.#authenticatorData(overrides);
    const clientDataJson = this.#clientDataJson(
      Buffer.from(challenge).toString('base64url'),
      overrides,
    );
    const message = Buffer.concat([authenticatorData, sha256(clientDataJson)]);
    const signer = overrides.signer ?? this;
    return {
      kind: 'webauthn',
      credential_id: overrides.credentialId ?? this.credentialId,
      authenticator_data: authenticatorData.toString('base64url'),
      client_data_json: clientDataJson.toString('base64url'),
      signature: Buffer.from(overrides.signature ?? signer.#key.sign(message)).toString(
        'base64url',
      ),
    };
  }

  #authenticatorData(parts: {
    rpId?: string;
    flags?: number;
    counter?: number;
    afterCounter?: Uint8Array;
  }): Buffer {
    const fixed = Buffer.alloc(37);
    fixed.set(parts.rpId === undefined ? this.#rpIdHash : sha256(parts.rpId));
    fixed.writeUInt8(parts.flags ?? this.#flags, 32);
    fixed.writeUInt32BE(parts.counter ?? this.#counter, 33);
    return parts.afterCounter ? Buffer.concat([fixed, parts.afterCounter]) : fixed;
  }

  #clientDataJson(challenge: string, overrides: AssertionOverrides): Buffer {
    if (overrides.clientDataJson !== undefined) return Buffer.from(overrides.clientDataJson);
    const { type, origin, crossOrigin, extraMembers } = overrides;
    const asUsual = type ?? overrides.challenge ?? origin ?? extraMembers;
    if (asUsual === undefined && !('crossOrigin' in overrides)) {
      return Buffer.from(`{"type":"webauthn.get","challenge":"${challenge}${this.#clientDataEnd}`);
    }
    const clientData = {
      type: type ?? 'webauthn.get',
      challenge: overrides.challenge ?? challenge,
      origin: origin ?? this.#options.origin,
      crossOrigin: 'crossOrigin' in overrides ? crossOrigin : false,
      ...extraMembers,
    };
    return Buffer.from(JSON.stringify(clientData));
  }
}

function sha256(data: string | Uint8Array): Uint8Array {
  return createHash('sha256').update(data).digest();
}
