import { resolve } from 'node:path';
import {
  BindingError,
  isAuthorityType,
  isCedarPolicy,
  isEmergencyType,
  parsePolicy,
  type CedarRule,
  type Policy,
  type PolicyFault,
} from '@countersign/binding';
import {
  CanonicalError,
  fromUtf8,
  isJsonObject,
  parseStrict,
  type Json,
} from '@countersign/canonical';
import { BUILTIN_DESCRIPTORS, type Descriptor } from '@countersign/descriptors';
import { permittedTypes } from '@countersign/policy-cedar';
import { CliError, cliError } from './cli-error.ts';
import type { CliContext } from './context.ts';
import { readGivenFile } from './ledger-access.ts';
import { POLICY_ENGINE } from './policy-engine.ts';

/** JSON of a file that the command line names. @throws CliError USAGE, FILE_UNREADABLE, FILE_TOO_LARGE */
export async function readJson(file: string, what: string, context: CliContext): Promise<Json> {
  const bytes = await readGivenFile(resolve(context.cwd, file), what);
  try {
    return parseStrict(bytes);
  } catch (error) {
    if (!(error instanceof CanonicalError)) throw error;
    throw cliError('USAGE', `${file}: expected JSON: ${error.message}`, { cause: error });
  }
}

/**
 * A policy document, with its Cedar from a file of its own where that is given: Cedar in a text of JSON is nothing to write by hand.
 *
 * @throws CliError the codes of the ledger; USAGE
 */
export async function readPolicy(
  file: string,
  cedar: string | undefined,
  context: CliContext,
): Promise<Policy> {
  const document = await readJson(file, 'policy', context);
  const json =
    cedar === undefined ? document : withCedar(document, await cedarText(cedar, context));
  try {
    return parsePolicy(json);
  } catch (error) {
    if (!(error instanceof BindingError)) throw error;
    throw new CliError(error.code, `${file}: ${error.message}`, { cause: error });
  }
}

async function cedarText(file: string, context: CliContext): Promise<string> {
  return fromUtf8(await readGivenFile(resolve(context.cwd, file), 'Cedar text'));
}

function withCedar(document: Json, cedar: string): Json {
  if (!isJsonObject(document) || 'cedar' in document) {
    throw cliError('USAGE', '--cedar: expected a policy document without "cedar" in it');
  }
  return { ...document, cedar };
}

/** Why a ledger would refuse it. */
export function faultsOf(policy: Policy): readonly PolicyFault[] {
  return isCedarPolicy(policy) ? POLICY_ENGINE.faults(policy) : [];
}

/** `policy small: line 3, column 8: what is wrong`. */
export function faultText({ id, line, column, message }: PolicyFault): string {
  const place = line === undefined ? [] : [`line ${line}, column ${column ?? 1}`];
  return [...(id === undefined ? [] : [`policy ${id}`]), ...place, message].join(': ');
}

/** @throws CliError SCHEMA_INVALID, as the ledger would */
export function assertFit(policy: Policy): void {
  const [fault] = faultsOf(policy);
  if (fault !== undefined) throw new CliError('SCHEMA_INVALID', faultText(fault));
}

/** What a ledger would accept, and somebody may not have meant. */
export function remarksOf(policy: Policy): readonly string[] {
  const asked = BUILTIN_DESCRIPTORS.filter(({ type }) => !isAuthorityType(type));
  if (!isCedarPolicy(policy)) {
    const named = new Set(policy.rules.flatMap(({ types }) => types));
    const strange = [...named].filter((name) => !asked.some(({ type }) => type === name));
    return [
      ...strange.map((type) => `no action type of this program is called ${type}`),
      ...policy.rules.flatMap((rule) => emergencyRemarks(rule, rule.types)),
      ...unasked(asked.filter(({ type }) => !named.has(type))),
    ];
  }
  const permitted = permittedTypes(policy, BUILTIN_DESCRIPTORS);
  const some = new Set([...permitted.values()].flat());
  return [
    ...unasked(asked.filter((each) => !some.has(each))),
    ...policy.rules.flatMap((rule) =>
      emergencyRemarks(
        rule,
        (permitted.get(rule.id) ?? []).map(({ type }) => type),
      ),
    ),
    ...policy.rules
      .filter(({ id }) => !permitted.has(id))
      .map(({ id }) => `no permit names the rule ${id}`),
  ];
}

/** `break_glass` and types of emergencies go together, or nobody can ask: schemas/formats/policy.md §11. */
function emergencyRemarks(
  { id, break_glass }: Policy['rules'][number] & Pick<CedarRule, 'break_glass'>,
  types: readonly string[],
): readonly string[] {
  const others = types.filter((type) => !isEmergencyType(type));
  if (break_glass !== undefined) {
    if (others.length === 0) return [];
    return [
      `rule ${id} has break_glass, which is for emergencies alone, so nobody can ask under it for: ${others.join(', ')}`,
    ];
  }
  if (others.length > 0 || types.length === 0) return [];
  return [`rule ${id} has no break_glass, so nobody can ask under it for: ${types.join(', ')}`];
}

/** In one line: most policies are for a few types, and there are many. */
function unasked(types: readonly Pick<Descriptor, 'type'>[]): readonly string[] {
  if (types.length === 0) return [];
  const names = types.map(({ type }) => type).join(', ');
  return [`nothing permits, so nobody can ask for: ${names}`];
}
