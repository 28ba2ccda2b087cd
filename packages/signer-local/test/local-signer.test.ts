import { chmod, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CryptoError, verifySignature } from '@countersign/crypto-node';
import { createLocalSignerKey, openLocalSigner } from '@countersign/signer-local';
import { parseVerifierKey, signNote, TlogError, verifyNote } from '@countersign/tlog';
import { noteSignerContract } from '@countersign/tlog/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const NAME = 'countersign.local/01JD3Z8Q4T0000000000000000/0';

let folder: string;
let keyFile: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signer-'));
  keyFile = join(folder, 'signer.pem');
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function code(operation: Promise<unknown>): Promise<string> {
  try {
    await operation;
  } catch (error) {
    if (error instanceof CryptoError || error instanceof TlogError) return error.code;
    throw error;
  }
  return 'resolved';
}

describe('a local signer', () => {
  it('signs what its verifier key verifies', async () => {
    await createLocalSignerKey({ keyFile });
    const signer = await openLocalSigner({ keyFile, name: NAME });
    const message = Buffer.from('a message');
    const signature = await signer.sign(message);
    const { name, type, publicKey } = parseVerifierKey(signer.vkey);
    expect([name, type]).toEqual([NAME, 1]);
    expect(verifySignature({ algorithm: 'ed25519', publicKey, message, signature })).toBe(true);
  });

  it('signs a note that opens with its verifier key, the same after it is opened again', async () => {
    await createLocalSignerKey({ keyFile });
    const first = await openLocalSigner({ keyFile, name: NAME });
    const again = await openLocalSigner({ keyFile, name: NAME });
    const note = await signNote('text\n', [first]);
    expect(await signNote('text\n', [again])).toBe(note);
    const trusted = [parseVerifierKey(again.vkey)];
    const { verified } = await verifyNote(note, trusted, verifySignature);
    expect(verified).toHaveLength(1);
  });

  it('has a key file for its owner only, and refuses it once others may read it', async () => {
    await createLocalSignerKey({ keyFile });
    expect((await stat(keyFile)).mode & 0o777).toBe(0o600);
    await chmod(keyFile, 0o644);
    expect(await code(openLocalSigner({ keyFile, name: NAME }))).toBe('KEY_FILE_PERMISSIONS');
  });

  it('neither makes up a missing key nor replaces one that is there', async () => {
    expect(await code(openLocalSigner({ keyFile, name: NAME }))).toBe('KEY_FILE_MISSING');
    await createLocalSignerKey({ keyFile });
    const { vkey } = await openLocalSigner({ keyFile, name: NAME });
    expect(await code(createLocalSignerKey({ keyFile }))).toBe('KEY_FILE_EXISTS');
    expect((await openLocalSigner({ keyFile, name: NAME })).vkey).toBe(vkey);
  });

  it.each(['', 'with space', 'with+plus', 'with\nline'])('refuses the name "%s"', async (name) => {
    await createLocalSignerKey({ keyFile });
    expect(await code(openLocalSigner({ keyFile, name }))).toBe('VKEY_FORMAT');
  });
});

noteSignerContract('a key file', async () => {
  const subjectFolder = await mkdtemp(join(tmpdir(), 'signer-'));
  const subjectKeyFile = join(subjectFolder, 'signer.pem');
  await createLocalSignerKey({ keyFile: subjectKeyFile });
  return {
    name: NAME,
    type: 1,
    open: () => openLocalSigner({ keyFile: subjectKeyFile, name: NAME }),
    dispose: () => rm(subjectFolder, { recursive: true }),
    verifySignature,
  };
});
