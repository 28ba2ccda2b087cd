import { timestampMs } from '@countersign/canonical';
import type { AuthorityState } from './authority.ts';
import { answerableFor } from './sponsor.ts';
import { isSshKey, type AgentMember } from './authority-member.ts';

/**
 * The natural persons who can sign now with a passkey, or can still enrol one by an invitation that is open.
 */
function usablePersons(state: AuthorityState, atMs: number): ReadonlySet<string> {
  // Which class an SSH key can prove is not written in it, and the bootstrap rule does not accept every class.
  const isKept = state.ledger.bootstrap.device_bound === true;
  const passkeys = state
    .ofKind('credential')
    .filter((each) => !isSshKey(each) && !(isKept && each.backup_eligible));
  const usable = new Set(passkeys.map((credential) => credential.person));
  for (const invitation of state.ofKind('invitation')) {
    if (timestampMs(invitation.not_after) >= atMs) usable.add(invitation.person);
  }
  for (const id of usable) {
    if (state.get('person', id)?.class !== 'natural') usable.delete(id);
  }
  return usable;
}

/** Whether enough persons could approve a change that this agent asks for. */
function couldBind(
  state: AuthorityState,
  agent: AgentMember,
  usable: ReadonlySet<string>,
): boolean {
  const { bootstrap, separation } = state.ledger;
  const excluded = new Set<string | undefined>([agent.person]);
  if (separation === 'full') answerableFor(agent).forEach((person) => excluded.add(person));
  return [...usable].filter((person) => !excluded.has(person)).length >= bootstrap.approvals;
}

/**
 * Whether a change takes away the last way to change the authority: too few persons for the bootstrap rule,
 * or no agent left whose requests enough of them may approve. schemas/formats/authority.md §7.
 */
export function locksOut(before: AuthorityState, after: AuthorityState, atMs: number): boolean {
  const wereUsable = usablePersons(before, atMs);
  const usable = usablePersons(after, atMs);
  const needed = after.ledger.bootstrap.approvals;
  if (wereUsable.size >= needed && usable.size < needed) return true;
  const could = before.ofKind('agent').some((agent) => couldBind(before, agent, wereUsable));
  return could && !after.ofKind('agent').some((agent) => couldBind(after, agent, usable));
}
