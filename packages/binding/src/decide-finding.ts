import { fromUtf8 } from '@countersign/canonical';
import type { AgentMember } from './authority-member.ts';
import type { Outcome } from './decided.ts';
import type { FindingInput } from './input.ts';
import type { Proceeding } from './proceeding.ts';
import type { RefusalCode } from './refusal-code.ts';

/**
 * Notes what an operator has found. Whether it is so the ledger cannot know: it stands there as what that key has signed,
 * and changes nothing of the action. Attack rows G12, G13.
 */
export function decideFinding(run: Proceeding, input: FindingInput): Outcome {
  const agent = run.state.authority.holderOf(input.key);
  if (agent?.kind !== 'agent') return { status: 'quarantined', code: 'AGENT_UNKNOWN' };
  const code = refusalOf(run, input, agent);
  const about = { agent: agent.id };
  if (code !== undefined) {
    // Nobody who may not raise a finding gets an entry beside somebody's action.
    return run.refuse({ type: 'finding-raised', finding: code, about, input: input.input }, code);
  }
  const { finding, use } = input.finding;
  return run.raise({
    type: 'finding-raised',
    finding,
    about: { ...about, ...use },
    submission: {
      payload: fromUtf8(input.payload),
      key_thumbprint: input.key,
      signature: input.signature,
    },
    input: input.input,
  });
}

function refusalOf(
  { state }: Proceeding,
  { finding }: FindingInput,
  { operator }: AgentMember,
): RefusalCode | undefined {
  if (finding.tenant !== state.authority.ledger.tenant) return 'TENANT_UNKNOWN';
  return operator ? undefined : 'NOT_ELIGIBLE';
}
