import { fromUtf8, timestampMs } from '@countersign/canonical';
import { isUnreviewed, type ActionRecord } from './action-record.ts';
import type { AgentMember } from './authority-member.ts';
import type { Outcome } from './decided.ts';
import { CLOCK_SKEW_MS } from './decide-request.ts';
import type { ErasureInput } from './input.ts';
import { isAuthorityType } from './policy.ts';
import type { Proceeding } from './proceeding.ts';
import type { RefusalCode } from './refusal-code.ts';

/** Removes the content of an action that is no longer open; the log keeps its digests: attack row G14. */
export function decideErasure(run: Proceeding, input: ErasureInput): Outcome {
  const agent = run.state.authority.holderOf(input.key);
  if (agent?.kind !== 'agent') return { status: 'quarantined', code: 'AGENT_UNKNOWN' };
  const record = run.state.action(input.order.action_id);
  if (record?.erasedIndex !== undefined && agent.operator) {
    return { status: 'repeated', index: record.erasedIndex };
  }
  const code = refusalOf(run, input, { agent, record });
  if (code !== undefined || record === undefined) {
    return refuse(run, input, { agent, code: code ?? 'NOT_ELIGIBLE' });
  }
  erase(run, input, record);
  return { status: 'accepted' };
}

function refusalOf(
  { state, atMs }: Proceeding,
  { order }: ErasureInput,
  { agent, record }: { readonly agent: AgentMember; readonly record: ActionRecord | undefined },
): RefusalCode | undefined {
  if (order.tenant !== state.authority.ledger.tenant) return 'TENANT_UNKNOWN';
  if (!agent.operator || record === undefined) return 'NOT_ELIGIBLE';
  // Who decides must see it, and an authority action stands in the log itself.
  if (record.status === 'pending' || isAuthorityType(record.type)) return 'NOT_ELIGIBLE';
  // Who reviews must see it too.
  if (isUnreviewed(record)) return 'NOT_ELIGIBLE';
  const skewMs = Math.abs(timestampMs(order.requested_at) - atMs);
  return skewMs > CLOCK_SKEW_MS ? 'CLOCK_SKEW' : undefined;
}

function refuse(
  run: Proceeding,
  { order, input }: ErasureInput,
  { agent, code }: { readonly agent: AgentMember; readonly code: RefusalCode },
): Outcome {
  const about = { action_id: order.action_id, agent: agent.id };
  return run.refuse({ type: 'finding-raised', finding: code, about, input }, code);
}

function erase(run: Proceeding, input: ErasureInput, record: ActionRecord): void {
  const erased = [...new Set([record.actionDigest, ...record.rationales])];
  run.write({
    type: 'content-erased',
    action_id: record.id,
    erased,
    key_thumbprint: input.key,
    signature: input.signature,
    request: fromUtf8(input.payload),
    input: input.input,
  });
  for (const digest of erased) run.keep({ kind: 'erase', digest });
}
