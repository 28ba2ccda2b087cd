import type { AuthorityState, Member } from '@countersign/binding';
import { formatTimestamp, type JsonObject } from '@countersign/canonical';
import type { EvidenceCase } from './evidence-case.ts';
import {
  newPerson,
  readyLedger,
  type Bound,
  type ForgeOptions,
  type LedgerForge,
  type Person,
} from './ledger-forge.ts';

const DELAY_H = 72;
const HOUR_S = 3_600;
const HOUR_MS = HOUR_S * 1_000;
const RECOVERY = { quorum: 2, delay_h: DELAY_H };

function changedBy(approvals: number): ForgeOptions {
  return {
    bootstrap: {
      id: 'bootstrap',
      approvals,
      approvers: 'any',
      proof_classes: ['uv'],
      rationale: 'optional',
      decide_within_s: 3_600,
      use_within_s: 3_600,
      start_within_s: 60,
      max_uses: 1,
    },
  };
}

/** Three are needed for a change, and one of the three has lost the key: the two others recover it. */
const THREE = changedBy(3);
const RECOVERABLE: ForgeOptions = { ...THREE, recovery: RECOVERY };

interface Course {
  readonly ledger: LedgerForge;
  /** Bob with another passkey, and the invitation to enrol it. */
  readonly again: Person;
}

function course(
  head: Pick<EvidenceCase, 'name' | 'about' | 'code'>,
  play: (course: Course) => Bound,
  options: ForgeOptions = RECOVERABLE,
): EvidenceCase {
  return {
    ...head,
    make: async () => {
      const ledger = readyLedger(options);
      const bound = play({ ledger, again: { ...newPerson(), id: ledger.bob.id } });
      return { evidence: await ledger.evidence(bound), trust: ledger.trust() };
    },
  };
}

function start({ id, invitation }: Person, more: JsonObject = {}): JsonObject {
  return {
    kind: 'recovery-started',
    person: id,
    invitation: { id: invitation.thumbprint, public_key: invitation.publicKey },
    delay_h: DELAY_H,
    ...more,
  };
}

function cancel({ id, invitation }: Person): JsonObject {
  return { kind: 'recovery-cancelled', person: id, invitation: invitation.thumbprint };
}

/** The owner of the agent that asks is one of the two: nobody is left out. */
function started({ ledger, again }: Course): void {
  ledger.change(start(again), { approvers: [ledger.alice, ledger.carol] });
}

function usual({ ledger, again }: Course): Bound {
  return ledger.bind({}, { approvers: [again] });
}

/** What anything else has to show of the authority before it. */
function byCarol({ ledger }: Course): Bound {
  return ledger.bind({}, { approvers: [ledger.carol] });
}

/** The invitation of a recovery that was bound now, or as if it had been bound at another time. */
function invitationOf({ id, invitation }: Person, opensMs: number): Member {
  return {
    kind: 'invitation',
    id: invitation.thumbprint,
    person: id,
    public_key: invitation.publicKey,
    not_before: formatTimestamp(opensMs),
    not_after: formatTimestamp(opensMs + 168 * HOUR_MS),
  };
}

/** The next change of a ledger is at this time. */
function changesAtMs(ledger: LedgerForge): number {
  return Date.parse(ledger.tick()) + 1_000;
}

function forged(
  { ledger, again }: Course,
  after: (opensMs: number) => AuthorityState,
  change: JsonObject = start(again),
): void {
  const bound = ledger.bindChange(change, { approvers: [ledger.alice, ledger.carol] });
  ledger.carryOut(bound, after(changesAtMs(ledger) + DELAY_H * HOUR_MS));
}

