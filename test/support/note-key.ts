import { generateEd25519, parseEd25519, signEd25519 } from '@countersign/crypto-node';
import { formatVerifierKey, type NoteSigner } from '@countersign/tlog';

/** A log key in memory, whose signatures are real. */
export function noteSigner(name: string): NoteSigner {
  const key = parseEd25519(generateEd25519().privateKeyPem);
  return {
    name,
    vkey: formatVerifierKey({ name, algorithm: 'ed25519', publicKey: key.publicKeySpki }),
    sign: (message) => Promise.resolve(signEd25519(key, message)),
  };
}
