import { canonicalText, isJsonObject, type Json, type JsonObject } from '@countersign/canonical';
import { lineDifference } from '@countersign/descriptors';
import { jsonOf } from './json-bytes.ts';
import { isCedarPolicy, type Policy } from './policy.ts';

/** One thing in which two policies differ: without `before` it was added, without `after` removed. */
export interface PolicyDifference {
  /** Where, for people: `rule glass: approvals`. */
  readonly at: string;
  readonly before?: string;
  readonly after?: string;
}

/** The comparison is quadratic in the lines between the first difference and the last one. */
const LINES_MAX = 1_500;

/** All that differs, rule by rule and member by member; nothing only if both are the same policy. */
export function policyDifference(before: Policy, after: Policy): readonly PolicyDifference[] {
  return [
    ...valueDifference('version', before.v, after.v),
    ...membersDifference((id) => `rule ${id}`, byId(before.rules), byId(after.rules)),
    ...orderDifference(
      before.rules.map(({ id }) => id),
      after.rules.map(({ id }) => id),
    ),
    ...namedDifference((name) => `group ${name}`, groupsOf(before), groupsOf(after)),
    ...cedarDifference(cedarOf(before), cedarOf(after)),
  ];
}

function groupsOf(policy: Policy): JsonObject {
  return isCedarPolicy(policy) ? { ...policy.groups } : {};
}

/** Line by line as Cedar reads it: a comment ends at a carriage return too, and what follows is in force. */
function cedarOf(policy: Policy): readonly string[] {
  return isCedarPolicy(policy) ? policy.cedar.replaceAll(/\r(?!\n)/g, '\r\n').split('\n') : [];
}

function byId(rules: Policy['rules']): JsonObject {
  return Object.fromEntries(rules.map(({ id, ...members }) => [id, jsonOf(members)]));
}

/** Of a rule that both have its members, and of any other the whole. */
function membersDifference(
  name: (id: string) => string,
  before: JsonObject,
  after: JsonObject,
): PolicyDifference[] {
  return namesIn(before, after).flatMap((id) => {
    const [was, is] = [memberOf(before, id), memberOf(after, id)];
    if (!isJsonObject(was) || !isJsonObject(is)) return valueDifference(name(id), was, is);
    return namedDifference((member) => `${name(id)}: ${member}`, was, is);
  });
}

function namedDifference(
  name: (member: string) => string,
  before: JsonObject,
  after: JsonObject,
): PolicyDifference[] {
  return namesIn(before, after).flatMap((member) =>
    valueDifference(name(member), memberOf(before, member), memberOf(after, member)),
  );
}

/** A rule or a group may be called as what every object inherits. */
function memberOf(object: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

function namesIn(before: JsonObject, after: JsonObject): readonly string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])];
}

function valueDifference(
  at: string,
  before: Json | undefined,
  after: Json | undefined,
): PolicyDifference[] {
  if (before === undefined) return after === undefined ? [] : [{ at, after: wordsOf(after) }];
  if (after === undefined) return [{ at, before: wordsOf(before) }];
  if (canonicalText(before) === canonicalText(after)) return [];
  const each = listDifference(at, before, after);
  return each.length > 0 ? each : [{ at, before: wordsOf(before), after: wordsOf(after) }];
}

/** Of two lists of texts, whatever their order. */
function listDifference(at: string, before: Json, after: Json): PolicyDifference[] {
  if (!isTexts(before) || !isTexts(after)) return [];
  return [
    ...before.filter((text) => !after.includes(text)).map((text) => ({ at, before: text })),
    ...after.filter((text) => !before.includes(text)).map((text) => ({ at, after: text })),
  ];
}

function isTexts(json: Json): json is readonly string[] {
  return Array.isArray(json) && json.every((each) => typeof each === 'string');
}

function wordsOf(json: Json): string {
  return typeof json === 'string' ? json : canonicalText(json);
}

/** Of the rules that both have. */
function orderDifference(before: readonly string[], after: readonly string[]): PolicyDifference[] {
  const was = before.filter((id) => after.includes(id)).join(', ');
  const is = after.filter((id) => before.includes(id)).join(', ');
  return was === is ? [] : [{ at: 'order of the rules', before: was, after: is }];
}

function cedarDifference(before: readonly string[], after: readonly string[]): PolicyDifference[] {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < shorter - head && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  const was = before.slice(head, before.length - tail);
  const is = after.slice(head, after.length - tail);
  if (was.length + is.length > LINES_MAX) {
    const lines = (count: number): string => `${count} lines from line ${head + 1} on`;
    return [{ at: 'Cedar', before: lines(was.length), after: lines(is.length) }];
  }
  const marked = lineDifference(was, is);
  return [
    ...marked.before.flatMap(({ text, mark }, line) =>
      mark === undefined ? [] : [{ at: `Cedar, line ${head + line + 1} before`, before: text }],
    ),
    ...marked.after.flatMap(({ text, mark }, line) =>
      mark === undefined ? [] : [{ at: `Cedar, line ${head + line + 1}`, after: text }],
    ),
  ];
}
