import type { AgentMember } from './authority-member.ts';
import type { AuthorityState } from './authority.ts';
import { BindingError } from './binding-error.ts';
import { id, personId } from './field-shape.ts';
import { object, oneOf, optional, type Shape } from './shape.ts';

/** Says for whom an agent works, beside who answers for it; nobody where `sponsor` is absent. */
export interface AgentSponsored {
  readonly kind: 'agent-sponsored';
  readonly agent: string;
  readonly sponsor?: string;
}

export const agentSponsored: Shape<AgentSponsored> = object<AgentSponsored>({
  kind: oneOf('agent-sponsored'),
  agent: id,
  sponsor: optional(personId),
});

/** @throws BindingError MEMBER_UNKNOWN */
export function withSponsor(
  state: AuthorityState,
  { agent: name, sponsor }: AgentSponsored,
): AuthorityState {
  const agent = state.get('agent', name);
  if (agent === undefined || (sponsor !== undefined && !state.has('person', sponsor))) {
    throw new BindingError(
      'MEMBER_UNKNOWN',
      'change: expected an agent and a person of the authority',
    );
  }
  const bare = Object.fromEntries(
    Object.entries(agent).filter(([name]) => name !== 'sponsor'),
  ) as unknown as AgentMember;
  return state.with({ ...bare, ...(sponsor !== undefined && { sponsor }) });
}

/** Who may not approve what an agent asks for, under separation `full`, besides whose own tool it is. */
export function answerableFor({ owner, sponsor }: AgentMember): readonly string[] {
  return sponsor === undefined ? [owner] : [owner, sponsor];
}
