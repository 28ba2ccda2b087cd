import {
  generateEd25519,
  readKeyFile,
  signEd25519,
  verifySignature,
  writeKeyFile,
  type Ed25519Key,
} from '@countersign/crypto-node';
import { formatVerifierKey, type NoteSigner } from '@countersign/tlog';

export interface LocalSignerOptions {
  readonly keyFile: string;
  /** The key's name in signed notes: the origin of the log. */
  readonly name: string;
}

/**
 * Makes the key once; it is never written over.
 * @throws {CryptoError} KEY_FILE_EXISTS, KEY_FILE_MISSING for the folder, KEY_FILE_IO
 */
export async function createLocalSignerKey(options: { readonly keyFile: string }): Promise<void> {
  await writeKeyFile(options.keyFile, generateEd25519().privateKeyPem);
}

/**
 * A signer of checkpoints whose Ed25519 key is in a file that only its owner can read.
 * @throws {CryptoError} KEY_FILE_MISSING, KEY_FILE_PERMISSIONS, KEY_FILE_IO, KEY_FORMAT
 * @throws {TlogError} VKEY_FORMAT for a name that no signed note can carry
 * @example
 * await createLocalSignerKey({ keyFile });
 * const signer = await openLocalSigner({ keyFile, name: 'countersign.local/log' });
 */
export async function openLocalSigner(options: LocalSignerOptions): Promise<NoteSigner> {
  const { keyFile, name } = options;
  const key = await readKeyFile(keyFile);
  const vkey = formatVerifierKey({ name, algorithm: 'ed25519', publicKey: key.publicKeySpki });
  return {
    name,
    vkey,
    async sign(message) {
      return Promise.resolve(signChecked(key, message));
    },
  };
}

/** A fault while signing with Ed25519 can reveal the key to whoever sees the wrong signature: so none leaves unchecked. */
function signChecked(key: Ed25519Key, message: Uint8Array): Uint8Array {
  const signature = signEd25519(key, message);
  const publicKey = key.publicKeySpki;
  if (!verifySignature({ algorithm: 'ed25519', publicKey, message, signature })) {
    throw new Error('invariant: expected the signature just made to verify');
  }
  return signature;
}
