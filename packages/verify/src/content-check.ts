import { CanonicalError, type Digest, type Json } from '@countersign/canonical';
import {
  assertConfirmed,
  BindingError,
  confirmationOf,
  rationaleDigest,
} from '@countersign/binding';
import {
  boundsOf,
  DescriptorError,
  parseAction,
  type Action,
  type Descriptor,
} from '@countersign/descriptors';
import { assertBatch, assertBatched } from './batch-check.ts';
import { checkReceipt } from './log-check.ts';
import { sameJson, says } from './same-json.ts';
import type { Verification } from './verification.ts';
import { VerifyError } from './verify-error.ts';

/** Steps 5 to 8 of schemas/formats/evidence.md §5. Answers the action, or undefined when it was erased. */
export async function checkContent(run: Verification): Promise<Action | undefined> {
  const { evidence, log } = run;
  const { action: text } = evidence.content;
  log.begin('descriptor');
  const descriptor = namedDescriptor(run);
  assertBounded(descriptor, run);
  assertBatched(descriptor, run);
  log.ok(`${descriptor.type}/${descriptor.typeVersion}`);
  if (text === null) {
    await checkErased(run);
    return undefined;
  }
  log.begin('action');
  const action = named(evidence.binding.entry.action_digest, () => run.documents.action(text));
  assertAdmitted(action, run);
  assertBounds(descriptor, action, run);
  assertConfirmation(descriptor, action, run);
  log.ok(action.digest);
  log.begin('display');
  assertDisplayed(descriptor, action, run);
  assertBatch(descriptor, action, run);
  log.ok('rendered again from the action, with the same digest');
  log.begin('rationales');
  assertRationales(run);
  log.ok(`${evidence.content.rationales.length}`);
  return action;
}

function namedDescriptor({ evidence, documents }: Verification): Descriptor {
  const { descriptor_digest: digest, action_type: type } = evidence.binding.entry;
  const descriptor = mismatching('DESCRIPTOR_MISMATCH', () =>
    documents.descriptor(digest, evidence.descriptor),
  );
  if (descriptor === undefined) {
    throw new VerifyError('DESCRIPTOR_MISMATCH', 'expected the descriptor of the admission');
  }
  if (descriptor.type !== type.name || descriptor.typeVersion !== type.version) {
    throw new VerifyError('DESCRIPTOR_MISMATCH', `expected ${type.name}/${type.version}`);
  }
  return descriptor;
}

/** The action whose digest was bound; any other bytes, whatever is wrong with them, are another action. */
export function namedAction(bytes: Uint8Array, digest: Digest): Action {
  return named(digest, () => parseAction(bytes));
}

function named(digest: Digest, parse: () => Action): Action {
  const action = mismatching('ACTION_DIGEST_MISMATCH', parse);
  if (action.digest !== digest) {
    throw new VerifyError('ACTION_DIGEST_MISMATCH', `expected the action ${digest}`);
  }
  return action;
}

/** The digest covers all of the action, but the ledger wrote parts of it out again: they must agree. */
function assertAdmitted({ envelope }: Action, { evidence }: Verification): void {
  const { entry } = evidence.admission;
  const { type, type_version: version, agent, executor } = envelope;
  const said = {
    tenant: envelope.tenant,
    action_id: envelope.action_id,
    action_type: { name: type, version },
    executor: {
      id: executor.id,
      audience: executor.audience,
      descriptor_digest: executor.descriptor_digest,
    },
    acting_for: personsOf(envelope.acting_for),
    ...(entry.action !== undefined && { action: evidence.content.action }),
  };
  // Under no rule may it live longer, or be used more often, than was asked for.
  const isAdmitted =
    says(entry, said) &&
    says(entry.agent, { id: agent.id, key_thumbprint: agent.key_thumbprint }) &&
    entry.not_after <= envelope.not_after &&
    entry.max_uses <= envelope.max_uses;
  if (!isAdmitted) {
    throw new VerifyError(
      'ADMISSION_MISMATCH',
      'expected the admission to say what the action says',
    );
  }
}

