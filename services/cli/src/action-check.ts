import { CanonicalError, jsonKind, utf8, valueAt, type Json } from '@countersign/canonical';
import {
  BUILTIN_DESCRIPTORS,
  DescriptorError,
  parseAction,
  renderWithDigest,
  type ActionEnvelope,
  type Descriptor,
} from '@countersign/descriptors';
import { CliError } from './cli-error.ts';
import { EXEC_EXECUTOR, EXEC_INTERFACE_DIGEST, isCommandType } from './exec-interface.ts';

/** How the place begins a message of the checks: a JSON pointer. */
const PLACE = /^(\/[^\s:]*): expected /;

/**
 * What the ledger would refuse, said before it is asked, with the place: its own refusal is an entry for ever, and names none.
 *
 * @param text the canonical action
 * @throws CliError the codes of the ledger, and UNKNOWN_TYPE
 */
export function checkAction(text: string): void {
  // First of all: what a wrong type lacks is not what is wrong with it.
  const descriptor = descriptorOf(JSON.parse(text) as Partial<ActionEnvelope>);
  const action = refusing(text, () => parseAction(utf8(text)));
  refusing(text, () => renderWithDigest(descriptor, action));
  assertOwnExecutor(action.envelope, descriptor);
}

function refusing<T>(text: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof DescriptorError || error instanceof CanonicalError)) throw error;
    throw new CliError(error.code, withFound(error.message, text), {
      cause: error,
      hint: 'nothing was sent; docs/cli.md, "request", has an action that fits',
    });
  }
}

function descriptorOf({ type, type_version: version }: Partial<ActionEnvelope>): Descriptor {
  const found = BUILTIN_DESCRIPTORS.find(
    (known) => known.type === type && known.typeVersion === version,
  );
  if (found !== undefined) return found;
  const known = BUILTIN_DESCRIPTORS.map((each) => `${each.type} (version ${each.typeVersion})`);
  throw new CliError('UNKNOWN_TYPE', `/type: expected one of ${known.join(', ')}, got another`, {
    hint: 'nothing was sent',
  });
}

/** The ledger cannot know what the executor of this program does; this program does. */
function assertOwnExecutor({ executor }: ActionEnvelope, { type }: Descriptor): void {
  if (executor.id !== EXEC_EXECUTOR) return;
  if (!isCommandType(type)) {
    throw new CliError(
      'EXECUTOR_MISMATCH',
      `/executor/id: expected an executor that carries out ${type}, got ${EXEC_EXECUTOR}, which only runs commands`,
      { hint: 'nothing was sent; see `countersign enrol executor --help`' },
    );
  }
  if (executor.descriptor_digest === EXEC_INTERFACE_DIGEST) return;
  throw new CliError(
    'EXECUTOR_DESCRIPTOR_MISMATCH',
    `/executor/descriptor_digest: expected ${EXEC_INTERFACE_DIGEST} of ${EXEC_EXECUTOR}, got another`,
    { hint: 'nothing was sent; leave /executor out, and it is filled in' },
  );
}

/** Adds what stands there, by its kind alone: an action may hold what must not be repeated. */
function withFound(message: string, text: string): string {
  const place = PLACE.exec(message)?.[1];
  if (place === undefined || message.includes(', got ')) return message;
  return `${message}, got ${jsonKind(valueAt(JSON.parse(text) as Json, place))}`;
}
