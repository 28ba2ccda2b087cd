import { utf8, canonicalText, parseCanonical, type JsonObject } from '@countersign/canonical';
import { DEFAULT_POLICY, type Policy } from '@countersign/binding';
import type { EvidenceCase, EvidenceFile } from './evidence-case.ts';
import {
  readyLedger,
  signed,
  type ActionOptions,
  type BindOptions,
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

function grant(
  request: ActionOptions = {},
  binding: Partial<BindOptions> = {},
): { ledger: LedgerForge; bound: Bound } {
  const ledger = readyLedger({ policy: GRANTS });
  const asked = {
    type: 'payment.grant',
    params: GRANT_PARAMS,
    envelope: { max_uses: 3 },
    ...request,
  };
  return { ledger, bound: ledger.bind(asked, { approvers: [ledger.bob], ...binding }) };
}

/** An admission that freezes these limits, whatever the action says. */
function frozen(min: string, max: string): ActionOptions {
  return { admission: { bounds: [{ name: 'amount', kind: 'money', min, max }] } };
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

/** Evidence of a grant in which something is not as it was asked for; nothing was used. */
function unlike(
  { name, about, code = 'ADMISSION_MISMATCH' }: Omit<EvidenceCase, 'make'>,
  ...parts: Parameters<typeof grant>
): EvidenceCase {
  return {
    name,
    about,
    code,
    make: () => {
      const { ledger, bound } = grant(...parts);
      return file(ledger, bound);
    },
  };
}

/** Where the content is gone, only the claim and the frozen limits are left to compare. */
function erased(
  name: string,
  about: string,
  by: { limits: ActionOptions; amount: string },
): EvidenceCase {
  return {
    name,
    about,
    code: 'CONSTRAINT_VIOLATED',
    make: () => {
      const { ledger, bound } = grant(by.limits);
      const use = chosenUse(ledger, bound, { chosen: { amount: by.amount } });
      return file(ledger, bound, { uses: [use], erased: ledger.erase(bound) });
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
  {
    name: 'bounds-used-four-times',
    about: 'A grant of three payments is used a fourth time.',
    code: 'ALREADY_CONSUMED',
    make: () => usedGrant(...Array.from({ length: 4 }, () => ({ amount: '1.00' }))),
  },
  unlike(
    {
      name: 'bounds-admitted-higher',
      about: 'The admission allows more than the action asked for.',
    },
    frozen('0.01', '500.01'),
  ),
  unlike(
    {
      name: 'bounds-reversed',
      about: 'The lower limit of the action is above the upper one, and the ledger froze both.',
      code: 'ACTION_DIGEST_MISMATCH',
    },
    {
      ...frozen('500.00', '0.01'),
      params: { ...GRANT_PARAMS, amount_min: '500.00', amount_max: '0.01' },
    },
  ),
  unlike(
    { name: 'bounds-not-admitted', about: 'The admission of a grant froze no limits at all.' },
    { isUnbounded: true },
  ),
  unlike(
    {
      name: 'bounds-not-bound',
      about: 'The admission of a grant froze its limits, and the binding has none.',
    },
    {},
    { isUnbounded: true },
  ),
  erased('bounds-erased-reversed', 'Reversed limits, which an erased action cannot tell of.', {
    limits: frozen('500.00', '0.01'),
    amount: '5.00',
  }),
  erased('bounds-erased-scales', 'Limits of two scales, which an erased action cannot tell of.', {
    limits: frozen('0.1', '500.00'),
    amount: '0.05',
  }),
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
