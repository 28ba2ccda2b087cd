import { execFileSync, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CryptoError,
  generateEd25519,
  keyThumbprint,
  newUlid,
  parseEd25519,
  readKeyFile,
  signEd25519,
  verifySignature,
  writeKeyFile,
} from '@countersign/crypto-node';
import { isUlid, ulidTimeMs } from '@countersign/canonical';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'key-'));
  path = join(folder, 'signer.pem');
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function code(operation: () => unknown): Promise<string> {
  try {
    await operation();
  } catch (error) {
    if (error instanceof CryptoError) return error.code;
    throw error;
  }
  return 'resolved';
}

describe('a key file', () => {
  it('gives back a key that signs', async () => {
    const { publicKeySpki, privateKeyPem } = generateEd25519();
    await writeKeyFile(path, privateKeyPem);
    const key = await readKeyFile(path);
    expect(key.publicKeySpki).toEqual(publicKeySpki);
    const message = Buffer.from('message');
    const signature = signEd25519(key, message);
    expect(signature).toHaveLength(64);
    const check = { algorithm: 'ed25519', publicKey: publicKeySpki, message, signature } as const;
    expect(verifySignature(check)).toBe(true);
  });

  it('is for its owner only, and nothing else is left beside it', async () => {
    await writeKeyFile(path, generateEd25519().privateKeyPem);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(['signer.pem']);
  });

  it.each([0o644, 0o640, 0o604, 0o620, 0o610])('of mode %o is refused', async (mode) => {
    await writeKeyFile(path, generateEd25519().privateKeyPem);
    await chmod(path, mode);
    expect(await code(() => readKeyFile(path))).toBe('KEY_FILE_PERMISSIONS');
    await chmod(path, 0o400);
    expect(await code(() => readKeyFile(path))).toBe('resolved');
  });

  it('is never overwritten', async () => {
    const { privateKeyPem } = generateEd25519();
    await writeKeyFile(path, privateKeyPem);
    expect(await code(() => writeKeyFile(path, generateEd25519().privateKeyPem))).toBe(
      'KEY_FILE_EXISTS',
    );
    expect(await readFile(path, 'utf8')).toBe(privateKeyPem);
    expect(await readdir(folder)).toEqual(['signer.pem']);
  });

  it('that is a pipe is not read beyond what a key can have', async () => {
    execFileSync('mkfifo', ['-m', '600', path]);
    const writer = spawn('/bin/sh', ['-c', 'exec head -c 5000000 /dev/zero > "$0"', path]);
    const ended = once(writer, 'close');
    expect(await code(() => readKeyFile(path))).toBe('KEY_FORMAT');
    // Nobody listened to the end.
    expect(await ended).toEqual([null, 'SIGPIPE']);
  });

  it('that is missing, or whose folder is, says so', async () => {
    const nowhere = join(folder, 'none', 'a.pem');
    expect(await code(() => readKeyFile(path))).toBe('KEY_FILE_MISSING');
    expect(await code(() => writeKeyFile(nowhere, generateEd25519().privateKeyPem))).toBe(
      'KEY_FILE_MISSING',
    );
  });

  it('that is a folder, cut, too long or of another algorithm is refused', async () => {
    await chmod(folder, 0o700);
    expect(await code(() => readKeyFile(folder))).toBe('KEY_FILE_IO');
    const { privateKeyPem } = generateEd25519();
    const p256 = generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      publicKeyEncoding: { format: 'pem', type: 'spki' },
      privateKeyEncoding: { format: 'pem', type: 'pkcs8' },
    });
    for (const text of ['', privateKeyPem.slice(0, 60), ' '.repeat(5_000), p256.privateKey]) {
      await writeFile(path, text, { mode: 0o600 });
      expect(await code(() => readKeyFile(path))).toBe('KEY_FORMAT');
    }
    expect(await code(() => writeKeyFile(join(folder, 'b'), p256.privateKey))).toBe('KEY_FORMAT');
  });
});

describe('a key', () => {
  it('never shows itself in an error', async () => {
    const secret = generateEd25519().privateKeyPem.replace('MC4', 'MD4');
    const error: unknown = await Promise.resolve(secret)
      .then(parseEd25519)
      .catch((e: unknown) => e);
    expect(error).toBeInstanceOf(CryptoError);
    const body = secret.split('\n')[1] ?? 'none';
    expect(`${(error as Error).message} ${String((error as Error).cause)}`).not.toContain(body);
  });

  it('has the thumbprint that sha256sum gives', () => {
    expect(keyThumbprint(Buffer.from('abc'))).toBe(
      'sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
  });
});

describe('newUlid', () => {
  it('has the time it was given and chance for the rest', () => {
    const made = Array.from({ length: 1_000 }, () => newUlid(1_732_320_000_000));
    expect(new Set(made).size).toBe(made.length);
    for (const ulid of made) {
      expect(isUlid(ulid)).toBe(true);
      expect(ulidTimeMs(ulid)).toBe(1_732_320_000_000);
    }
  });
});
