import {
  isJsonArray,
  isJsonObject,
  valueAt,
  type Json,
  type JsonObject,
} from '@countersign/canonical';
import type { Computation, Computed } from './computation.ts';
import { DescriptorError } from './descriptor-error.ts';
import type { DisplayLine } from './display.ts';
import { textAt } from './json-member.ts';
import { textWarnings } from './text-lines.ts';
import { shownPlain } from './text-safety.ts';

const PASSWORD = 'postgresql-role-password';

function overlapOf(params: JsonObject): number {
  return Number(valueAt(params, '/overlap_seconds'));
}

function check(params: JsonObject): void {
  const isPassword = textAt(params, '/key/kind') === PASSWORD;
  const action = textAt(params, '/old_key_action');
  // A role has one password: the new one ends the old one, there and then.
  if (isPassword && action !== 'revoke') {
    throw new DescriptorError(
      'SCHEMA_INVALID',
      '/params/old_key_action: expected revoke for a password',
    );
  }
  if (overlapOf(params) !== 0 && (isPassword || action === 'keep')) {
    throw new DescriptorError(
      'SCHEMA_INVALID',
      '/params/overlap_seconds: expected 0 where the old key is kept, and for a password',
    );
  }
}

function whenText(seconds: number): string {
  return seconds === 0 ? 'at once' : `${seconds} seconds after the new one is there`;
}

function oldKeyLine(params: JsonObject): DisplayLine {
  const label = 'The old one';
  const isPassword = textAt(params, '/key/kind') === PASSWORD;
  const when = whenText(overlapOf(params));
  switch (textAt(params, '/old_key_action')) {
    case 'keep':
      return { label, value: 'is KEPT: it goes on working beside the new one', mark: 'warning' };
    case 'disable':
      return { label, value: `is DISABLED ${when}, and can be enabled again` };
    default:
      return isPassword
        ? { label, value: `ENDS ${when}, for ever: a role has one password`, mark: 'warning' }
        : { label, value: `is DELETED ${when}, for ever`, mark: 'warning' };
  }
}

function compute(params: JsonObject): Computed {
  const line = oldKeyLine(params);
  return { lines: [line], warnings: warningsOf(line) };
}

function warningsOf({ label, value, mark }: DisplayLine): string[] {
  return mark === undefined ? [] : [`${label}: ${value}`];
}

/** What becomes of the key that is replaced. */
export const KEY_ROTATION: Computation = {
  shows: ['/params/old_key_action', '/params/overlap_seconds'],
  check,
  compute,
};

interface Consumer {
  readonly id: string;
  readonly lastSeen: string;
  readonly isVerified: boolean;
}

function consumerOf(json: Json): Consumer {
  return {
    id: textAt(json, '/id'),
    lastSeen: textAt(json, '/last_seen'),
    isVerified: isJsonObject(json) && json['verified'] === true,
  };
}

function consumerLines(label: string, consumers: readonly Consumer[]): Computed {
  const lines: DisplayLine[] = [];
  const warnings: string[] = [];
  for (const [index, { id, lastSeen, isVerified }] of consumers.entries()) {
    const at = `${label} ${index + 1}`;
    const shown = shownPlain(id);
    const line = { label: at, value: `${shown.text}, last seen ${lastSeen} (UTC)` };
    lines.push(isVerified ? line : { ...line, mark: 'warning' });
    if (!isVerified) warnings.push(`${at}: ${line.value}`);
    warnings.push(...textWarnings(at, id, shown));
  }
  return { lines, warnings };
}

function usersLine(count: number, open: number): DisplayLine {
  const label = 'Who uses the old one';
  if (count === 0) return { label, value: 'nobody is known', mark: 'warning' };
  if (open === 0) return { label, value: `${count} seen, all verified to take the new one` };
  const value = `${count} seen, ${open} of them NOT VERIFIED to take the new one`;
  return { label, value, mark: 'warning' };
}

function computeConsumers(params: JsonObject): Computed {
  const given = valueAt(params, '/consumers');
  const consumers = isJsonArray(given) ? given.map(consumerOf) : [];
  const open = consumers.filter(({ isVerified }) => !isVerified);
  const line = usersLine(consumers.length, open.length);
  const parts = [
    { lines: [line], warnings: warningsOf(line) },
    consumerLines('Not verified', open),
    consumerLines(
      'Verified',
      consumers.filter(({ isVerified }) => isVerified),
    ),
  ];
  return {
    lines: parts.flatMap(({ lines }) => lines),
    warnings: parts.flatMap(({ warnings }) => warnings),
  };
}

/** Who would be cut off, by name: those who were not seen to be ready come first. */
export const KEY_CONSUMERS: Computation = {
  shows: [
    '/params/consumers',
    '/params/consumers/*/id',
    '/params/consumers/*/last_seen',
    '/params/consumers/*/verified',
  ],
  compute: computeConsumers,
};