export const RECOVERY_CASES: readonly EvidenceCase[] = [
  course(
    {
      name: 'recovery-started',
      about:
        'A recovery, which two have signed for, one of them the owner of the agent that asked; changes need three.',
    },
    ({ ledger, again }) =>
      ledger.bindChange(start(again), { approvers: [ledger.alice, ledger.carol] }),
  ),
  course(
    {
      name: 'recovery-used',
      about: 'The action was approved with the key of a person who was recovered, after the delay.',
    },
    (each) => {
      started(each);
      each.ledger.wait(DELAY_H * HOUR_S);
      each.ledger.enrol(each.again);
      return usual(each);
    },
  ),
  course(
    {
      name: 'recovery-cancelled',
      about: 'Two have cancelled a recovery, and it was started again.',
    },
    (each) => {
      const { ledger, again } = each;
      started(each);
      ledger.change(cancel(again), { approvers: [ledger.alice, ledger.bob] });
      started(each);
      return ledger.bindChange(cancel(again), { approvers: [ledger.bob, ledger.carol] });
    },
  ),
  course(
    {
      name: 'recovery-frozen',
      about: 'The ledger was frozen when the recovery was started and used, and was thawed since.',
    },
    (each) => {
      const { ledger, again } = each;
      ledger.change({ kind: 'frozen' }, { approvers: [ledger.carol] });
      started(each);
      ledger.wait(DELAY_H * HOUR_S);
      ledger.enrol(again);
      const thaw = { kind: 'thawed', epoch: 1 };
      ledger.change(thaw, { approvers: [ledger.carol, again] });
      return usual(each);
    },
    { ...changedBy(2), recovery: RECOVERY },
  ),
  course(
    {
      name: 'recovery-of-newcomer',
      about: 'A recovery has let somebody in whom the ledger did not know.',
    },
    ({ ledger }) => {
      const stranger = newPerson();
      started({ ledger, again: stranger });
      ledger.wait(DELAY_H * HOUR_S);
      ledger.enrol(stranger);
      return usual({ ledger, again: stranger });
    },
  ),
];

const CHAIN = 'AUTHORITY_CHAIN_INVALID';