/** Erased or not, the admission froze the bounds of its type, and none where the type has none. */
function assertBounded(descriptor: Descriptor, { evidence }: Verification): void {
  const { bounds, confirmation, requirement } = evidence.admission.entry;
  mismatching('ADMISSION_MISMATCH', () => {
    assertConfirmed(descriptor, requirement.confirm, confirmation);
  });
  const named = (all: typeof bounds): Json =>
    all?.map(({ name, kind }) => ({ name, kind })) ?? null;
  if (!sameJson(named(bounds), named(descriptor.bounds))) {
    throw new VerifyError('ADMISSION_MISMATCH', 'expected the bounds that the type has');
  }
}

function assertBounds(descriptor: Descriptor, action: Action, { evidence }: Verification): void {
  const bounds = mismatching('ACTION_DIGEST_MISMATCH', () => boundsOf(descriptor, action));
  if (!sameJson(bounds ?? null, evidence.admission.entry.bounds ?? null)) {
    throw new VerifyError('ADMISSION_MISMATCH', 'expected the bounds that the action has');
  }
}

function assertConfirmation(
  descriptor: Descriptor,
  action: Action,
  { evidence }: Verification,
): void {
  const { confirmation, requirement } = evidence.admission.entry;
  const typed = mismatching('ADMISSION_MISMATCH', () =>
    confirmationOf(action, descriptor, requirement.confirm),
  );
  if (typed !== confirmation) {
    throw new VerifyError('ADMISSION_MISMATCH', 'expected the confirmation that the action has');
  }
}

export function personsOf(chain: Action['envelope']['acting_for']): string[] {
  return chain.filter(({ kind }) => kind === 'person').map(({ sub }) => sub);
}

function assertDisplayed(descriptor: Descriptor, action: Action, run: Verification): void {
  const { evidence, documents } = run;
  const { display, displayDigest } = mismatching('DISPLAY_MISMATCH', () =>
    documents.rendered(descriptor, action),
  );
  if (displayDigest !== evidence.binding.entry.display_digest) {
    throw new VerifyError('DISPLAY_MISMATCH', 'expected the action to render to what was signed');
  }
  if (!sameJson(display, evidence.display)) {
    throw new VerifyError('DISPLAY_MISMATCH', 'expected the display that was signed');
  }
}

/** One for each decision, in the same order. */
function assertRationales({ evidence }: Verification): void {
  const { decisions, requirement } = evidence.binding.entry;
  const { rationales } = evidence.content;
  const isComplete =
    rationales.length === decisions.length &&
    decisions.every(({ leaf, rationale_digest: digest }, position) => {
      const rationale = rationales[position];
      if (rationale?.decision !== leaf) return false;
      return mismatching('RATIONALE_MISMATCH', () => rationaleDigest(rationale)) === digest;
    });
  if (!isComplete) {
    throw new VerifyError('RATIONALE_MISMATCH', 'expected the rationale of each decision');
  }
  if (requirement.rationale === 'required' && rationales.some(({ text }) => text.trim() === '')) {
    throw new VerifyError('RATIONALE_REQUIRED', 'expected a rationale of each person');
  }
}

/** Content may be gone, if the log says that it was erased. What is left are digests. */
async function checkErased(run: Verification): Promise<void> {
  const { evidence, log } = run;
  const { erased, binding } = evidence;
  if (erased === undefined) {
    log.begin('content');
    throw new VerifyError('CONTENT_MISSING', 'expected the action, or the entry of its erasure');
  }
  await checkReceipt(run, 'erasure receipt', erased);
  log.begin('content');
  const isErased =
    erased.entry.action_id === binding.entry.action_id &&
    erased.entry.tenant === binding.entry.tenant &&
    erased.entry.erased.includes(binding.entry.action_digest);
  if (!isErased) throw new VerifyError('CONTENT_MISSING', 'expected the erasure of this action');
  log.skip(`erased at ${erased.entry.at} (digests only)`);
}

/** What the readers of content refuse is a mismatch here: the ledger admitted something else. */
function mismatching<T>(
  code:
    | 'ADMISSION_MISMATCH'
    | 'ACTION_DIGEST_MISMATCH'
    | 'DESCRIPTOR_MISMATCH'
    | 'DISPLAY_MISMATCH'
    | 'RATIONALE_MISMATCH',
  read: () => T,
): T {
  try {
    return read();
  } catch (error) {
    const isRefusal =
      error instanceof DescriptorError ||
      error instanceof CanonicalError ||
      error instanceof BindingError;
    if (!isRefusal) throw error;
    throw new VerifyError(code, error.message, { cause: error });
  }
}
