import {
  createHash,
  generateKeyPairSync,
  sign,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto';

export type SoftwareSshKeyType =
  | 'ssh-ed25519'
  | 'ecdsa-sha2-nistp256'
  | 'ssh-rsa'
  | 'sk-ssh-ed25519@openssh.com'
  | 'sk-ecdsa-sha2-nistp256@openssh.com';

/** What one signature says that is not so, or another way than it should. */
export interface SshsigOverrides {
  hash?: 'sha256' | 'sha512' | 'sha384';
  reserved?: Uint8Array;
  version?: number;
  /** In the signature beside what is signed. */
  publicKey?: Uint8Array;
  /** Name of the signature algorithm. */
  algorithm?: string;
  /** Hash of RSA. */
  rsaHash?: 'sha1' | 'sha256' | 'sha512';
  flags?: number;
  counter?: number;
  application?: string;
  after?: Uint8Array;
}

const UP_AND_UV = 0x05;

/**
 * An SSH key in memory that signs as `ssh-keygen -Y sign` does, of a security key too: what a token would do is done
 * here, so the bytes are those that ssh-keygen would write.
 */
export class SoftwareSshKey {
  readonly type: SoftwareSshKeyType;
  readonly application: string;
  readonly #privateKey: KeyObject;
  readonly #jwk: JsonWebKey;
  #counter = 0;

  constructor(type: SoftwareSshKeyType, options: { application?: string; bits?: number } = {}) {
    this.type = type;
    this.application = options.application ?? 'ssh:';
    const { privateKey, publicKey } = keyPair(type, options.bits ?? 2_048);
    this.#privateKey = privateKey;
    this.#jwk = publicKey.export({ format: 'jwk' });
  }

  get isHardware(): boolean {
    return this.type.startsWith('sk-');
  }

  /** The bytes of a `.pub` file, without their base64. */
  get publicKey(): Buffer {
    return Buffer.concat([
      sshString(this.type),
      ...this.#publicParts(),
      ...(this.isHardware ? [sshString(this.application)] : []),
    ]);
  }

  /** As it stands in a `.pub` file. */
  get publicLine(): string {
    return `${this.type} ${this.publicKey.toString('base64')} software`;
  }

  /** As the authority holds it. */
  get credentialKey(): { credential_id: string; public_key: string } {
    return {
      credential_id: createHash('sha256').update(this.publicKey).digest('base64url'),
      public_key: this.publicKey.toString('base64url'),
    };
  }

  proof(
    namespace: string,
    message: Uint8Array,
    overrides: SshsigOverrides = {},
  ): { kind: 'sshsig'; credential_id: string; signature: string } {
    return {
      kind: 'sshsig',
      credential_id: this.credentialKey.credential_id,
      signature: this.sign(namespace, message, overrides).toString('base64url'),
    };
  }

  /** PROTOCOL.sshsig, without the armour. */
  sign(namespace: string, message: Uint8Array, overrides: SshsigOverrides = {}): Buffer {
    const hash = overrides.hash ?? 'sha512';
    const signed = Buffer.concat([
      Buffer.from('SSHSIG'),
      sshString(namespace),
      sshString(''),
      sshString(hash),
      sshString(createHash(hash).update(message).digest()),
    ]);
    return Buffer.concat([
      Buffer.from('SSHSIG'),
      uint32(overrides.version ?? 1),
      sshString(overrides.publicKey ?? this.publicKey),
      sshString(namespace),
      sshString(overrides.reserved ?? ''),
      sshString(hash),
      sshString(this.#signature(signed, overrides)),
      overrides.after ?? Buffer.alloc(0),
    ]);
  }

  #publicParts(): Buffer[] {
    const { x, y, n, e } = this.#jwk;
    if (this.type === 'ssh-rsa') return [mpint(bytes(e)), mpint(bytes(n))];
    if (this.type.includes('ecdsa')) {
      return [sshString('nistp256'), sshString(Buffer.concat([Buffer.of(4), bytes(x), bytes(y)]))];
    }
    return [sshString(bytes(x))];
  }

  #signature(signed: Buffer, overrides: SshsigOverrides): Buffer {
    if (this.type === 'ssh-rsa') {
      const hash = overrides.rsaHash ?? 'sha512';
      const name = overrides.algorithm ?? `rsa-sha2-${hash.slice('sha'.length)}`;
      return Buffer.concat([sshString(name), sshString(sign(hash, signed, this.#privateKey))]);
    }
    const name = overrides.algorithm ?? this.type;
    if (!this.isHardware) return Buffer.concat([sshString(name), sshString(this.#curve(signed))]);
    const seen = Buffer.concat([
      Buffer.of(overrides.flags ?? UP_AND_UV),
      uint32(overrides.counter ?? (this.#counter += 1)),
    ]);
    const told = Buffer.concat([
      digest(overrides.application ?? this.application),
      seen,
      digest(signed),
    ]);
    return Buffer.concat([sshString(name), sshString(this.#curve(told)), seen]);
  }

  #curve(message: Buffer): Buffer {
    if (!this.type.includes('ecdsa')) return sign(null, message, this.#privateKey);
    const raw = sign('sha256', message, { key: this.#privateKey, dsaEncoding: 'ieee-p1363' });
    return Buffer.concat([mpint(raw.subarray(0, 32)), mpint(raw.subarray(32))]);
  }
}

/** What ssh-keygen reads and writes around the bytes. */
export function armoured(signature: Uint8Array): string {
  const lines =
    Buffer.from(signature)
      .toString('base64')
      .match(/.{1,70}/g) ?? [];
  return ['-----BEGIN SSH SIGNATURE-----', ...lines, '-----END SSH SIGNATURE-----', ''].join('\n');
}

function keyPair(
  type: SoftwareSshKeyType,
  bits: number,
): { privateKey: KeyObject; publicKey: KeyObject } {
  if (type === 'ssh-rsa') return generateKeyPairSync('rsa', { modulusLength: bits });
  return type.includes('ecdsa')
    ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
    : generateKeyPairSync('ed25519');
}

function digest(data: string | Buffer): Buffer {
  return createHash('sha256').update(data).digest();
}

function bytes(member: string | undefined): Buffer {
  if (member === undefined) throw new Error('expected the key to have this JWK member');
  return Buffer.from(member, 'base64url');
}

export function uint32(value: number): Buffer {
  const four = Buffer.alloc(4);
  four.writeUInt32BE(value);
  return four;
}

export function sshString(data: string | Uint8Array): Buffer {
  const content = Buffer.from(data);
  return Buffer.concat([uint32(content.length), content]);
}

/** A positive number as RFC 4251 §5 writes it. */
export function mpint(bigEndian: Uint8Array): Buffer {
  const from = bigEndian.findIndex((byte) => byte !== 0);
  const shortest = from < 0 ? Buffer.alloc(0) : Buffer.from(bigEndian.subarray(from));
  const isSigned = ((shortest[0] ?? 0) & 0x80) !== 0;
  return sshString(isSigned ? Buffer.concat([Buffer.of(0), shortest]) : shortest);
}
