import { DEFAULT_POLICY, applyChange, parseAuthorityChange } from '@countersign/binding';
import type { JsonObject } from '@countersign/canonical';
import type { EvidenceCase } from './evidence-case.ts';
import { readyLedger, type Bound, type ForgeOptions, type LedgerForge } from './ledger-forge.ts';

const FREEZE = { kind: 'frozen' };
const THAW = { kind: 'thawed', epoch: 1 };
const TWO: ForgeOptions = {
  bootstrap: {
    id: 'bootstrap',
    approvals: 2,
    approvers: 'any',
    proof_classes: ['uv'],
    rationale: 'optional',
    decide_within_s: 3_600,
    use_within_s: 3_600,
    start_within_s: 60,
    max_uses: 1,
  },
};

function course(
  head: Pick<EvidenceCase, 'name' | 'about' | 'code'>,
  play: (ledger: LedgerForge) => Bound,
  options: ForgeOptions = TWO,
): EvidenceCase {
  return {
    ...head,
    make: async () => {
      const ledger = readyLedger(options);
      const bound = play(ledger);
      return { evidence: await ledger.evidence(bound), trust: ledger.trust() };
    },
  };
}

/** The owner of the agent that asks: no other approval of theirs would count. */
function freeze(ledger: LedgerForge): void {
  ledger.change(FREEZE, { approvers: [ledger.alice] });
}

function thaw(ledger: LedgerForge): void {
  ledger.change(THAW, { approvers: [ledger.bob, ledger.carol] });
}

function revocation({ alice }: LedgerForge): JsonObject {
  return {
    kind: 'credential-revoked',
    credential_id: alice.passkey.credentialKey.credential_id,
  };
}

function usual(ledger: LedgerForge): Bound {
  return ledger.bind({}, { approvers: [ledger.bob] });
}

export const FREEZE_CASES: readonly EvidenceCase[] = [
  course(
    {
      name: 'frozen-by-one',
      about:
        'One person has frozen the ledger, the owner of the agent that asked; changes need two others.',
    },
    (ledger) => ledger.bindChange(FREEZE, { approvers: [ledger.alice] }),
  ),
  course(
    {
      name: 'thawed-since',
      about:
        'The ledger was frozen and thawed; the action was asked for and bound in the next epoch.',
    },
    (ledger) => {
      freeze(ledger);
      thaw(ledger);
      return usual(ledger);
    },
  ),
  course(
    {
      name: 'frozen-revocation',
      about:
        'A credential is revoked while the ledger is frozen, by a change that was asked for before.',
    },
    (ledger) => {
      const asked = ledger.admitChange(revocation(ledger));
      freeze(ledger);
      return ledger.bindAdmitted(asked, { approvers: [ledger.bob, ledger.carol] });
    },
  ),
];

export const FALSE_FREEZE_CASES: readonly EvidenceCase[] = [
  course(
    { name: 'frozen-bound', code: 'FROZEN', about: 'It was bound while the ledger was frozen.' },
    (ledger) => {
      const asked = ledger.admit();
      freeze(ledger);
      return ledger.bindAdmitted(asked, { approvers: [ledger.bob] });
    },
  ),
  course(
    {
      name: 'frozen-policy-bound',
      code: 'FROZEN',
      about: 'Another policy was bound while the ledger was frozen.',
    },
    (ledger) => {
      freeze(ledger);
      const change = { kind: 'policy-set', policy: DEFAULT_POLICY as unknown as JsonObject };
      return ledger.bindChange(change, { approvers: [ledger.bob, ledger.carol] });
    },
  ),
  course(
    {
      name: 'frozen-between',
      code: 'EPOCH_ENDED',
      about: 'The ledger was frozen, and thawed, between the admission and the binding.',
    },
    (ledger) => {
      const asked = ledger.admit();
      freeze(ledger);
      thaw(ledger);
      return ledger.bindAdmitted(asked, { approvers: [ledger.bob] });
    },
  ),
  course(
    {
      name: 'epoch-of-before',
      code: 'EPOCH_ENDED',
      about: 'The binding says that it is of an older epoch than its authority.',
    },
    (ledger) => {
      freeze(ledger);
      thaw(ledger);
      return ledger.bind({}, { approvers: [ledger.bob], binding: { epoch: 0 } });
    },
  ),
  course(
    {
      name: 'epoch-of-no-freeze',
      code: 'EPOCH_ENDED',
      about: 'Admission and binding say that they are of an epoch that never began.',
    },
    (ledger) =>
      ledger.bind({ admission: { epoch: 1 } }, { approvers: [ledger.bob], binding: { epoch: 1 } }),
  ),
  course(
    {
      name: 'thawed-by-one',
      code: 'AUTHORITY_CHAIN_INVALID',
      about: 'One person has thawed the ledger, and changes need two.',
    },
    (ledger) => {
      freeze(ledger);
      ledger.change(THAW, { approvers: [ledger.bob] });
      return usual(ledger);
    },
  ),
  course(
    {
      name: 'thawed-another',
      code: 'AUTHORITY_CHAIN_INVALID',
      about: 'What was thawed is another freeze than the one in force.',
    },
    (ledger) => {
      freeze(ledger);
      const thawed = applyChange(ledger.authority, parseAuthorityChange(THAW), 0);
      ledger.change({ ...THAW, epoch: 2 }, { approvers: [ledger.bob, ledger.carol] }, thawed);
      return usual(ledger);
    },
  ),
  course(
    {
      name: 'frozen-policy-set',
      code: 'AUTHORITY_CHAIN_INVALID',
      about: 'Another policy was set while the ledger was frozen, and it was thawed since.',
    },
    (ledger) => {
      freeze(ledger);
      const change = { kind: 'policy-set', policy: DEFAULT_POLICY as unknown as JsonObject };
      ledger.change(change, { approvers: [ledger.bob, ledger.carol] });
      thaw(ledger);
      return usual(ledger);
    },
  ),
  course(
    {
      name: 'frozen-in-name',
      code: 'AUTHORITY_CHAIN_INVALID',
      about: 'By the rule of a freeze one person has changed something else.',
    },
    (ledger) => {
      const change = revocation(ledger);
      const asked = ledger.admitChange(change, {
        type: 'authority.freeze',
        shown: { change: FREEZE },
      });
      ledger.carryOut(ledger.bindAdmitted(asked, { approvers: [ledger.bob] }), change);
      return usual(ledger);
    },
  ),
];
