import type { AuthorityChange, EntryOf, MemberOf } from '@countersign/binding';
import { changeIn, type ChangeOf } from './change-text.ts';
import { hold } from './invariant-broken.ts';
import type { RuleState } from './rule-state.ts';

export function changeAuthority(state: RuleState, { change }: EntryOf<'authority-changed'>): void {
  if (change.change === 'credential-enrolled') {
    const { statement } = change;
    const isTrue = state.truth.enrolled.has(statement.credential_id);
    hold(isTrue, 'FORGED', 'a credential that its person never enrolled');
    const isInvited = state.members.delete(`invitation ${statement.invitation}`);
    hold(isInvited, 'RULE', 'a credential without an invitation');
    state.company.assertEnrolled(statement, change.identity, state.lastMs);
    state.models.enrolled(statement);
    if (state.recovery.enrolled(statement, state.lastMs)) state.loseKeys(statement.person);
    state.set({
      kind: 'credential',
      id: statement.credential_id,
      person: statement.person,
      public_key: statement.public_key,
      rp_id: statement.rp_id,
      backup_eligible: statement.backup_eligible,
    });
    return;
  }
  const last = state.last;
  const isBound = last?.entry.type === 'binding-made' && last.leaf === change.binding;
  hold(isBound, 'RULE', 'a change of the authority that does not follow its binding');
  apply(state, changeIn(change.action));
}

function apply(state: RuleState, change: AuthorityChange): void {
  switch (change.kind) {
    case 'recovery-started':
      state.recovery.started(change, state.last?.entry, state.lastMs);
      state.set({ kind: 'person', id: change.person, class: 'natural' });
      state.set({
        kind: 'invitation',
        person: change.person,
        ...change.invitation,
        not_after: '',
      });
      return;
    case 'recovery-cancelled':
      state.recovery.cancelled(change, state.last?.entry);
      state.members.delete(`invitation ${change.invitation}`);
      return;
    case 'credential-revoked':
      state.members.delete(`credential ${change.credential_id}`);
      return;
    case 'agent-revoked':
      state.members.delete(`agent ${change.id}`);
      return;
    case 'executor-revoked':
      state.members.delete(`executor ${change.id}`);
      return;
    case 'policy-set':
      state.policy = change.policy;
      return;
    case 'frozen':
      hold(!state.isFrozen, 'RULE', 'frozen twice');
      state.epoch += 1;
      state.isFrozen = true;
      return;
    case 'thawed':
      hold(state.isFrozen && change.epoch === state.epoch, 'RULE', 'another freeze thawed');
      state.isFrozen = false;
      return;
    case 'person-invited':
      state.set({ kind: 'person', id: change.person, class: change.class });
      state.set({ kind: 'invitation', person: change.person, ...change.invitation });
      return;
    case 'agent-enrolled':
      state.set({ kind: 'agent', ...change.agent, key_thumbprint: 'sha256:' });
      return;
    case 'executor-enrolled':
    case 'descriptor-enrolled':
    case 'log-key-added':
    case 'log-key-removed':
      return;
    case 'reviewed':
      review(state, change);
      return;
    case 'agent-sponsored':
      sponsor(state, change);
      return;
    case 'deputy-named':
      nameDeputy(state, change);
      return;
    case 'deputy-revoked':
      state.deputies.revoked(change);
      return;
    case 'issuer-enrolled':
      state.company.pinned(change.issuer);
      return;
    case 'issuer-revoked':
      state.company.unpinned();
      return;
    case 'person-tied':
      state.company.tied(change);
      return;
    case 'ssh-key-enrolled':
    case 'home-moved':
      // Nobody here asks for these: it would be invented.
      hold(false, 'FORGED', `a change that nobody asked for: ${change.kind}`);
  }
}

/** By two who had no part in it, and as it was. */
function review(state: RuleState, change: ChangeOf<'reviewed'>): void {
  const { action_id: id, result, verdict } = change;
  const action = state.known(id);
  const bound = state.last?.entry;
  const signed = bound?.type === 'binding-made' ? bound.decisions : [];
  const persons = new Set(signed.map(({ person }) => person));
  const parties = state.partiesTo(action);
  hold(persons.size >= 2, 'RULE', `${id}: reviewed by one person`);
  hold(
    [...persons].every((each) => !parties.has(each)),
    'RULE',
    `${id}: reviewed by a party`,
  );
  const [use] = action.uses.values();
  const is = use === undefined ? 'not-used' : (use.result ?? 'not-reported');
  hold(result === is, 'RULE', `${id}: reviewed as ${result} and ${verdict}, which is ${is}`);
  state.glass.reviewed(id);
  action.isReviewed = true;
}

function nameDeputy(state: RuleState, change: ChangeOf<'deputy-named'>): void {
  const bound = state.last?.entry;
  hold(bound?.type === 'binding-made', 'RULE', `${change.deputy}: a deputy whom nobody named`);
  const isNatural = (person: string): boolean => state.get('person', person)?.class === 'natural';
  state.deputies.named(change, isNatural, bound);
}

function sponsor(state: RuleState, { agent: id, sponsor }: ChangeOf<'agent-sponsored'>): void {
  const agent = state.get('agent', id);
  hold(agent !== undefined, 'RULE', `${id}: sponsored, and not enrolled`);
  const bare = Object.entries(agent).filter(([name]) => name !== 'sponsor');
  const told = sponsor === undefined ? {} : { sponsor };
  state.set({ ...(Object.fromEntries(bare) as unknown as MemberOf<'agent'>), ...told });
}
