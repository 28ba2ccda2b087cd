import {
  BindingError,
  citedRule,
  confirmationOf,
  isAuthorityType,
  isCedarPolicy,
  parsePolicy,
  policyDigest,
  requirementOf,
  ruleOfType,
  type RequestAdmitted,
} from '@countersign/binding';
import {
  CanonicalError,
  canonicalText,
  utf8,
  type Digest,
  type Json,
  type JsonObject,
} from '@countersign/canonical';
import {
  BUILTIN_DESCRIPTORS,
  DescriptorError,
  displayDigest,
  loadDescriptor,
  parseAction,
  render,
  type Action,
  type Descriptor,
  type Display,
} from '@countersign/descriptors';
import { ConsoleError, type ConsoleCode } from './console-error.ts';
import type { LedgerPin } from './ledger-pin.ts';
import { checkLogged } from './logged-entry.ts';
import type { Review } from './review.ts';

/** One comparison that this page has made, with what it came to. */
export interface CheckedStep {
  readonly name: string;
  readonly value: string;
}

declare const checked: unique symbol;

/** An action as this page computed it, equal to what the ledger admitted. Only checkReview makes one. */
export interface CheckedReview {
  readonly [checked]: true;
  readonly action: Action;
  readonly display: Display;
  readonly admission: RequestAdmitted;
  readonly admissionLeaf: Digest;
  readonly admissionIndex: number;
  readonly steps: readonly CheckedStep[];
}

export interface ReviewExpectation {
  /** From the address of the page. */
  readonly actionId: string;
  readonly tenant: string;
  readonly pin: LedgerPin;
}

/**
 * Computes everything that a person is about to sign for again, from the bytes of the action, and compares it with
 * the admission that the log holds. What the server shows instead never reaches the screen.
 *
 * @throws ConsoleError ADMISSION_MISMATCH, NOT_LOGGED, LOG_KEY_UNKNOWN, CHECKPOINT_INVALID, ACTION_DIGEST_MISMATCH,
 * DESCRIPTOR_MISMATCH, DISPLAY_MISMATCH, POLICY_MISMATCH, BROWSER_TOO_OLD
 */
export async function checkReview(
  review: Review,
  expected: ReviewExpectation,
): Promise<CheckedReview> {
  const logged = await checkLogged(review.admission, expected.pin);
  const admission = admissionOf(logged.entry, expected);
  const action = namedAction(review.action, admission);
  assertAdmitted(action, admission);
  const descriptor = namedDescriptor(review, admission);
  const display = shownDisplay(descriptor, action, { review, admission });
  assertPolicy(review, admission);
  assertConfirmation(action, descriptor, admission);
  const steps: readonly CheckedStep[] = [
    { name: 'Entry of the log', value: logged.leaf },
    { name: 'Its place', value: `${logged.index} of ${logged.size}, under a signed head` },
    { name: 'Action', value: action.digest },
    { name: 'Action type', value: descriptor.digest },
    { name: 'What is shown', value: displayDigest(display) },
    { name: 'Policy', value: admission.policy_digest },
  ];
  return {
    action,
    display,
    admission,
    admissionLeaf: logged.leaf,
    admissionIndex: logged.index,
    steps,
  } as CheckedReview;
}

function admissionOf(
  entry: Awaited<ReturnType<typeof checkLogged>>['entry'],
  { actionId, tenant }: ReviewExpectation,
): RequestAdmitted {
  const isMeant =
    entry.type === 'request-admitted' && entry.action_id === actionId && entry.tenant === tenant;
  if (isMeant) return entry;
  throw new ConsoleError('ADMISSION_MISMATCH', 'expected the admission of the action of this page');
}

function namedAction(text: string, admission: RequestAdmitted): Action {
  const action = mismatching('ACTION_DIGEST_MISMATCH', () => parseAction(utf8(text)));
  if (action.digest === admission.action_digest) return action;
  throw new ConsoleError(
    'ACTION_DIGEST_MISMATCH',
    `expected the action ${admission.action_digest}`,
  );
}

