import { DEFAULT_BOOTSTRAP, type CedarPolicy, type Member } from '@countersign/binding';
import type { JsonObject } from '@countersign/canonical';
import type { CaseHead, EvidenceCase, EvidenceFile } from './evidence-case.ts';
import { readyLedger, type BindOptions, type LedgerForge, type Person } from './ledger-forge.ts';
import { file } from './valid-cases.ts';

const CEDAR = `@id("command") @rule("deputy")
permit (principal, action == Action::"ask", resource is generic::command_v1);
`;

const RULE = {
  ...DEFAULT_BOOTSTRAP,
  id: 'deputy',
  rationale: 'required',
  decide_within_s: 900,
  use_within_s: 600,
} as const;

const FROM = '2026-11-22T15:00:00.000Z';
const UNTIL = '2026-11-29T15:00:00.000Z';

interface Lent {
  /** Whose approval the rule asks for: of Bob. */
  readonly approvers?: (ledger: LedgerForge) => readonly Person[];
  readonly approvals?: number;
  /** He fills a seat, beside which anybody approves. */
  readonly isSeated?: true;
  /** What became of the authority: Carol is Bob's deputy for a week. */
  readonly change?: (ledger: LedgerForge) => void;
  /** Who has approved, and in whose place: Carol, in that of Bob. */
  readonly by?: (ledger: LedgerForge) => Pick<BindOptions, 'approvers' | 'standsFor'>;
}

function named(ledger: LedgerForge, more: JsonObject = {}): JsonObject {
  return {
    kind: 'deputy-named',
    principal: ledger.bob.id,
    deputy: ledger.carol.id,
    types: ['generic.command'],
    not_before: FROM,
    not_after: UNTIL,
    ...more,
  };
}

/** The change of an honest ledger, with something else in it. */
function naming(more: (ledger: LedgerForge) => JsonObject): (ledger: LedgerForge) => void {
  return (ledger) => {
    ledger.change(named(ledger, more(ledger)), { approvers: [ledger.bob] });
  };
}

/** A change that no honest ledger makes, as if it were possible. */
function forcing(more: (ledger: LedgerForge) => JsonObject): (ledger: LedgerForge) => void {
  return (ledger) => {
    const change = named(ledger, more(ledger));
    const { principal: id, deputy, types, not_before, not_after } = change;
    const terms = { deputy, types, not_before, not_after };
    const member = { kind: 'deputy', id, ...terms } as unknown as Member;
    ledger.change(change, { approvers: [ledger.bob] }, ledger.authority.with(member));
  };
}

const honest = naming(() => ({}));

function standsFor(who: Person, principal: Person): NonNullable<BindOptions['standsFor']> {
  return ({ id }) => (id === who.id ? principal.id : undefined);
}

const carolForBob: NonNullable<Lent['by']> = ({ bob, carol }) => ({
  approvers: [carol],
  standsFor: standsFor(carol, bob),
});

function bound(lent: Lent): Promise<EvidenceFile> {
  const ledger = readyLedger();
  const ids = (lent.approvers?.(ledger) ?? [ledger.bob]).map(({ id }) => id).sort();
  const seats = [{ approvers: ids, count: 1 }];
  const who = lent.isSeated === true ? { approvers: 'any' as const, seats } : { approvers: ids };
  const rule = { ...RULE, ...who, approvals: lent.approvals ?? 1 };
  const policy: CedarPolicy = {
    v: 'countersign.policy.v3',
    cedar: CEDAR,
    groups: {},
    rules: [rule],
  };
  const change = { kind: 'policy-set', policy } as unknown as JsonObject;
  ledger.change(change, { approvers: [ledger.bob] });
  ledger.pretendPolicy(policy);
  (lent.change ?? honest)(ledger);
  const by = (lent.by ?? carolForBob)(ledger);
  return file(ledger, ledger.bind({ rule, admission: { permits: ['command'] } }, by));
}

export const DEPUTY_CASES: readonly EvidenceCase[] = [
  {
    name: 'deputy',
    about: 'Carol has approved in the place of Bob, whom the rule names and whose deputy she is.',
    make: () => bound({}),
  },
  {
    name: 'deputy-in-seat',
    about: 'The same, in the seat of Bob.',
    make: () => bound({ isSeated: true }),
  },
  {
    name: 'deputy-named-anew',
    about: 'Carol takes the place of an earlier deputy of Bob.',
    make: () =>
      bound({
        change: (ledger) => {
          naming(({ alice }) => ({ deputy: alice.id }))(ledger);
          honest(ledger);
        },
      }),
  },
];

function refused(head: CaseHead, lent: Lent): EvidenceCase {
  return { ...head, make: () => bound(lent) };
}

function exceeded(name: string, about: string, lent: Lent): EvidenceCase {
  return refused({ name, about, code: 'DELEGATION_EXCEEDED' }, lent);
}

function outOfChain(name: string, about: string, change: Lent['change']): EvidenceCase {
  return refused({ name, about, code: 'AUTHORITY_CHAIN_INVALID' }, { ...(change && { change }) });
}