export const FALSE_RECOVERY_CASES: readonly EvidenceCase[] = [
  course(
    {
      name: 'recovery-early',
      code: CHAIN,
      about: 'A recovered person has enrolled a key before the delay was over.',
    },
    (each) => {
      const { ledger, again } = each;
      started(each);
      ledger.wait((DELAY_H - 1) * HOUR_S);
      ledger.enrol(again, again.invitation, { asOfMs: changesAtMs(ledger) + HOUR_MS });
      return usual(each);
    },
  ),
  course(
    {
      name: 'recovery-late',
      code: CHAIN,
      about: 'A recovered person has enrolled a key more than a week after the delay.',
    },
    (each) => {
      const { ledger, again } = each;
      started(each);
      ledger.wait((DELAY_H + 169) * HOUR_S);
      ledger.enrol(again, again.invitation, { asOfMs: changesAtMs(ledger) - 2 * HOUR_MS });
      return usual(each);
    },
  ),
  course(
    {
      name: 'recovery-opens-sooner',
      code: CHAIN,
      about: 'The invitation of a recovery opens an hour before its delay is over.',
    },
    (each) => {
      const { ledger, again } = each;
      forged(each, (opensMs) => ledger.authority.with(invitationOf(again, opensMs - HOUR_MS)));
      ledger.wait((DELAY_H - 1) * HOUR_S);
      ledger.enrol(again);
      return usual(each);
    },
  ),
  course(
    {
      name: 'recovery-other-delay',
      code: CHAIN,
      about: 'Two have signed for a recovery with another delay than the founding has.',
    },
    (each) => {
      const { ledger, again } = each;
      const sooner = (opensMs: number): AuthorityState =>
        ledger.authority.with(invitationOf(again, opensMs - (DELAY_H - 1) * HOUR_MS));
      forged(each, sooner, start(again, { delay_h: 1 }));
      ledger.wait(HOUR_S);
      ledger.enrol(again);
      return usual(each);
    },
  ),
  course(
    {
      name: 'recovery-by-one',
      code: CHAIN,
      about: 'One has signed for a recovery, and two are needed.',
    },
    (each) => {
      const { ledger, again } = each;
      ledger.change(start(again), { approvers: [ledger.carol] });
      return byCarol(each);
    },
  ),
  course(
    {
      name: 'recovery-by-one-alone',
      code: 'POLICY_MISMATCH',
      about: 'A recovery that says that one is enough, where two are needed.',
    },
    ({ ledger, again }) => ledger.bindChange(start(again), { approvers: [ledger.carol] }),
    { ...RECOVERABLE, falseRecovery: { ...RECOVERY, quorum: 1 } },
  ),
  course(
    {
      name: 'recovery-by-itself',
      code: 'NOT_ELIGIBLE',
      about: 'One of the two who signed for the recovery is the person whom it is for.',
    },
    ({ ledger, again }) =>
      ledger.bindChange(start(again), { approvers: [ledger.bob, ledger.carol] }),
  ),
  course(
    {
      name: 'recovery-used-by-itself',
      code: CHAIN,
      about: 'A person has signed for the recovery that gave them the key of this approval.',
    },
    (each) => {
      const { ledger, again } = each;
      ledger.change(start(again), { approvers: [ledger.bob, ledger.carol] });
      ledger.wait(DELAY_H * HOUR_S);
      ledger.enrol(again);
      return usual(each);
    },
  ),
  course(
    {
      name: 'recovery-cancelled-used',
      code: CHAIN,
      about: 'A key was enrolled by a recovery that two had cancelled.',
    },
    (each) => {
      const { ledger, again } = each;
      started(each);
      const pending = ledger.authority.get('invitation', again.invitation.thumbprint);
      ledger.change(cancel(again), { approvers: [ledger.alice, ledger.carol] });
      ledger.wait(DELAY_H * HOUR_S);
      if (pending !== undefined) ledger.authority = ledger.authority.with(pending);
      ledger.enrol(again);
      return usual(each);
    },
  ),
  course(
    {
      name: 'recovery-cancelled-by-one',
      code: CHAIN,
      about: 'One has cancelled a recovery, and two are needed.',
    },
    (each) => {
      const { ledger, again } = each;
      started(each);
      ledger.change(cancel(again), { approvers: [ledger.bob] });
      return byCarol(each);
    },
  ),
  course(
    {
      name: 'recovery-cancels-invitation',
      code: CHAIN,
      about: 'What was cancelled is no recovery, but an invitation by the bootstrap rule.',
    },
    (each) => {
      const { ledger, again } = each;
      const { thumbprint: id, publicKey: public_key } = again.invitation;
      const change = {
        kind: 'person-invited',
        person: again.id,
        class: 'natural',
        invitation: { id, public_key, not_after: '2026-12-31T00:00:00.000Z' },
      };
      ledger.change(change, { approvers: [ledger.bob, ledger.carol] });
      const approvers = [ledger.alice, ledger.carol];
      const without = ledger.authority.without('invitation', id);
      ledger.carryOut(ledger.bindChange(cancel(again), { approvers }), without);
      return byCarol(each);
    },
    { ...changedBy(2), recovery: RECOVERY },
  ),
  course(
    {
      name: 'recovery-keeps-old-key',
      code: CHAIN,
      about: 'The old key of a person who was recovered still stands.',
    },
    (each) => {
      const { ledger, again } = each;
      started(each);
      ledger.wait(DELAY_H * HOUR_S);
      const { credential_id, public_key } = again.passkey.credentialKey;
      ledger.enrol(again, again.invitation, { credential_id, public_key });
      return usual(each);
    },
  ),
  course(
    {
      name: 'recovery-twice',
      code: CHAIN,
      about: 'A second recovery of a person was started before the first one was over.',
    },
    (each) => {
      const { ledger, again } = each;
      started(each);
      const other = { ...newPerson(), id: again.id };
      forged(each, (opensMs) => ledger.authority.with(invitationOf(other, opensMs)), start(other));
      return byCarol(each);
    },
  ),
  course(
    {
      name: 'recovery-in-name',
      code: CHAIN,
      about: 'By the rule of a recovery two have let another executor in.',
    },
    (each) => {
      const { ledger, again } = each;
      const change = { kind: 'executor-revoked', id: 'executor:local' };
      const asked = ledger.admitChange(change, {
        type: 'authority.recovery',
        shown: { change: start(again) },
      });
      ledger.carryOut(
        ledger.bindAdmitted(asked, { approvers: [ledger.alice, ledger.carol] }),
        change,
      );
      return byCarol(each);
    },
  ),
  course(
    {
      name: 'recovery-of-none',
      code: CHAIN,
      about: 'A recovery in a ledger that was founded without a delay.',
    },
    (each) => {
      const { ledger, again } = each;
      forged(each, (opensMs) => ledger.authority.with(invitationOf(again, opensMs)));
      ledger.wait(DELAY_H * HOUR_S);
      ledger.enrol(again);
      return usual(each);
    },
    { ...THREE, falseRecovery: RECOVERY },
  ),
  course(
    {
      name: 'recovery-founded',
      code: CHAIN,
      about: 'A founder has the invitation of a recovery, which nobody has signed for.',
    },
    (each) => byCarol(each),
    {
      ...RECOVERABLE,
      falseFounder: ({ bob }) =>
        invitationOf({ ...newPerson(), id: bob.id }, Date.parse('2026-11-22T17:00:00.000Z')),
    },
  ),
];