/** The digest covers the whole action; the admission wrote parts of it out again, and they must agree. */
function assertAdmitted({ envelope }: Action, admission: RequestAdmitted): void {
  const persons = envelope.acting_for.flatMap(({ kind, sub }) => (kind === 'person' ? [sub] : []));
  const isAdmitted =
    envelope.tenant === admission.tenant &&
    envelope.action_id === admission.action_id &&
    envelope.type === admission.action_type.name &&
    envelope.type_version === admission.action_type.version &&
    envelope.agent.id === admission.agent.id &&
    envelope.agent.key_thumbprint === admission.agent.key_thumbprint &&
    isSame(envelope.executor, admission.executor) &&
    isSame(persons, admission.acting_for) &&
    admission.not_after <= envelope.not_after &&
    admission.max_uses <= envelope.max_uses;
  if (!isAdmitted) {
    throw new ConsoleError(
      'ADMISSION_MISMATCH',
      'expected the admission to say what the action says',
    );
  }
}

function namedDescriptor(review: Review, admission: RequestAdmitted): Descriptor {
  const descriptor = mismatching('DESCRIPTOR_MISMATCH', () => loadDescriptor(review.descriptor));
  const { name, version } = admission.action_type;
  const isNamed =
    descriptor.digest === admission.descriptor_digest &&
    descriptor.type === name &&
    descriptor.typeVersion === version &&
    descriptor.reversibility === admission.reversibility &&
    (!isAuthorityType(name) || isBuiltIn(descriptor));
  if (isNamed) return descriptor;
  throw new ConsoleError('DESCRIPTOR_MISMATCH', `expected the descriptor of ${name}/${version}`);
}

/** The ledger's own changes are shown as this page knows them: no server may bring another way to show them. */
function isBuiltIn({ digest }: Descriptor): boolean {
  return BUILTIN_DESCRIPTORS.some((known) => known.digest === digest);
}

function shownDisplay(
  descriptor: Descriptor,
  action: Action,
  { review, admission }: { review: Review; admission: RequestAdmitted },
): Display {
  const display = mismatching('DISPLAY_MISMATCH', () => render(descriptor, action));
  if (displayDigest(display) !== admission.display_digest) {
    throw new ConsoleError('DISPLAY_MISMATCH', `expected the display ${admission.display_digest}`);
  }
  // The page shows its own; but a server that tells others something else is not to be decided with.
  if (!isSame(display, review.display)) {
    throw new ConsoleError('DISPLAY_MISMATCH', 'expected the server to show the same display');
  }
  return display;
}

function assertPolicy({ policy }: Review, admission: RequestAdmitted): void {
  const { name } = admission.action_type;
  const isApplied = isAuthorityType(name)
    ? policy === null
    : policy !== null && isRuleOf(policy, admission);
  if (!isApplied) throw new ConsoleError('POLICY_MISMATCH', `expected the rule for ${name}`);
}

/** Or the person would be asked to type something that is not in what they see. */
function assertConfirmation(
  action: Action,
  descriptor: Descriptor,
  admission: RequestAdmitted,
): void {
  const { confirmation, requirement } = admission;
  const typed = mismatching('POLICY_MISMATCH', () =>
    confirmationOf(action, descriptor, requirement.confirm),
  );
  if (typed === confirmation) return;
  throw new ConsoleError('ADMISSION_MISMATCH', 'expected the confirmation that the action has');
}

function isRuleOf(policy: JsonObject, admission: RequestAdmitted): boolean {
  const parsed = mismatching('POLICY_MISMATCH', () => parsePolicy(policy));
  const rule = isCedarPolicy(parsed)
    ? citedRule(parsed, admission)
    : ruleOfType(parsed, admission.action_type.name);
  return (
    (isCedarPolicy(parsed) || admission.permits === undefined) &&
    policyDigest(parsed) === admission.policy_digest &&
    rule !== undefined &&
    isSame(requirementOf(rule), admission.requirement) &&
    admission.use_within_s === rule.use_within_s &&
    admission.start_within_s === rule.start_within_s &&
    admission.max_uses <= (admission.batch?.count ?? rule.max_uses)
  );
}

function isSame(one: object, other: object): boolean {
  // Plain JSON by construction; TypeScript does not see that of interfaces.
  return canonicalText(one as Json) === canonicalText(other as Json);
}

/** Whatever the readers refuse is not what the ledger admitted, for it had read it before. */
function mismatching<T>(code: ConsoleCode, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const isRefusal =
      error instanceof DescriptorError ||
      error instanceof CanonicalError ||
      error instanceof BindingError;
    if (!isRefusal) throw error;
    throw new ConsoleError(code, error.message, { cause: error });
  }
}
