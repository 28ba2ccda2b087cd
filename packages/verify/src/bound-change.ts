import { utf8, type VerifySignature } from '@countersign/canonical';
import {
  authorityRule,
  isAuthorityType,
  parseAuthorityChange,
  policyDigest,
  requirementOf,
  type AuthorityChange,
  type BindingMade,
  type BoundChange,
} from '@countersign/binding';
import type { AuthorityAt } from './authority-history.ts';
import { namedAction, personsOf } from './content-check.ts';
import { checkDecisions } from './decision-check.ts';
import { assertDescriptor } from './descriptor-check.ts';
import { assertEpoch } from './epoch-check.ts';
import { assertExclusions } from './exclusion.ts';
import { readEntry } from './logged-entry.ts';
import { assertApart } from './policy-check.ts';
import { sameJson } from './same-json.ts';
import { StepLog } from './step-log.ts';
import type { Trust } from './trust.ts';
import { VerifyError } from './verify-error.ts';

/** A change of the authority with the binding that is said to allow it. */
export interface BoundStep {
  readonly change: BoundChange;
  /** Text of the `binding-made` entry. */
  readonly binding: string | undefined;
  readonly before: AuthorityAt;
  readonly trust: Trust;
  readonly verifySignature: VerifySignature;
}

/** What the persons of the authority before it signed for. */
export interface SignedChange {
  readonly actionId: string;
  readonly boundAt: string;
  readonly effect: AuthorityChange;
}

/** That the persons of the authority before it signed for this very change, by the rule of its type. */
export async function checkBoundChange(step: BoundStep): Promise<SignedChange> {
  const { change, before, trust, verifySignature } = step;
  const binding = citedBinding(step);
  const { envelope } = namedAction(utf8(change.action), binding.action_digest);
  const isOfAction =
    isAuthorityType(envelope.type) &&
    envelope.tenant === binding.tenant &&
    envelope.action_id === binding.action_id &&
    envelope.type === binding.action_type.name &&
    envelope.type_version === binding.action_type.version &&
    sameJson(personsOf(envelope.acting_for), binding.acting_for) &&
    envelope.agent.id === binding.agent.id &&
    envelope.agent.key_thumbprint === binding.agent.key_thumbprint;
  if (!isOfAction) {
    throw new VerifyError('ACTION_DIGEST_MISMATCH', 'expected the action that was bound');
  }
  assertOwnRule(binding, before);
  assertDescriptor(binding, before.state);
  assertExclusions(binding, before.state);
  await checkDecisions({
    binding,
    authority: before.state,
    trust,
    verifySignature,
    log: new StepLog(),
  });
  const effect = envelope.params['change'];
  assertApart(binding, effect);
  if (effect === undefined) throw new VerifyError('SCHEMA_INVALID', 'expected a change');
  const parsed = parseAuthorityChange(effect);
  assertEpoch(binding.epoch, before.state, { ...parsed, epoch: binding.epoch });
  return { actionId: binding.action_id, boundAt: binding.at, effect: parsed };
}

function citedBinding({ change, binding: text, before }: BoundStep): BindingMade {
  const place = { code: 'EVIDENCE_FORMAT', path: 'binding', json: text } as const;
  const { entry, leaf } = readEntry(place, 'binding-made');
  const isCited = leaf === change.binding && change.binding_index > before.ref.index;
  if (!isCited || entry.tenant !== before.state.ledger.tenant) {
    throw new VerifyError('NOT_BOUND', 'expected the binding that the change cites');
  }
  // It was bound by the authority that it changes, so nobody else's change can lie between the two.
  if (!sameJson(entry.authority, before.ref)) {
    throw new VerifyError('AUTHORITY_STALE', 'expected a binding under the authority before it');
  }
  return entry;
}

function assertOwnRule(binding: BindingMade, { state: { ledger } }: AuthorityAt): void {
  const rule = authorityRule(binding.action_type.name, ledger);
  const isRule =
    rule !== undefined &&
    binding.policy_digest === policyDigest(rule) &&
    sameJson(binding.requirement, requirementOf(rule)) &&
    binding.separation === ledger.separation;
  if (!isRule) throw new VerifyError('POLICY_MISMATCH', 'expected the rule of its type');
}
