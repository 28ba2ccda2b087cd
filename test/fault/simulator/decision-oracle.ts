import { decisionDigest, type EntryOf, type Leaf } from '@countersign/binding';
import { timestampMs } from '@countersign/canonical';
import { changeIn } from './change-text.ts';
import { assertNamed } from './escalation-oracle.ts';
import { hold } from './invariant-broken.ts';
import type { OracleAction, OracleApproval } from './oracle-action.ts';
import type { RuleState } from './rule-state.ts';
import { assertTurn } from './turn-oracle.ts';

/** A statement of a person who may sign, about this admission and none else, which that person signed. */
export function assertStatement(
  state: RuleState,
  entry: EntryOf<'decision-accepted' | 'binding-revoked'>,
  action: OracleAction,
): void {
  const { statement } = entry;
  const signer = state.truth.statements.get(decisionDigest(statement));
  hold(
    signer === statement.person,
    'FORGED',
    `${action.id}: a decision that its person never made`,
  );
  const { admission } = action;
  const isAbout =
    statement.action_id === action.id &&
    statement.admission === action.admissionLeaf &&
    entry.admission === action.admissionLeaf &&
    statement.action_digest === admission.action_digest &&
    statement.display_digest === admission.display_digest;
  hold(isAbout, 'RULE', `${action.id}: a decision about something else`);
  const isLive = timestampMs(statement.not_after) >= state.lastMs;
  hold(isLive, 'BOUND_TOO_LATE', `${action.id}: a decision after its own end`);
  hold(
    state.mayDecide(statement.person, statement.credential),
    'RULE',
    `${action.id}: a key that is not in force`,
  );
}

export function acceptDecision(
  state: RuleState,
  entry: EntryOf<'decision-accepted'>,
  leaf: Leaf,
): void {
  const action = state.known(entry.action_id);
  hold(
    action.status === 'pending',
    'TERMINAL_CHANGED',
    `${action.id}: decided when ${action.status}`,
  );
  assertStatement(state, entry, action);
  const { statement } = entry;
  const { admission } = action;
  hold(
    state.lastMs <= timestampMs(admission.decide_by),
    'BOUND_TOO_LATE',
    `${action.id}: decided late`,
  );
  const isExcluded = admission.excluded.some(({ person }) => person === statement.person);
  hold(!isExcluded, 'RULE', `${action.id}: decided by somebody who is excluded`);
  assertNoParty(state, admission, statement.person);
  assertVoice(state, entry, action);
  const isProven = admission.requirement.proof_classes.includes(entry.proof_class);
  hold(isProven, 'RULE', `${action.id}: decided with a proof of another class`);
  const isKept = admission.requirement.device_bound !== true || !isSynced(entry.proof);
  hold(isKept, 'RULE', `${action.id}: decided with a synced passkey`);
  state.company.assertDecided(entry, admission.requirement.member_of, state.lastMs);
  state.models.assertDecided(entry, admission.requirement.attested);
  if (statement.verdict === 'approve') {
    const { person, credential, confirmation: typed } = statement;
    const { membership } = entry;
    const approval = { person, for: entry.for, membership, credential, atMs: state.lastMs };
    const before = standing(state, action);
    const isLast = before.length + 1 >= admission.requirement.approvals;
    if (isLast) state.company.assertVouched(admission);
    const seated = { person: voiceIn(entry), atMs: state.lastMs, typed };
    assertTurn(
      admission,
      seated,
      before.map((each) => ({ person: each.for ?? each.person, atMs: each.atMs })),
    );
    const notAfterMs = timestampMs(statement.not_after);
    action.approvals.set(leaf, { ...approval, notAfterMs });
  } else {
    hold(statement.verdict === 'deny', 'RULE', `${action.id}: a revocation taken for a decision`);
    action.denial = leaf;
  }
}

/** Of one whom the rule names, or of their deputy where it does not name the one who signs. */
function assertVoice(
  state: RuleState,
  entry: EntryOf<'decision-accepted'>,
  { id, admission }: OracleAction,
): void {
  const principal = entry.for;
  assertNamed(admission, voiceIn(entry), state.lastMs);
  if (principal === undefined) return;
  const given = { person: entry.statement.person, for: principal };
  const type = admission.action_type.name;
  hold(state.isLent(given, type), 'RULE', `${id}: decided by nobody's deputy`);
  const isOut = admission.excluded.some(({ person }) => person === principal);
  hold(!isOut, 'RULE', `${id}: decided in the place of somebody who is excluded`);
}

function assertNoParty(
  state: RuleState,
  { action_id: id, action }: EntryOf<'request-admitted'>,
  person: string,
): void {
  if (action?.includes('"kind":"reviewed"') !== true) return;
  const made = changeIn(action);
  hold(made.kind === 'reviewed', 'RULE', `${id}: not what it says`);
  const isParty = state.partiesTo(state.known(made.action_id)).has(person);
  hold(!isParty, 'RULE', `${id}: decided by who had a part in what is reviewed`);
}

/** Approvals of keys in force that are not over. */
function standing(
  state: RuleState,
  { approvals, admission }: OracleAction,
): readonly OracleApproval[] {
  const type = admission.action_type.name;
  const { member_of: needed } = admission.requirement;
  return [...approvals.values()].filter(
    (each) =>
      each.notAfterMs >= state.lastMs &&
      (needed === undefined || state.company.endMs(each, needed, state.lastMs) !== undefined) &&
      state.mayDecide(each.person, each.credential) &&
      state.isLent(each, type),
  );
}

export function voiceIn(entry: EntryOf<'decision-accepted'>): string {
  return entry.for ?? entry.statement.person;
}

/** By the bit itself: WebAuthn §6.1, BE. */
function isSynced(proof: EntryOf<'decision-accepted'>['proof']): boolean {
  const data = proof.kind === 'webauthn' ? proof.authenticator_data : '';
  return ((Buffer.from(data, 'base64url')[32] ?? 0) & 0x08) !== 0;
}
