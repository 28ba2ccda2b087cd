import type { RefusalCode } from '@countersign/binding';

const ANEW = 'ask for it again: what was approved is never used now';
const WHO = '`countersign show ID` says who may decide';

/** What to do about a refusal of the ledger, where that does not depend on what was asked for. */
const HINTS: Readonly<Partial<Record<RefusalCode, string>>> = {
  NO_POLICY:
    'no rule of the policy is for it: `countersign policy show` prints the policy, docs/policies.md says how it is changed',
  AGENT_UNKNOWN:
    'who may ask: `countersign list agents`; another one lets it in: `countersign enrol agent NAME --key-file FILE`, with --key and --agent-id of that one',
  AGENT_MISMATCH:
    'this is another key than the one that is enrolled: `countersign list agents` has its thumbprint',
  EXECUTOR_UNKNOWN:
    'who may run: `countersign list executors`; to let it in: `countersign enrol executor`',
  CLOCK_SKEW: 'set the clock of this machine, and ask again',
  EXPIRED: 'its time was over: ask for it again',
  LATE_DECISION: 'its time was over: it has to be asked for again',
  TOO_MANY_OPEN: 'have something decided first: `countersign inbox` lists what waits',
  PROMPTS_EXCEEDED: 'people were asked often enough for now: ask again later',
  REVIEW_OVERDUE:
    'an emergency was not reviewed in time: `countersign review ID`, and docs/use-cases/break-glass.md',
  QUOTA_EXCEEDED: 'too much of this was refused: go on in a minute',
  CREDENTIAL_UNKNOWN: 'keys that count: `countersign list credentials`',
  NOT_ELIGIBLE: WHO,
  SELF_APPROVAL: `somebody else has to decide; ${WHO}`,
  OWNER_APPROVAL: `somebody else has to decide; ${WHO}`,
  DUPLICATE_HUMAN: `somebody else has to decide as well; ${WHO}`,
  PROOF_CLASS: 'decide with a passkey or a security key that asks for a PIN or a finger',
  ALREADY_DECIDED: 'nothing is to be done: `countersign show ID` says how it was decided',
  ALREADY_CONSUMED: 'it was run as often as it may be: ask for it again',
  REVOKED: 'a person has stopped it: ask for it again, if it is still wanted',
  APPROVER_REVOKED: `a key that approved it is revoked; ${ANEW}`,
  POLICY_CHANGED: `the policy asks for more now; ${ANEW}`,
  FROZEN:
    '`countersign thaw --reason TEXT` ends the freeze; what was asked for before it has to be asked for again',
  EPOCH_ENDED: `the ledger was frozen since; ${ANEW}`,
  RECOVERY_NOT_DUE: '`countersign recover list` says from when it works',
  WOULD_LOCK_OUT:
    'too few would be left to undo it: let another key or somebody else in first, `countersign enrol passkey PERSON`, `countersign enrol person` or `countersign enrol agent`',
  MEMBER_UNKNOWN: 'who and what there is: `countersign list --help`',
};

export function refusalHint(code: string): string | undefined {
  return Object.hasOwn(HINTS, code) ? HINTS[code as RefusalCode] : undefined;
}
