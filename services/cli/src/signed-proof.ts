import { verifySignature } from '@countersign/crypto-node';
import {
  HumanProofError,
  verifySshsig,
  type ProofClass,
  type SshsigProof,
} from '@countersign/human-proof';
import { cliError } from './cli-error.ts';
import type { CliContext } from './context.ts';
import type { SshKey } from './ssh-key.ts';
import { signWithSshKeygen, type ToSign } from './ssh-keygen.ts';

/**
 * A signature that is checked here as the ledger will check it: a key file beside another key's `.pub` is told at once.
 *
 * @throws CliError SSH_KEY_MISMATCH, and the codes of signWithSshKeygen
 */
export async function signedProof(
  key: SshKey,
  toSign: ToSign,
  context: Pick<CliContext, 'env' | 'interrupted'>,
): Promise<{ proof: SshsigProof; proofClass: ProofClass }> {
  const proof = await signWithSshKeygen(key, toSign, context);
  const credential = { credential_id: key.credentialId, public_key: key.publicKey };
  try {
    const expected = { ...toSign, credential };
    const { proofClass } = await verifySshsig(proof, expected, verifySignature);
    return { proof, proofClass };
  } catch (error) {
    if (!(error instanceof HumanProofError)) throw error;
    throw cliError('SSH_KEY_MISMATCH', `${key.file}: ${error.why}: ${error.message}`, {
      cause: error,
    });
  }
}
