import { timestampMs } from '@countersign/canonical';
import type { AuthorityState } from './authority.ts';
import { isSshKey, type AgentMember } from './authority-member.ts';
import { hasOpened } from './recovery.ts';
import { answerableFor } from './sponsor.ts';

/**
 * The natural persons who can sign now with a passkey, or can still enrol one by an invitation that is open.
 */
function usablePersons(state: AuthorityState, atMs: number, isKept: boolean): ReadonlySet<string> {
  // Which class an SSH key can prove is not written in it, and the bootstrap rule does not accept every class.
  const passkeys = state
    .ofKind('credential')
    .filter((each) => !isSshKey(each) && !(isKept && each.backup_eligible));
  const usable = new Set(passkeys.map((credential) => credential.person));
  for (const invitation of state.ofKind('invitation')) {
    // One of a recovery may yet be cancelled, until it opens.
    const isOpen = hasOpened(invitation, atMs) && timestampMs(invitation.not_after) >= atMs;
    if (isOpen) usable.add(invitation.person);
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

/** What the bootstrap rule can still do. */
interface Reach {
  readonly hasPersons: boolean;
  /** Of an agent that is enrolled. */
  readonly canBind: boolean;
}

function reachOf(state: AuthorityState, atMs: number): Reach {
  const { approvals, device_bound: isKept } = state.ledger.bootstrap;
  const usable = usablePersons(state, atMs, isKept === true);
  return {
    hasPersons: usable.size >= approvals,
    canBind: state.ofKind('agent').some((agent) => couldBind(state, agent, usable)),
  };
}

/** Whether enough persons could start a recovery, which any agent asks for. */
function canRecover(state: AuthorityState, atMs: number): boolean {
  const { recovery } = state.ledger;
  if (recovery === undefined || state.ofKind('agent').length === 0) return false;
  return usablePersons(state, atMs, false).size >= recovery.quorum;
}

/**
 * Whether a change takes away the last way to change the authority: too few persons for the bootstrap rule,
 * or no agent left whose requests enough of them may approve; or, where that is so already, too few for a recovery.
 * schemas/formats/authority.md §7.
 */
export function locksOut(before: AuthorityState, after: AuthorityState, atMs: number): boolean {
  const was = reachOf(before, atMs);
  const is = reachOf(after, atMs);
  if ((was.hasPersons && !is.hasPersons) || (was.canBind && !is.canBind)) return true;
  return !is.canBind && canRecover(before, atMs) && !canRecover(after, atMs);
}
