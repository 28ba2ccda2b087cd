import {
  canonicalBytes,
  canonicalText,
  parseCanonical,
  utf8,
  type JsonObject,
} from '@countersign/canonical';
import {
  batchItemOf,
  DEFAULT_POLICY,
  type Batch,
  type BatchItem,
  type TypePolicy,
} from '@countersign/binding';
import { BUILTIN_DESCRIPTORS, parseAction, type Descriptor } from '@countersign/descriptors';
import type { EvidenceCase, EvidenceFile } from './evidence-case.ts';
import {
  readyLedger,
  signed,
  type ActionOptions,
  type BindOptions,
  type Bound,
  type LedgerForge,
} from './ledger-forge.ts';
import { POLICY_CHANGE, PRECONDITIONS, file } from './valid-cases.ts';

const TYPE = 'batch.payment.transfer';
const CHANGES = 'batch.iam.policy.change';

export const BATCH_RULES: TypePolicy = {
  v: 'countersign.policy.v1',
  rules: [
    ...DEFAULT_POLICY.rules,
    ...DEFAULT_POLICY.rules.map((rule) => ({
      ...rule,
      id: 'batches',
      types: [TYPE, CHANGES],
      use_within_s: 600,
    })),
  ],
};

export function paymentItem(amount: string): JsonObject {
  return {
    params: {
      rail: 'sepa-sct',
      debtor_account: 'DE89370400440532013000',
      creditor: { name: 'Nordlicht GmbH', account: 'AT611904300234573201', country: 'AT' },
      amount: { amount, currency: 'EUR' },
      execution_date: '2026-11-23',
      charge_bearer: 'SLEV',
      policy_exception: {
        rule: 'ap.limit',
        policy_digest: `sha256:${'b3'.repeat(32)}`,
        reason_code: 'none',
      },
    },
  };
}

const THREE: readonly JsonObject[] = ['12.50', '999.00', '0.01'].map(paymentItem);

export function askedBatch(order: 'any' | 'listed', items: readonly JsonObject[]): ActionOptions {
  return { type: TYPE, params: { order, items: [...items] }, envelope: { max_uses: items.length } };
}

interface Batched {
  readonly ledger: LedgerForge;
  readonly bound: Bound;
}

function batch(request: ActionOptions, binding: Partial<BindOptions> = {}): Batched {
  const ledger = readyLedger({ policy: BATCH_RULES });
  return { ledger, bound: ledger.bind(request, { approvers: [ledger.bob], ...binding }) };
}

function builtin(type: string): Descriptor {
  const found = BUILTIN_DESCRIPTORS.find((each) => each.type === type);
  if (found === undefined) throw new Error(`no built-in ${type}`);
  return found;
}

/** As the executor works it out of the action that it holds. */
function itemOf(bound: Bound, index: number): BatchItem {
  return batchItemOf(builtin(TYPE), parseAction(utf8(bound.action)), index);
}

/** An item of a batch that nobody approved: of the same action, but for its items. */
function strangeItem(bound: Bound, items: readonly JsonObject[], index: number): BatchItem {
  const envelope = parseCanonical(utf8(bound.action)) as JsonObject;
  const params = { ...(envelope['params'] as JsonObject), items: [...items] };
  const grown = { ...envelope, params, max_uses: items.length };
  return batchItemOf(builtin(TYPE), parseAction(canonicalBytes(grown)), index);
}

type Used = ReturnType<LedgerForge['use']>;

function useOf({ ledger, bound }: Batched, item: BatchItem | undefined, number = 1): Used {
  return ledger.use(bound, (entry) => {
    const parsed = parseCanonical(utf8(entry.claim)) as JsonObject;
    const more = { v: 'countersign.use.v3', item: { ...item } as unknown as JsonObject };
    const claim = canonicalText(item === undefined ? parsed : { ...parsed, ...more });
    return { claim, signature: signed('use', utf8(claim), ledger.executor), use_number: number };
  });
}

/** Uses of these items, one after the other, each reported to have succeeded where it says so. */
function used(
  batched: Batched,
  indexes: readonly number[],
  reported = true,
): Promise<EvidenceFile> {
  const { ledger, bound } = batched;
  const reports: ReturnType<LedgerForge['report']>[] = [];
  const uses = indexes.map((index, at) => {
    const use = useOf(batched, itemOf(bound, index), at + 1);
    if (reported) reports.push(ledger.report(bound, use));
    return use;
  });
  return file(ledger, bound, { uses, reports });
}

export const BATCH_CASES: readonly EvidenceCase[] = [
  {
    name: 'batch-unused',
    about:
      'Three payments that were approved once, under the rule of batches and that of payments.',
    make: () => used(batch(askedBatch('any', THREE)), []),
  },
  {
    name: 'batch-used',
    about: 'A batch of three, of which the last and the first were used.',
    make: () => used(batch(askedBatch('any', THREE)), [2, 0], false),
  },
  {
    name: 'batch-of-one',
    about: 'A batch of one item, whose path is empty.',
    make: () => used(batch(askedBatch('any', THREE.slice(0, 1))), [0]),
  },
  {
    name: 'batch-preconditions',
    about: 'Two changes of a policy, each with the live state that it was asked for on.',
    make: () => {
      const item = { params: POLICY_CHANGE, preconditions: [...PRECONDITIONS] };
      const request = {
        type: CHANGES,
        params: { order: 'listed', items: [item, item] },
        envelope: { max_uses: 2 },
      };
      const { ledger, bound } = batch(request);
      return file(ledger, bound);
    },
  },
  {
    name: 'plan-used',
    about: 'A plan of three, of which two were used, the first reported to have succeeded.',
    make: () => used(batch(askedBatch('listed', THREE)), [0, 1]),
  },
  {
    name: 'batch-erased',
    about: 'A batch whose content was erased: its root is in the log, and its use is of an item.',
    make: () => {
      const batched = batch(askedBatch('any', THREE));
      const { ledger, bound } = batched;
      const use = useOf(batched, itemOf(bound, 1));
      return file(ledger, bound, { uses: [use], erased: ledger.erase(bound) });
    },
  },
];

