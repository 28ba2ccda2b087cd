import type { Policy } from '@countersign/binding';
import { canonicalText, type Json, type JsonObject } from '@countersign/canonical';
import { CliError, cliError } from './cli-error.ts';
import {
  decidersFor,
  objectIn,
  subjectOf,
  VERDICT_MEMBERS,
  verdictJson,
  verdictOf,
  type CaseParties,
} from './policy-case.ts';

/** What is expected of a policy for one action: docs/policies.md, "Test it". */
export interface PolicyCase {
  readonly name: string;
  readonly action: JsonObject;
  readonly parties: CaseParties;
  readonly expect: JsonObject;
}

export interface CaseResult {
  readonly name: string;
  /** What is not as expected: the member, and what there is in its place. */
  readonly differences: readonly string[];
}

const CASE_MEMBERS = [
  ...['name', 'action', 'owner', 'operator', 'persons', 'separation', 'recent', 'expect'],
];
const COUNTS = ['count_1h', 'count_24h'];

/** @throws CliError USAGE */
export function parseCases(json: Json): readonly PolicyCase[] {
  const { v, cases, ...rest } = objectIn(json, 'the cases');
  if (
    v !== 'countersign.policy-cases.v1' ||
    !Array.isArray(cases) ||
    Object.keys(rest).length > 0
  ) {
    throw cliError(
      'USAGE',
      'the cases: expected {"v": "countersign.policy-cases.v1", "cases": […]}',
    );
  }
  return (cases as readonly Json[]).map(parseCase);
}

function parseCase(json: Json, index: number): PolicyCase {
  const given = objectIn(json, `cases/${index}`);
  assertMembers(given, CASE_MEMBERS, `cases/${index}`);
  const { name, owner, operator, persons, separation } = given;
  const expect = objectIn(given['expect'], `cases/${index}/expect`);
  assertMembers(expect, VERDICT_MEMBERS, `cases/${index}/expect`);
  if (typeof name !== 'string') throw cliError('USAGE', `cases/${index}/name: expected a text`);
  const recent = recentIn(given['recent'], `cases/${index}/recent`);
  const listed = Array.isArray(persons) ? (persons as readonly Json[]) : [];
  return {
    name,
    action: objectIn(given['action'], `cases/${index}/action`),
    expect,
    parties: {
      ...(typeof owner === 'string' && { owner }),
      ...(operator === true && { operator }),
      ...(separation === 'solo' && { separation }),
      ...(recent !== undefined && { recent }),
      persons: listed.filter((each) => typeof each === 'string'),
    },
  };
}

function recentIn(json: Json | undefined, where: string): CaseParties['recent'] {
  if (json === undefined) return undefined;
  const given = objectIn(json, where);
  assertMembers(given, COUNTS, where);
  const [hour = 0, day = 0] = COUNTS.map((name) => given[name]);
  if (typeof hour === 'number' && typeof day === 'number') {
    return { count_1h: hour, count_24h: day };
  }
  throw cliError('USAGE', `${where}: expected counts`);
}

/** A member that is misspelt would be an expectation that nothing looks at. */
function assertMembers(given: JsonObject, known: readonly string[], where: string): void {
  const stray = Object.keys(given).find((name) => !known.includes(name));
  if (stray !== undefined) {
    throw cliError('USAGE', `${where}: expected only ${known.join(', ')}, got another member`);
  }
}

export function runCase(policy: Policy, each: PolicyCase): CaseResult {
  const got = verdictFor(policy, each);
  const differences = Object.entries(each.expect).flatMap(([member, expected]) => {
    const found = got[member] ?? null;
    if (canonicalText(found) === canonicalText(expected)) return [];
    return [`${member}: expected ${canonicalText(expected)}, got ${canonicalText(found)}`];
  });
  return { name: each.name, differences };
}

/** An action that a ledger would not read has its code, like any other refusal. */
function verdictFor(
  policy: Policy,
  { action, parties }: PolicyCase,
): Readonly<Record<string, Json>> {
  try {
    const subject = subjectOf(action, parties);
    return verdictJson(verdictOf(policy, subject, decidersFor(policy, subject, parties)));
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return { code: error.code === 'UNKNOWN_TYPE' ? 'NO_POLICY' : error.code };
  }
}
