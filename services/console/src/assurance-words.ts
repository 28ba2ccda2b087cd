import { LEDGER_EXECUTOR, type Assurance } from '@countersign/binding';

const WORDS: Readonly<Record<Assurance, string>> = {
  verified: 'only an executor that checks the approval can reach the target (verified)',
  gateway:
    'calls pass a gate that checks the approval; whoever gets round the gate is not stopped (gateway)',
  'evidence-only':
    'who asks can reach the target without an approval, which is a record and no barrier (evidence-only)',
};

/** Whether the action could run without its approval, as far as the policy says: schemas/formats/policy.md §6. */
export function assuranceWords(executor: string, assurance: Assurance | undefined): string {
  if (executor === LEDGER_EXECUTOR) return 'the ledger itself carries it out';
  return assurance === undefined
    ? 'not stated by the policy: who else can reach the target is not known'
    : WORDS[assurance];
}