function strange(
  name: string,
  about: string,
  parts: {
    readonly code?: string;
    readonly order?: 'any' | 'listed';
    readonly item: (bound: Bound) => BatchItem | undefined;
  },
): EvidenceCase {
  const { code = 'NOT_IN_BATCH', order = 'any', item } = parts;
  return {
    name,
    about,
    code,
    make: () => {
      const batched = batch(askedBatch(order, THREE));
      const use = useOf(batched, item(batched.bound));
      return file(batched.ledger, batched.bound, { uses: [use] });
    },
  };
}

/** An admission that freezes something else than the action asks for. */
function unlike(name: string, about: string, more: Partial<Batch>): EvidenceCase {
  return {
    name,
    about,
    code: 'ADMISSION_MISMATCH',
    make: () => {
      const root: Batch['root'] = itemOf(batch(askedBatch('any', THREE)).bound, 0).root;
      const frozen: Batch = { root, count: 3, order: 'any', ...more };
      const { ledger, bound } = batch({
        ...askedBatch('any', THREE),
        admission: { batch: frozen },
      });
      return file(ledger, bound);
    },
  };
}

const GROWN = [...THREE, paymentItem('77.00')];
const REPLACED = [...THREE.slice(0, 2), paymentItem('77.00')];

export const BROKEN_BATCH_CASES: readonly EvidenceCase[] = [
  strange('batch-grown', 'A use of a fourth item of a batch of three.', {
    item: (bound) => strangeItem(bound, GROWN, 3),
  }),
  strange('batch-grown-root', 'A use of a fourth item, which names the root that was approved.', {
    item: (bound) => ({ ...strangeItem(bound, GROWN, 3), root: itemOf(bound, 0).root }),
  }),
  strange('batch-replaced', 'A use of an item that took the place of the approved one.', {
    item: (bound) => ({ ...itemOf(bound, 2), digest: strangeItem(bound, REPLACED, 2).digest }),
  }),
  strange('batch-other-index', 'A use of an item under the number of another one.', {
    item: (bound) => ({ ...itemOf(bound, 0), index: 1 }),
  }),
  strange('batch-short-path', 'A use whose path is one hash too short.', {
    item: (bound) => ({ ...itemOf(bound, 0), path: itemOf(bound, 0).path.slice(1) }),
  }),
  strange('batch-no-item', 'A use of a batch that names no item.', { item: () => undefined }),
  strange('plan-grown', 'A use of the first item of a plan that has grown.', {
    code: 'PLAN_DIGEST_MISMATCH',
    order: 'listed',
    item: (bound) => strangeItem(bound, GROWN, 0),
  }),
  {
    name: 'batch-item-twice',
    about: 'A batch whose item was used twice.',
    code: 'ALREADY_CONSUMED',
    make: () => used(batch(askedBatch('any', THREE)), [1, 1]),
  },
  {
    name: 'plan-out-of-order',
    about: 'A plan whose second item was used, and the first one was not.',
    code: 'PLAN_ORDER',
    make: () => used(batch(askedBatch('listed', THREE)), [1]),
  },
  {
    name: 'plan-not-reported',
    about: 'A plan whose second item was used before anything was said of the first one.',
    code: 'PLAN_ORDER',
    make: () => used(batch(askedBatch('listed', THREE)), [0, 1], false),
  },
  unlike('batch-other-root', 'The admission freezes the items of another action.', {}),
  unlike('batch-other-order', 'The admission makes a plan of what was none.', { order: 'listed' }),
  unlike('batch-other-count', 'The admission freezes more items than the action has.', {
    count: 4,
  }),
  {
    name: 'batch-not-bound',
    about: 'The admission of a batch froze its items, and the binding has none.',
    code: 'ADMISSION_MISMATCH',
    make: () => {
      const { ledger, bound } = batch(askedBatch('any', THREE), { isUnbatched: true });
      return file(ledger, bound);
    },
  },
  {
    name: 'batch-own-rule-alone',
    about:
      'The admission takes the rule of the batch alone, which is laxer than with that of payments.',
    code: 'POLICY_MISMATCH',
    make: () => {
      const rule = BATCH_RULES.rules.find(({ id }) => id === 'batches');
      if (rule === undefined) throw new Error('expected a rule');
      const { ledger, bound } = batch({ ...askedBatch('any', THREE), rule });
      return file(ledger, bound);
    },
  },
  {
    name: 'batch-item-elsewhere',
    about: 'A use names an item under an approval of a single payment.',
    code: 'NOT_IN_BATCH',
    make: () => {
      const item = itemOf(batch(askedBatch('any', THREE)).bound, 0);
      const single = batch({
        type: 'payment.transfer',
        params: (THREE[0] ?? {})['params'] as JsonObject,
      });
      return file(single.ledger, single.bound, { uses: [useOf(single, item)] });
    },
  },
];
