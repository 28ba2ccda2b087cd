import type { CaseHead, EvidenceCase } from './evidence-case.ts';
import { readyLedger, type BindOptions } from './ledger-forge.ts';
import { file } from './valid-cases.ts';

/** Evidence of one command that its approver says to have been shown for so long. */
function dwelt(head: CaseHead, options: Partial<BindOptions>): EvidenceCase {
  return {
    ...head,
    make: () => {
      const ledger = readyLedger();
      return file(ledger, ledger.bind({}, { approvers: [ledger.bob], ...options }));
    },
  };
}

export const DWELL_CASES: readonly EvidenceCase[] = [
  dwelt(
    { name: 'dwell', about: 'Who approved has signed that it was shown for twelve seconds.' },
    { dwellMs: 12_345 },
  ),
];

export const FALSE_DWELL_CASES: readonly EvidenceCase[] = [
  dwelt(
    {
      name: 'dwell-longer',
      about: 'The binding says that it was shown for longer than was signed.',
      code: 'ASSERTION_INVALID',
    },
    { dwellMs: 400, decision: { claimed_dwell_ms: 60_000 } },
  ),
  dwelt(
    {
      name: 'dwell-added',
      about: 'The binding says for how long it was shown, and nobody has signed that.',
      code: 'ASSERTION_INVALID',
    },
    { decision: { claimed_dwell_ms: 60_000 } },
  ),
];
