import { timestampMs } from '@countersign/canonical';
import { BindingError, judgeChain, proveChain } from '@countersign/binding';
import type { DelegationCheck } from './verification.ts';
import { sameJson } from './same-json.ts';
import { VerifyError } from './verify-error.ts';

/** That the tokens lead to the agent, by the pinned keys and at the time of the admission: schemas/formats/delegation.md §3. */
export const checkDelegationTokens: DelegationCheck = async (action, authority, run) => {
  const { evidence, verifySignature } = run;
  const { envelope } = action;
  const { at, not_after: notAfter, delegation: said } = evidence.admission.entry;
  const agent = authority.get('agent', envelope.agent.id);
  const { delegation: tokens = [] } = envelope;
  if (agent === undefined) throw new VerifyError('AGENT_UNKNOWN', 'expected an enrolled agent');
  try {
    const links = await proveChain(tokens, authority, verifySignature);
    const chain = judgeChain({ envelope, links, agent, authority, atMs: timestampMs(at) });
    const isAdmitted =
      sameJson(chain?.grants ?? null, said ?? null) &&
      timestampMs(notAfter) <= (chain?.endsMs ?? Infinity);
    if (isAdmitted) return;
  } catch (error) {
    if (!(error instanceof BindingError)) throw error;
    throw new VerifyError(error.code, error.message, { cause: error });
  }
  throw new VerifyError('DELEGATION_INVALID', 'expected the issuers and the end of the chain');
};
