import { utf8, canonicalText, parseCanonical, type JsonObject } from '@countersign/canonical';
import { DEFAULT_POLICY, type Policy } from '@countersign/binding';
import type { EvidenceCase, EvidenceFile } from './evidence-case.ts';
import {
  readyLedger,
  signed,
  type ActionOptions,
  type Bound,
  type LedgerForge,
} from './ledger-forge.ts';
import { file } from './valid-cases.ts';

const GRANTS: Policy = {
  v: 'countersign.policy.v1',
  rules: DEFAULT_POLICY.rules.map((rule) => ({
    ...rule,
    types: [...rule.types, 'payment.grant'],
    max_uses: 3,
  })),
};

export const GRANT_PARAMS: JsonObject = {
  debtor_account: 'DE89370400440532013000',
  creditor: { name: 'Nordlicht GmbH', account: 'AT611904300234573201', country: 'AT' },
  currency: 'EUR',
  amount_min: '0.01',
  amount_max: '500.00',
  remittance: 'Parcels of the week',
};

function grant(admission: ActionOptions['admission'] = {}): { ledger: LedgerForge; bound: Bound } {
  const ledger = readyLedger({ policy: GRANTS });
  const request = {
    type: 'payment.grant',
    params: GRANT_PARAMS,
    envelope: { max_uses: 3 },
    admission,
  };
  return { ledger, bound: ledger.bind(request, { approvers: [ledger.bob] }) };
}

/** A use whose claim chooses these values; without any, one of version 1. */
function chosenUse(
  ledger: LedgerForge,
  bound: Bound,
  { chosen, number = 1 }: { readonly chosen?: JsonObject; readonly number?: number },
): ReturnType<LedgerForge['use']> {
  return ledger.use(bound, (entry) => {
    const parsed = parseCanonical(utf8(entry.claim)) as JsonObject;
    const claim = canonicalText(
      chosen === undefined ? parsed : { ...parsed, v: 'countersign.use.v2', chosen },
    );
    const signature = signed('use', utf8(claim), ledger.executor);
    return { claim, signature, use_number: number };
  });
}

function usedGrant(...all: readonly (JsonObject | undefined)[]): Promise<EvidenceFile> {
  const { ledger, bound } = grant();
  const uses = all.map((chosen, at) =>
    chosenUse(ledger, bound, { number: at + 1, ...(chosen !== undefined && { chosen }) }),
  );
  return file(ledger, bound, { uses });
}

export const BOUNDS_CASES: readonly EvidenceCase[] = [
  {
    name: 'bounds-unused',
    about: 'A grant of several payments, not used.',
    make: () => usedGrant(),
  },
  {
    name: 'bounds-at-limits',
    about: 'Three uses of a grant, at the lower limit, between, and at the upper limit.',
    make: () => usedGrant({ amount: '0.01' }, { amount: '12.50' }, { amount: '500.00' }),
  },
  {
    name: 'bounds-erased',
    about: 'A grant whose content was erased: its bounds are in the log, and its use keeps them.',
    make: () => {
      const { ledger, bound } = grant();
      const use = chosenUse(ledger, bound, { chosen: { amount: '500.00' } });
      return file(ledger, bound, { uses: [use], erased: ledger.erase(bound) });
    },
  },
];

function beyond(name: string, about: string, chosen?: JsonObject): EvidenceCase {
  return { name, about, code: 'CONSTRAINT_VIOLATED', make: () => usedGrant(chosen) };
}

function unlike(name: string, about: string, max: string): EvidenceCase {
  const bounds = [{ name: 'amount', kind: 'money' as const, min: '0.01', max }];
  return {
    name,
    about,
    code: 'ADMISSION_MISMATCH',
    make: () => {
      const { ledger, bound } = grant({ bounds });
      return file(ledger, bound);
    },
  };
}

export const BROKEN_BOUNDS_CASES: readonly EvidenceCase[] = [
  beyond('bounds-above', 'A use chooses one cent more than was approved.', { amount: '500.01' }),
  beyond('bounds-below', 'A use chooses one cent less than was approved.', { amount: '0.00' }),
  beyond('bounds-negative', 'A use chooses a negative amount.', { amount: '-1.00' }),
  beyond('bounds-scale', 'A use chooses an amount of three decimals.', { amount: '1.000' }),
  beyond('bounds-currency', 'A use chooses a currency, too.', { amount: '1.00', currency: 'USD' }),
  beyond('bounds-nothing-chosen', 'A use of a grant chooses nothing.'),
  unlike(
    'bounds-admitted-higher',
    'The admission allows more than the action asked for.',
    '500.01',
  ),
  {
    name: 'bounds-chosen-elsewhere',
    about: 'A use chooses an amount under an approval that leaves nothing to choose.',
    code: 'CONSTRAINT_VIOLATED',
    make: () => {
      const ledger = readyLedger();
      const bound = ledger.bind({}, { approvers: [ledger.bob] });
      return file(ledger, bound, {
        uses: [chosenUse(ledger, bound, { chosen: { amount: '1.00' } })],
      });
    },
  },
];
