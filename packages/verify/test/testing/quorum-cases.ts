import {
  DEFAULT_BOOTSTRAP,
  confirmationDigest,
  type CedarPolicy,
  type CedarRule,
  type RequestAdmitted,
  type RuleInForce,
} from '@countersign/binding';
import type { JsonObject } from '@countersign/canonical';
import type { EvidenceCase, EvidenceFile } from './evidence-case.ts';
import { later, readyLedger, type BindOptions, type LedgerForge } from './ledger-forge.ts';
import { file } from './valid-cases.ts';

const CEDAR = `@id("command") @rule("quorum")
permit (principal, action == Action::"ask", resource is generic::command_v1);

@id("of-deploy") @rule("second")
permit (principal, action == Action::"ask", resource is generic::command_v1)
when { resource.params.cwd like "/srv/*" };
`;

const REST = {
  ...DEFAULT_BOOTSTRAP,
  approvals: 2,
  rationale: 'required',
  decide_within_s: 900,
  use_within_s: 600,
} as const;

type Rule = Partial<CedarRule>;
type InForce = Partial<RuleInForce>;

interface Quorum {
  /** What the rules of the policy say besides. */
  readonly rules: (ledger: LedgerForge) => readonly [Rule, Rule?];
  /** What the admission says; what the first rule says otherwise. */
  readonly frozen?: (ledger: LedgerForge) => InForce;
  readonly approvers?: (ledger: LedgerForge) => BindOptions['approvers'];
  readonly acceptedAt?: () => BindOptions['acceptedAt'];
  readonly typed?: BindOptions['typed'];
  readonly admission?: Partial<RequestAdmitted>;
  readonly isErased?: true;
  readonly isJoined?: true;
}

/** Evidence of one command under a rule of a policy in Cedar. */
async function bound(quorum: Quorum): Promise<EvidenceFile> {
  const ledger = readyLedger();
  const [first, second = {}] = quorum.rules(ledger);
  const policy: CedarPolicy = {
    v: 'countersign.policy.v3',
    cedar: CEDAR,
    groups: { ops: [ledger.carol.id, ledger.bob.id], leads: [ledger.bob.id] },
    rules: [
      { ...REST, ...first, id: 'quorum' },
      { ...REST, ...second, id: 'second' },
    ],
  };
  const change = { kind: 'policy-set', policy } as unknown as JsonObject;
  ledger.change(change, { approvers: [ledger.bob] });
  ledger.pretendPolicy(policy);
  const frozen = quorum.frozen?.(ledger) ?? (first as InForce);
  const rule = { ...REST, ...frozen, id: quorum.isJoined === true ? 'quorum+second' : 'quorum' };
  const permits = quorum.isJoined === true ? ['command', 'of-deploy'] : ['command'];
  const approvers = quorum.approvers?.(ledger) ?? [ledger.bob, ledger.carol];
  const { typed } = quorum;
  const acceptedAt = quorum.acceptedAt?.();
  const made = ledger.bind(
    { rule, admission: { permits, ...quorum.admission } },
    {
      approvers,
      ...(acceptedAt !== undefined && { acceptedAt }),
      ...(typed !== undefined && { typed }),
    },
  );
  if (quorum.isErased === true) return file(ledger, made, { erased: ledger.erase(made) });
  return file(ledger, made);
}

const inTurn: NonNullable<Quorum['acceptedAt']> = () => (_, at) => at;

/** Bob could take either seat, and has to leave the first to Carol. */
const SEATS: Quorum['rules'] = () => [
  {
    seats: [
      { approvers: { group: 'ops' }, count: 1 },
      { approvers: { group: 'leads' }, count: 1 },
    ],
  },
];

function frozenSeats({ bob, carol }: LedgerForge): InForce {
  return {
    seats: [
      { approvers: [bob.id, carol.id].sort(), count: 1 },
      { approvers: [bob.id], count: 1 },
    ],
  };
}

function one(person: { readonly id: string }): NonNullable<InForce['seats']>[number] {
  return { approvers: [person.id], count: 1 };
}

