import type { SignatureCheck } from '@countersign/canonical';
import { verifySignature as verify, WebCryptoError } from '@countersign/crypto-web';
import { ConsoleError } from './console-error.ts';

/** @throws ConsoleError BROWSER_TOO_OLD when the browser does not know the algorithm: it could not check */
export async function verifySignature(check: SignatureCheck): Promise<boolean> {
  try {
    return await verify(check);
  } catch (error) {
    if (!(error instanceof WebCryptoError)) throw error;
    throw new ConsoleError(error.code, error.message, { cause: error });
  }
}
