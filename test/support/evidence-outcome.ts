import { canonicalBytes } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import type { Projector } from '@countersign/projector';
import { checkDelegationTokens, createVerifier, parseTrust, type Trust } from '@countersign/verify';
import type { FoundedLedger } from './founded-ledger.ts';
import { TENANT } from './parties.ts';

/** What a stranger with the trust file of a ledger says to its evidence about an action. */
export async function evidenceOutcome(
  at: FoundedLedger,
  actionId: string,
  view: Pick<Projector, 'evidence'> = at.projector,
): Promise<unknown> {
  const evidence = await view.evidence(TENANT, actionId);
  const verifier = createVerifier({
    trust: trustOf(at),
    verifySignature,
    delegationCheck: checkDelegationTokens,
  });
  return verifier.verifyFile(canonicalBytes(evidence), { level: 'human' });
}

/** What somebody pins who takes its founders, passkeys and separation as they are. */
export function trustOf(at: FoundedLedger): Trust {
  return parseTrust(
    canonicalBytes({
      v: 'countersign.trust.v1',
      origin: at.origin,
      log_keys: [at.signer.vkey],
      genesis: at.genesis,
      accept: { proof_classes: ['uv'], separation: ['full'], demo: false },
    }),
  );
}