const ordered = ({ carol, bob }: LedgerForge): InForce & Rule => ({
  ordered: true,
  seats: [one(carol), one(bob)],
});

const carolFirst = ({ bob, carol }: LedgerForge): BindOptions['approvers'] => [carol, bob];

/** As accepted so long before it was; only the first, who is three seconds before the binding. */
const early =
  (seconds: number): NonNullable<Quorum['acceptedAt']> =>
  () => {
    let isFirst = true;
    return (_, at) => {
      const time = isFirst ? later(at, -seconds) : at;
      isFirst = false;
      return time;
    };
  };

/** Exactly as long as from the first to the binding, where the first is taken to be two seconds earlier. */
const WINDOW: Quorum['rules'] = () => [{ window_s: 5 }];

/** The working directory of the command ends so. */
const CONFIRM: Quorum['rules'] = () => [{ approvals: 1, confirm: { field: '/cwd', last: 4 } }];

const OTHER = confirmationDigest('A'.repeat(22), '/app');

const onlyBob = ({ bob }: LedgerForge): BindOptions['approvers'] => [bob];

export const QUORUM_CASES: readonly EvidenceCase[] = [
  {
    name: 'confirm-typed',
    about: 'Who approved has typed the end of a field that the rule names.',
    make: () => bound({ rules: CONFIRM, approvers: onlyBob }),
  },
  {
    name: 'confirm-erased',
    about: 'The same, and the content was erased: what was typed is a digest.',
    make: () => bound({ rules: CONFIRM, approvers: onlyBob, isErased: true }),
  },
  {
    name: 'confirm-joined',
    about: 'Two rules want the end of one field typed: the longer one counts.',
    make: () =>
      bound({
        isJoined: true,
        approvers: onlyBob,
        rules: () => [
          { approvals: 1, confirm: { field: '/cwd', last: 2 } },
          { approvals: 1, confirm: { field: '/cwd', last: 5 } },
        ],
        frozen: () => ({ approvals: 1, confirm: { field: '/cwd', last: 5 } }),
      }),
  },
  {
    name: 'quorum-seats',
    about: 'Two seats, and the first who approved could fill both: there is a seat for each.',
    make: () => bound({ rules: SEATS, frozen: frozenSeats }),
  },
  {
    name: 'quorum-seat-and-any',
    about: 'One seat is named, and the approval beside it is of anybody.',
    make: () => bound({ rules: ({ carol }) => [{ seats: [one(carol)] }] }),
  },
  {
    name: 'quorum-ordered',
    about: 'Both have approved in the order of the seats.',
    make: () =>
      bound({
        rules: (ledger) => [ordered(ledger)],
        approvers: carolFirst,
        acceptedAt: inTurn,
      }),
  },
  {
    name: 'quorum-window-at-limit',
    about: 'The first approval is exactly as old as the window is long.',
    make: () =>
      bound({
        rules: WINDOW,
        acceptedAt: early(2),
      }),
  },
  {
    name: 'quorum-joined',
    about: 'The join of two rules: the seats of both, and the shorter window.',
    make: () =>
      bound({
        isJoined: true,
        rules: ({ bob, carol }) => [
          { approvals: 1, seats: [one(bob)], window_s: 900 },
          { approvals: 1, seats: [one(carol)], window_s: 60 },
        ],
        frozen: ({ bob, carol }) => ({ seats: [one(bob), one(carol)], window_s: 60 }),
        acceptedAt: inTurn,
      }),
  },
];

function broken(
  [code, name]: readonly [string, string],
  about: string,
  quorum: Quorum,
): EvidenceCase {
  return { name, about, code, make: () => bound(quorum) };
}

