import { DEFAULT_POLICY, type TypePolicy } from '@countersign/binding';
import type { JsonObject } from '@countersign/canonical';
import type { CaseHead, EvidenceCase } from './evidence-case.ts';
import { readyLedger } from './ledger-forge.ts';
import { file } from './valid-cases.ts';

/** Evidence of one command under a rule that says how often it may be asked for. */
function asked(head: CaseHead, asking: JsonObject): EvidenceCase {
  return {
    ...head,
    make: () => {
      const rules = DEFAULT_POLICY.rules.map((rule) => ({ ...rule, asking }));
      const ledger = readyLedger({ policy: { ...DEFAULT_POLICY, rules } as TypePolicy });
      return file(ledger, ledger.bind({}, { approvers: [ledger.bob] }));
    },
  };
}

export const ASKING_CASES: readonly EvidenceCase[] = [
  asked(
    {
      name: 'asking-limited',
      about: 'The rule says how often and when it may be asked for, which no requirement holds.',
    },
    { prompts_1h_max: 20, open_max: 1, quiet_utc: [{ from: '22:00', to: '06:00' }] },
  ),
];

export const WRONG_ASKING_CASES: readonly EvidenceCase[] = [
  asked(
    {
      name: 'asking-without-a-limit',
      about: 'The rule says that there are limits of asking, and names none.',
      code: 'POLICY_MISMATCH',
    },
    {},
  ),
  asked(
    {
      name: 'asking-never',
      about: 'The quiet hours of the rule never end.',
      code: 'POLICY_MISMATCH',
    },
    {
      quiet_utc: [
        { from: '20:00', to: '08:00' },
        { from: '08:00', to: '20:00' },
      ],
    },
  ),
];
