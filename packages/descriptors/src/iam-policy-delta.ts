import { canonicalText, type JsonObject } from '@countersign/canonical';
import type { Computation, Computed, FactRules } from './computation.ts';
import { DescriptorError } from './descriptor-error.ts';
import type { DisplayLine, DisplayMark } from './display.ts';
import { meaningOf, parseIamPolicy, type IamPolicy, type PolicyEntry } from './iam-policy.ts';
import { textAt } from './json-member.ts';
import { lineDifference, type LineDifference } from './line-difference.ts';
import { numberedLines, textWarnings } from './text-lines.ts';
import { shownTextLine } from './text-safety.ts';

/** Both documents together; more could not be shown in full anyway, and the comparison is quadratic. */
const LINES_MAX = 1900;

/** Services whose ARNs name no account. */
const ACCOUNTLESS = /^arn:[a-z0-9-]+:s3:::/;

function checkTarget(params: JsonObject): void {
  const ref = textAt(params, '/target/ref');
  const account = ref.split(':')[4] ?? '';
  const isOwn = account === textAt(params, '/account');
  if (!isOwn && !(account === '' && ACCOUNTLESS.test(ref))) {
    throw new DescriptorError(
      'UNRESOLVED_REFERENCE',
      '/params/target/ref: expected an ARN of /params/account',
    );
  }
  // The ARN of an inline policy is that of its role, user or group: only the name tells which.
  const isInline = textAt(params, '/target/kind') === 'inline-policy';
  if (isInline !== (textAt(params, '/target/policy_name') !== '')) {
    throw new DescriptorError(
      'UNRESOLVED_REFERENCE',
      '/params/target/policy_name: expected for an inline policy, and for no other',
    );
  }
}

function check(params: JsonObject): void {
  checkTarget(params);
  parseIamPolicy(textAt(params, '/before'), '/params/before');
  parseIamPolicy(textAt(params, '/after'), '/params/after');
}

interface Delta {
  readonly added: readonly PolicyEntry[];
  readonly removed: readonly PolicyEntry[];
  /** Those added that the old document denied. */
  readonly opened: readonly PolicyEntry[];
}

function missingFrom(policy: IamPolicy, other: IamPolicy): PolicyEntry[] {
  return [...policy.entries].filter(([key]) => !other.entries.has(key)).map(([, entry]) => entry);
}

function meaningKey(entry: PolicyEntry): string {
  return canonicalText(meaningOf(entry));
}

function deltaOf(before: IamPolicy, after: IamPolicy): Delta {
  const added = missingFrom(after, before);
  const removed = missingFrom(before, after);
  const denied = new Set(removed.filter(({ effect }) => effect === 'Deny').map(meaningKey));
  const isOpened = (entry: PolicyEntry): boolean =>
    entry.effect === 'Allow' && denied.has(meaningKey(entry));
  return { added, removed, opened: added.filter(isOpened) };
}

interface EntryGroup {
  readonly text: string;
  readonly effect: PolicyEntry['effect'];
  /** What about it the document alone does not decide. */
  readonly open: readonly string[];
}

function openParts(entries: readonly PolicyEntry[]): string[] {
  const parts = new Set<string>();
  for (const { action, resource, principal, condition } of entries) {
    if (action.openness !== undefined) parts.add(`${action.openness} in the action`);
    if (resource.openness !== undefined) parts.add(`${resource.openness} in the resource`);
    if (principal.openness !== undefined) parts.add(`${principal.openness} in the principal`);
    if (condition !== '') parts.add('condition');
  }
  return [...parts].sort();
}

function groupText([first, ...others]: readonly [PolicyEntry, ...PolicyEntry[]]): string {
  const actions = [first, ...others]
    .map(({ action }) => action)
    .sort((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key)))
    .map(({ text }) => text);
  const { effect, resource, principal, condition } = first;
  const parts = [
    `${effect} ${actions.join(', ')}`,
    resource.text === '' ? '' : ` on ${resource.text}`,
    principal.text === '' ? '' : ` for ${principal.text}`,
    condition === '' ? '' : ` if ${condition}`,
  ];
  return parts.join('');
}

/** Entries that differ in their action only share a line; lines ascend by what they share. */
function grouped(entries: readonly PolicyEntry[]): EntryGroup[] {
  const groups = new Map<string, [PolicyEntry, ...PolicyEntry[]]>();
  for (const entry of entries) {
    const [, ...shared] = meaningOf(entry);
    const key = canonicalText([entry.effect, ...shared]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [entry]);
    else group.push(entry);
  }
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, group]) => ({
      text: groupText(group),
      effect: group[0].effect,
      open: openParts(group),
    }));
}

function groupLines(
  label: string,
  groups: readonly EntryGroup[],
  mark: DisplayMark,
): DisplayLine[] {
  return groups.map(({ text }) => ({ label, value: text, mark }));
}