export const BROKEN_QUORUM_CASES: readonly EvidenceCase[] = [
  broken(['QUORUM_NOT_MET', 'quorum-seat-empty'], 'Nobody of those who approved fills one seat.', {
    rules: ({ alice, bob }) => [{ seats: [{ approvers: [alice.id, bob.id].sort(), count: 2 }] }],
  }),
  broken(
    ['ORDER', 'quorum-out-of-order'],
    'Both have approved, the second seat before the first.',
    {
      rules: (ledger) => [ordered(ledger)],
      acceptedAt: inTurn,
    },
  ),
  broken(['ORDER', 'quorum-order-by-time'], 'Their order is right, and their times are not.', {
    rules: (ledger) => [ordered(ledger)],
    approvers: carolFirst,
    acceptedAt: early(-2.5),
  }),
  broken(['ORDER', 'quorum-order-untimed'], 'The binding does not say when they approved.', {
    rules: (ledger) => [ordered(ledger)],
    approvers: carolFirst,
  }),
  broken(
    ['WINDOW', 'quorum-window-passed'],
    'The first approval is older than the window by 1 ms.',
    {
      rules: WINDOW,
      acceptedAt: early(2.001),
    },
  ),
  broken(['WINDOW', 'quorum-window-untimed'], 'The binding does not say when they approved.', {
    rules: WINDOW,
  }),
  broken(
    ['POLICY_MISMATCH', 'quorum-not-frozen'],
    'The admission leaves out the seats of the rule.',
    {
      rules: SEATS,
      frozen: () => ({}),
    },
  ),
  broken(
    ['POLICY_MISMATCH', 'quorum-longer-window'],
    'The admission gives them longer than the rule.',
    {
      rules: WINDOW,
      frozen: () => ({ window_s: 6 }),
      acceptedAt: inTurn,
    },
  ),
  broken(
    ['POLICY_MISMATCH', 'quorum-other-order'],
    'The admission has the seats in another order.',
    {
      rules: (ledger) => [ordered(ledger)],
      frozen: ({ bob, carol }) => ({ ordered: true, seats: [one(bob), one(carol)] }),
      acceptedAt: inTurn,
    },
  ),
  broken(['POLICY_MISMATCH', 'quorum-joined-less'], 'The join leaves out the seat of one rule.', {
    isJoined: true,
    rules: ({ bob, carol }) => [
      { approvals: 1, seats: [one(bob)] },
      { approvals: 1, seats: [one(carol)] },
    ],
    frozen: ({ bob }) => ({ seats: [one(bob)] }),
  }),
  broken(['POLICY_MISMATCH', 'quorum-two-orders'], 'Two rules ask for different orders.', {
    isJoined: true,
    rules: ({ bob, carol }) => [
      { ordered: true, seats: [one(bob), one(carol)] },
      { ordered: true, seats: [one(carol), one(bob)] },
    ],
    frozen: ({ bob, carol }) => ({ ordered: true, seats: [one(bob), one(carol)] }),
    acceptedAt: inTurn,
  }),
  broken(['ASSERTION_INVALID', 'confirm-nothing-typed'], 'Who approved has typed nothing.', {
    rules: CONFIRM,
    approvers: onlyBob,
    typed: 'nothing',
  }),
  broken(['ASSERTION_INVALID', 'confirm-other-typed'], 'Who approved has typed something else.', {
    rules: CONFIRM,
    approvers: onlyBob,
    typed: OTHER,
  }),
  broken(
    ['ADMISSION_MISMATCH', 'confirm-other-frozen'],
    'The admission wants something else typed.',
    {
      rules: CONFIRM,
      approvers: onlyBob,
      admission: { confirmation: OTHER },
    },
  ),
  broken(
    ['ADMISSION_MISMATCH', 'confirm-unasked'],
    'The admission wants something typed, and its rule does not.',
    { rules: () => [{ approvals: 1 }], approvers: onlyBob, admission: { confirmation: OTHER } },
  ),
  broken(['POLICY_MISMATCH', 'confirm-not-frozen'], 'The admission leaves out what to type.', {
    rules: CONFIRM,
    frozen: () => ({ approvals: 1 }),
    approvers: onlyBob,
  }),
  broken(['POLICY_MISMATCH', 'confirm-shorter'], 'The admission wants less typed than the rule.', {
    rules: CONFIRM,
    frozen: () => ({ approvals: 1, confirm: { field: '/cwd', last: 3 } }),
    approvers: onlyBob,
  }),
];
