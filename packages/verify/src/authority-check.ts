import { fromBase64url } from '@countersign/canonical';
import {
  authorityRule,
  isAuthorityType,
  signedMessage,
  type AuthorityState,
  type ExecutorMember,
} from '@countersign/binding';
import type { Action } from '@countersign/descriptors';
import type { AuthorityChainCheck } from './authority-chain.ts';
import type { AuthorityHistory } from './authority-history.ts';
import { assertDescriptor, assertItemType } from './descriptor-check.ts';
import { assertEpochs } from './epoch-check.ts';
import { assertExclusions } from './exclusion.ts';
import { assertFoundingKeys } from './log-keys.ts';
import { assertExactly, memberKey, notProven, provenMember } from './membership.ts';
import { assertOwnRule } from './policy-check.ts';
import { sameJson } from './same-json.ts';
import type { Verification } from './verification.ts';
import { VerifyError } from './verify-error.ts';

/** The authority when the request was admitted, and when it was bound. */
export interface Authorities {
  readonly admitted: AuthorityState;
  readonly bound: AuthorityState;
}

/** Steps 12 to 14 of schemas/formats/evidence.md §5: who everybody is, by the authority alone. */
export async function checkAuthority(
  run: Verification,
  chains: AuthorityChainCheck,
): Promise<Authorities> {
  const { evidence, log } = run;
  log.begin('authority chain');
  const history = await chains.history(evidence.authority.chain, evidence.binding.entry.authority);
  if (evidence.version === 1) assertFoundingKeys(history);
  const authorities = citedAuthorities(history, run);
  log.ok(`${history.length - 1} changes since genesis`);
  log.begin('membership');
  assertMembers(authorities.bound, run);
  log.ok(`${evidence.authority.members.length} members under ${authorities.bound.root}`);
  log.begin('registration');
  assertRegistered(authorities.admitted, run);
  assertEpochs(authorities, run);
  log.ok('agent, executor, descriptor and rule as the authority holds them');
  return authorities;
}

function citedAuthorities(history: AuthorityHistory, { evidence }: Verification): Authorities {
  const bound = history.at(-1);
  const admitted = history.find(({ ref }) => sameJson(ref, evidence.admission.entry.authority));
  if (bound === undefined || admitted === undefined) {
    throw new VerifyError('AUTHORITY_CHAIN_INVALID', 'expected an admission under this authority');
  }
  return { admitted: admitted.state, bound: bound.state };
}

/** Who asks, runs and decides must be proven, so that the evidence also serves a reader who has the root alone. */
function assertMembers(authority: AuthorityState, { evidence }: Verification): void {
  const { size, members } = evidence.authority;
  if (size !== authority.size) throw notProven('the size of the authority');
  const proven = members.map((member) => provenMember(member, authority));
  const { agent, executor, decisions } = evidence.binding.entry;
  assertExactly(proven, authority, [
    memberKey('ledger', 'ledger'),
    memberKey('agent', agent.id),
    memberKey('executor', executor.id),
    ...decisions.flatMap(({ person, credential }) => [
      memberKey('person', person),
      memberKey('credential', credential),
    ]),
  ]);
}

/** The ledger froze who asks, who runs it and by which rule; it could have frozen what it liked. */
function assertRegistered(authority: AuthorityState, run: Verification): void {
  const { entry } = run.evidence.binding;
  const { ledger } = authority;
  if (ledger.tenant !== entry.tenant || ledger.demo !== entry.demo) {
    throw new VerifyError(
      'ADMISSION_MISMATCH',
      'expected the tenant and the demo mark of the ledger',
    );
  }
  if (ledger.separation !== entry.separation) {
    throw new VerifyError('ADMISSION_MISMATCH', 'expected the separation of the ledger');
  }
  assertExclusions(entry, authority);
  assertExecutor(authority, run);
  assertDescriptor(entry, authority);
  const { documents, evidence } = run;
  assertItemType(documents.descriptor(entry.descriptor_digest, evidence.descriptor), authority);
  if (isAuthorityType(entry.action_type.name)) {
    assertOwnRule(authorityRule(entry.action_type.name, ledger), run);
  } else if (authority.get('policy', 'policy')?.digest !== entry.policy_digest) {
    throw new VerifyError('POLICY_MISMATCH', 'expected the policy of the authority');
  }
}

function assertExecutor(authority: AuthorityState, run: Verification): void {
  const { executor: named, action_type: type } = run.evidence.binding.entry;
  const { id, audience, descriptor_digest: interfaceDigest } = named;
  const executor = isAuthorityType(type.name)
    ? ledgerExecutor(id, run)
    : authority.get('executor', id);
  if (executor === undefined) {
    throw new VerifyError('EXECUTOR_UNKNOWN', 'expected an executor of the authority');
  }
  if (executor.interface_digest !== interfaceDigest) {
    throw new VerifyError('EXECUTOR_DESCRIPTOR_MISMATCH', 'expected the interface it registered');
  }
  if (!executor.audiences.includes(audience)) {
    throw new VerifyError('EXECUTOR_MISMATCH', 'expected an audience that it registered');
  }
}

/** The ledger carries out changes of its authority itself; no member of it has that name. */
function ledgerExecutor(
  id: string,
  { evidence, trust }: Verification,
): Pick<ExecutorMember, 'audiences' | 'interface_digest'> | undefined {
  if (id !== 'ledger') return undefined;
  return {
    audiences: [trust.origin],
    interface_digest: evidence.binding.entry.descriptor_digest,
  };
}

/** Step 15: the agent itself asked for this. Without the action there is nothing to check the signature with. */
export async function checkRequest(
  action: Action | undefined,
  authority: AuthorityState,
  run: Verification,
): Promise<void> {
  const { evidence, verifySignature, log } = run;
  log.begin('request signature');
  const agent = authority.get('agent', evidence.binding.entry.agent.id);
  if (action === undefined) {
    log.skip('content erased');
    return;
  }
  const isSigned =
    agent !== undefined &&
    (await verifySignature({
      algorithm: 'ed25519',
      publicKey: fromBase64url(agent.public_key),
      message: signedMessage('request', action.bytes),
      signature: fromBase64url(evidence.admission.entry.request_signature),
    }));
  if (!isSigned) throw new VerifyError('SIGNATURE_INVALID', 'expected the signature of the agent');
  log.ok(`signed by ${agent.id}`);
}
