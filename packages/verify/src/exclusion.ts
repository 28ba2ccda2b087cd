import { excludesNobody, type AuthorityState, type BindingMade } from '@countersign/binding';
import { VerifyError } from './verify-error.ts';

/**
 * That the agent is enrolled as it says, and that everybody who may not approve what it asks for is on the list of
 * the excluded: whose tool it is, its owner and its sponsor under separation `full`, and everyone in whose name it acts. Of a freeze or a recovery nobody is.
 */
export function assertExclusions(binding: BindingMade, authority: AuthorityState): void {
  const { agent: claimed, acting_for: chain, excluded } = binding;
  const agent = authority.get('agent', claimed.id);
  if (agent === undefined) {
    throw new VerifyError('AGENT_UNKNOWN', 'expected an agent of the authority');
  }
  const isAsEnrolled =
    agent.key_thumbprint === claimed.key_thumbprint &&
    agent.owner === claimed.owner &&
    agent.person === claimed.person &&
    agent.sponsor === claimed.sponsor;
  if (!isAsEnrolled) {
    throw new VerifyError('AGENT_MISMATCH', 'expected the agent as it is enrolled');
  }
  if (excludesNobody(binding.action_type.name)) return;
  const persons = [...chain];
  if (agent.person !== undefined) persons.push(agent.person);
  if (authority.ledger.separation === 'full') {
    persons.push(agent.owner);
    if (agent.sponsor !== undefined) persons.push(agent.sponsor);
  }
  const missing = persons.some((person) => !excluded.some((each) => each.person === person));
  if (missing) {
    throw new VerifyError('ADMISSION_MISMATCH', 'expected everybody excluded who asks or owns');
  }
}