function undetermined(label: string, groups: readonly EntryGroup[]): DisplayLine[] {
  return groups
    .filter(({ open }) => open.length > 0)
    .map(({ text, open }) => ({
      label: 'Undetermined',
      value: `${label}: ${text}: ${open.join(', ')}`,
      mark: 'warning',
    }));
}

function versionLines(before: IamPolicy, after: IamPolicy): DisplayLine[] {
  if (before.version === after.version) return [];
  const [from, to] = [before.version, after.version].map((version) =>
    version === '' ? 'none' : version,
  );
  const value = `policy language ${from ?? ''} becomes ${to ?? ''}, which changes what policy variables mean`;
  return [{ label: 'Undetermined', value, mark: 'warning' }];
}

function deltaLines(before: IamPolicy, after: IamPolicy): DisplayLine[] {
  const { added, removed, opened } = deltaOf(before, after);
  const [news, olds] = [grouped(added), grouped(removed)];
  const undenied = olds.filter(({ effect }) => effect === 'Deny');
  const lines: DisplayLine[] = [
    ...groupLines('From Deny to Allow', grouped(opened), 'warning'),
    ...groupLines('New', news, 'added'),
    ...groupLines('Removed', olds, 'removed'),
    ...groupLines('No longer denied', undenied, 'warning'),
    ...undetermined('New', news),
    ...undetermined('Removed', olds),
    ...versionLines(before, after),
  ];
  const counts = [
    `New permissions: ${added.length}, removed: ${removed.length}`,
    `from Deny to Allow: ${opened.length}`,
    `undetermined: ${lines.filter(({ label }) => label === 'Undetermined').length}`,
  ];
  return [{ label: 'What changes', value: counts.join(', ') }, ...lines];
}

function textSummary(
  difference: LineDifference,
  isSameText: boolean,
  isSameMeaning: boolean,
): string {
  if (isSameText) return 'the same, byte for byte';
  const changed = `${difference.changed} lines changed`;
  return isSameMeaning ? `differs, meaning equal: ${changed}` : `differs: ${changed}`;
}

/** Values of the documents as the parser reads them, so an escape there can hide nothing here. */
function shownLines(lines: readonly DisplayLine[]): Computed {
  const shown = lines.map((line) => ({ line, text: shownTextLine(line.value) }));
  return {
    lines: shown.map(({ line, text }) => ({ ...line, value: text.text })),
    warnings: shown.flatMap(({ line, text }) => [
      ...(line.mark === 'warning' ? [`${line.label}: ${text.text}`] : []),
      ...textWarnings(line.label, line.value, text),
    ]),
  };
}

function compute(params: JsonObject): Computed {
  const [before, after] = [textAt(params, '/before'), textAt(params, '/after')];
  const [oldLines, newLines] = [before.split('\n'), after.split('\n')];
  if (oldLines.length + newLines.length > LINES_MAX) {
    throw new DescriptorError(
      'RENDER_REFUSED',
      `/params: expected before and after of at most ${LINES_MAX} lines together`,
    );
  }
  const [oldPolicy, newPolicy] = [
    parseIamPolicy(before, '/params/before'),
    parseIamPolicy(after, '/params/after'),
  ];
  const difference = lineDifference(oldLines, newLines);
  const delta = shownLines(deltaLines(oldPolicy, newPolicy));
  const summary = textSummary(difference, before === after, delta.lines.length === 1);
  const texts = [
    numberedLines('Before', difference.before),
    numberedLines('After', difference.after),
  ];
  return {
    lines: [
      ...delta.lines,
      { label: 'Text', value: summary },
      ...texts.flatMap(({ lines }) => lines),
    ],
    warnings: [...delta.warnings, ...texts.flatMap(({ warnings }) => warnings)],
  };
}

const FACTS: FactRules = {
  kinds: {
    allows: 'texts',
    added: 'integer',
    removed: 'integer',
    opened: 'integer',
    undetermined: 'integer',
  },
  of: (params) => {
    const before = parseIamPolicy(textAt(params, '/before'), '/params/before');
    const after = parseIamPolicy(textAt(params, '/after'), '/params/after');
    const { added, removed, opened } = deltaOf(before, after);
    const allowed = added.filter(({ effect }) => effect === 'Allow');
    return {
      // AWS compares actions without case.
      allows: [...new Set(allowed.map(({ action }) => action.text.toLowerCase()))],
      added: added.length,
      removed: removed.length,
      opened: opened.length,
      undetermined: deltaLines(before, after).filter(({ label }) => label === 'Undetermined')
        .length,
    };
  },
};

/** What a change of an AWS policy document gives and takes, worked out from both documents (E05). */
export const IAM_POLICY_DELTA: Computation = {
  shows: ['/params/before', '/params/after'],
  check,
  facts: FACTS,
  compute,
};
