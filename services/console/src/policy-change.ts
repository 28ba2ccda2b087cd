import {
  boundChangeIn,
  parseAuthorityChange,
  policyDifference,
  type Policy,
  type PolicyDifference,
} from '@countersign/binding';
import { utf8, type Json } from '@countersign/canonical';
import { shownTextLine, type DisplayLine } from '@countersign/descriptors';
import { listIn, objectIn, objectOf } from './answer-json.ts';
import { ConsoleError } from './console-error.ts';
import type { LedgerPin } from './ledger-pin.ts';
import { checkLogged, parseLoggedAnswer } from './logged-entry.ts';
import type { CheckedReview } from './review-check.ts';

/** What another policy would change, beside what is signed for: that is the whole new policy. */
export interface PolicyChange {
  /** Of the entry that set the policy in force. */
  readonly index: number;
  readonly at: string;
  readonly lines: readonly DisplayLine[];
}

interface Sources {
  readonly pin: LedgerPin;
  readonly tenant: string;
  readonly get: (path: string) => Promise<Json>;
}

/**
 * The new policy of a request that is for one, against the policy that the log says is in force; undefined of any other request.
 * The entry that has set it is checked under the pinned keys. That no later one was left out, nobody can tell here.
 *
 * @throws ConsoleError ANSWER_FORMAT, POLICY_MISMATCH, the codes of checkLogged, and what `get` throws
 */
export async function policyChange(
  { action }: CheckedReview,
  sources: Sources,
): Promise<PolicyChange | undefined> {
  const { type, params } = action.envelope;
  if (type !== 'authority.change') return undefined;
  const change = parseAuthorityChange(params['change'] ?? null);
  if (change.kind !== 'policy-set') return undefined;
  const { policy, index, at } = await policyInForce(sources);
  return { index, at, lines: policyDifference(policy, change.policy).map(lineOf) };
}

interface InForce extends Omit<PolicyChange, 'lines'> {
  readonly policy: Policy;
}

async function policyInForce({ pin, tenant, get }: Sources): Promise<InForce> {
  const answer = objectOf(await get('/v1/policies?limit=1&proofs=1'));
  const [newest] = listIn(objectIn(answer, 'proofs'), 'entries');
  const told = parseLoggedAnswer(newest);
  const { entry, index } = await checkLogged(told, pin);
  const change = boundChangeIn(utf8(told.text));
  const policy = entry.type === 'ledger-founded' ? entry.policy : undefined;
  const set = change?.kind === 'policy-set' ? change.policy : policy;
  if (set === undefined || entry.tenant !== tenant) {
    throw new ConsoleError('POLICY_MISMATCH', 'expected the entry that set the policy in force');
  }
  return { policy: set, index, at: entry.at };
}

/** Whoever asks for it has written it: what cannot be seen is written out, as in what is signed for. */
function lineOf({ at, before, after }: PolicyDifference): DisplayLine {
  const shown = (text: string): string => shownTextLine(text).text;
  if (before === undefined) return { label: at, value: shown(after ?? ''), mark: 'added' };
  if (after === undefined) return { label: at, value: shown(before), mark: 'removed' };
  return { label: at, value: `${shown(before)} → ${shown(after)}` };
}