export const FALSE_DEPUTY_CASES: readonly EvidenceCase[] = [
  exceeded('deputy-unnamed', 'Carol has approved in the place of Bob, and nobody has named her.', {
    change: () => undefined,
  }),
  exceeded('deputy-other-person', 'The deputy of Bob is Alice.', {
    change: naming(({ alice }) => ({ deputy: alice.id })),
  }),
  exceeded('deputy-other-type', 'Carol is the deputy of Bob for actions of another type.', {
    change: naming(() => ({ types: ['generic.tool_call', 'key.rotate'] })),
  }),
  exceeded('deputy-too-early', 'Carol is not yet the deputy of Bob.', {
    change: naming(() => ({ not_before: '2026-11-22T18:00:00.000Z' })),
  }),
  exceeded('deputy-too-late', 'Carol is the deputy of Bob no more.', {
    change: naming(() => ({ not_after: '2026-11-22T16:00:00.000Z' })),
  }),
  exceeded('deputy-used-longer', 'What Carol has approved may be used longer than she is deputy.', {
    change: naming(() => ({ not_after: '2026-11-22T16:05:00.000Z' })),
  }),
  exceeded('deputy-revoked', 'Carol was the deputy of Bob before.', {
    change: (ledger) => {
      honest(ledger);
      const revoked = { kind: 'deputy-revoked', principal: ledger.bob.id };
      ledger.change(revoked, { approvers: [ledger.carol] });
    },
  }),
  exceeded('deputy-of-nobody', 'Bob has no key any more, and so no voice to lend.', {
    change: (ledger) => {
      honest(ledger);
      const { credential_id } = ledger.bob.passkey.credentialKey;
      ledger.change({ kind: 'credential-revoked', credential_id }, { approvers: [ledger.carol] });
    },
  }),
  exceeded('deputy-of-excluded', 'Carol has approved in the place of Alice, who owns the agent.', {
    approvers: ({ alice, bob }) => [alice, bob],
    change: naming(({ alice }) => ({ principal: alice.id })),
    by: ({ alice, carol }) => ({ approvers: [carol], standsFor: standsFor(carol, alice) }),
  }),
  exceeded('deputy-of-deputy', 'The rule names Alice. Bob is her deputy, and Carol is his.', {
    approvers: ({ alice }) => [alice],
    change: (ledger) => {
      const { alice, bob, carol } = ledger;
      const change = named(ledger, { principal: alice.id, deputy: bob.id });
      ledger.change(change, { approvers: [carol] });
      honest(ledger);
    },
  }),
  refused(
    {
      name: 'deputy-in-own-name',
      about: 'Carol is the deputy of Bob, and has approved for herself.',
      code: 'NOT_ELIGIBLE',
    },
    { by: ({ carol }) => ({ approvers: [carol] }) },
  ),
  refused(
    {
      name: 'deputy-beside',
      about: 'Bob has approved, and beside him his deputy: one voice for two.',
      code: 'DUPLICATE_HUMAN',
    },
    {
      approvals: 2,
      approvers: ({ alice, bob }) => [alice, bob],
      by: ({ bob, carol }) => ({ approvers: [bob, carol], standsFor: standsFor(carol, bob) }),
    },
  ),
  outOfChain(
    'deputy-by-own-hand',
    'Carol has signed herself that she is the deputy of Bob.',
    (ledger) => {
      ledger.change(named(ledger), { approvers: [ledger.carol] });
    },
  ),
  outOfChain(
    'deputy-for-quarter',
    'Carol is the deputy of Bob for 90 days and a millisecond.',
    forcing(() => ({ not_after: '2027-02-20T15:00:00.001Z' })),
  ),
  outOfChain(
    'deputy-of-authority',
    'Carol is his deputy for changes of the authority, too.',
    forcing(() => ({ types: ['authority.change', 'generic.command'] })),
  ),
  outOfChain(
    'deputy-types-unordered',
    'The types are in another order.',
    forcing(() => ({ types: ['key.rotate', 'generic.command'] })),
  ),
  outOfChain(
    'deputy-unknown',
    'The person who is away is nobody known.',
    forcing(() => ({ principal: 'prs_01KAR5RWY0000000000000000Z' })),
  ),
  outOfChain(
    'deputy-of-oneself',
    'Carol is the deputy of Carol.',
    forcing(({ carol }) => ({ principal: carol.id })),
  ),
  {
    name: 'deputy-founder',
    about: 'The founding names a deputy, whom nobody has approved.',
    code: 'AUTHORITY_CHAIN_INVALID',
    make: () => {
      const falseFounder = ({ bob, carol }: LedgerForge): Member => ({
        kind: 'deputy',
        id: bob.id,
        deputy: carol.id,
        types: ['generic.command'],
        not_before: FROM,
        not_after: UNTIL,
      });
      const ledger = readyLedger({ falseFounder });
      return file(ledger, ledger.bind({}, { approvers: [ledger.bob] }));
    },
  },
];
