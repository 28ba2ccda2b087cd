import { isJsonArray, valueAt, type JsonObject } from '@countersign/canonical';
import type { Computation, Computed } from './computation.ts';
import { DescriptorError } from './descriptor-error.ts';
import type { DisplayLine } from './display.ts';
import { textAt } from './json-member.ts';
import { textWarnings } from './text-lines.ts';
import { shownPlain } from './text-safety.ts';

function groupsAt(params: JsonObject, pointer: string): string[] {
  const groups = valueAt(params, pointer);
  return isJsonArray(groups) ? groups.filter((group) => typeof group === 'string') : [];
}

function isInstance(params: JsonObject): boolean {
  return textAt(params, '/target/kind') === 'cloud-instance';
}

function isIsolation(params: JsonObject): boolean {
  return textAt(params, '/action') === 'isolate-host';
}

function check(params: JsonObject): void {
  if (!isInstance(params)) return;
  const before = groupsAt(params, '/target/groups_before');
  const after = groupsAt(params, '/target/groups_after');
  // A second group would let through what the quarantine shuts out: rules of groups add up.
  const [quarantine, other] = isIsolation(params) ? [after, before] : [before, after];
  const [group = '', ...more] = quarantine;
  if (more.length > 0 || other.includes(group)) {
    throw new DescriptorError(
      'SCHEMA_INVALID',
      '/params/target: expected the quarantine to be one group, which is not among the others',
    );
  }
}

function effectLine(params: JsonObject): DisplayLine {
  const isCut = isIsolation(params);
  if (!isInstance(params)) {
    return isCut
      ? { label: 'What is cut', value: 'every connection of the namespace, in and out' }
      : { label: 'What is opened', value: 'the network of the namespace, as it was before' };
  }
  return isCut
    ? {
        label: 'What is cut',
        value: `every new connection, in and out, that the group ${groupsAt(params, '/target/groups_after').join(', ')} does not let through`,
      }
    : {
        label: 'What is opened',
        value: `whatever these groups let through: ${groupsAt(params, '/target/groups_after').join(', ')}`,
      };
}

function undoText(params: JsonObject): string {
  if (!isIsolation(params)) return 'isolate-host on the same machine, in a request of its own';
  const how = isInstance(params) ? ', back to the groups of before' : '';
  return `release-host on the same machine${how}, in a request of its own; nothing is released by itself`;
}

function compute(params: JsonObject): Computed {
  const label = isIsolation(params) ? 'Cut off' : 'Let back';
  const name = textAt(params, '/target/display');
  const shown = shownPlain(name);
  const kind = isInstance(params) ? 'an instance of EC2' : 'a network namespace of Linux';
  return {
    lines: [
      { label, value: `${shown.text} (${kind})` },
      effectLine(params),
      { label: 'How it is undone', value: undoText(params) },
    ],
    warnings: textWarnings(label, name, shown),
  };
}

/** What is cut, and how it comes back. */
export const CONTAINMENT: Computation = {
  shows: ['/params/action', '/params/target/kind', '/params/target/display'],
  check,
  compute,
};

const GRAVE: ReadonlyMap<string, string> = new Map([
  ['none', 'none'],
  ['business', 'business'],
  ['crown-jewel', 'CROWN JEWEL: the business stands still without it'],
  ['safety', 'SAFETY: persons may come to harm without it'],
]);

function computeClaims(params: JsonObject): Computed {
  const label = 'How critical it is';
  const criticality = textAt(params, '/target/criticality');
  const value = GRAVE.get(criticality) ?? 'not given';
  const isGrave = criticality === 'crown-jewel' || criticality === 'safety';
  return {
    lines: [isGrave ? { label, value, mark: 'warning' } : { label, value }],
    warnings: isGrave ? [`${label}: ${value}`] : [],
  };
}

/** How much it hurts, which may make a person look twice. */
export const CONTAINMENT_CLAIMS: Computation = {
  shows: ['/params/target/criticality'],
  compute: computeClaims,
};
