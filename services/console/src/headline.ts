import type { Display, DisplayLine } from '@countersign/descriptors';

/** One line of what tells a request from others of its type. */
export interface HeadlinePart {
  readonly text: string;
  /** How many characters more there are. Never a part of the text, which somebody else wrote. */
  readonly more: number;
}

const PART_MAX = 160;
const PARTS_MAX = 4;

/** Lines of a display by their labels, in the order in which they tell the most. */
const TELLING: ReadonlyMap<string, readonly string[]> = new Map([
  [
    'authority.change',
    ['Change', 'Person', 'Agent', 'Executor', 'Id to revoke', 'Credential', 'Action type'],
  ],
  [
    'authority.home',
    ['Change', 'Ledger of the tenant', 'Shard that it leaves for ever', 'Shard that it goes on in'],
  ],
  ['authority.recovery', ['Change', 'Person', 'Takes effect']],
  ['authority.cancel', ['Change', 'Person']],
  ['authority.deputy', ['Change', 'Who is away', 'Deputy', 'Until']],
  ['authority.sponsor', ['Change', 'Agent', 'Sponsor']],
  ['authority.issuer', ['Change', 'Issuer', 'Issuer to revoke']],
  ['authority.freeze', ['Change']],
  ['authority.thaw', ['Change', 'Ends the freeze']],
  ['authority.logkey', ['Change', 'Verifier key to add', 'Id of the key to remove']],
]);

/**
 * The computed facts that come first, in a list as on a page. They are lines of the display, which a person who
 * decides sees in full: nothing is said here that is not there.
 */
export function headlineOf({ type, lines }: Display): readonly HeadlinePart[] {
  return partsOf(type, lines).slice(0, PARTS_MAX).map(cut);
}

function partsOf(type: string, lines: readonly DisplayLine[]): readonly string[] {
  switch (type) {
    case 'generic.command':
      return commandParts(lines);
    case 'emergency.command':
      return ['BREAK-GLASS', ...commandParts(lines)];
    case 'iam.policy.change':
      return policyParts(lines);
    case 'payment.grant':
      return grantParts(lines);
    default:
      return tellingParts(type, lines);
  }
}

function commandParts(lines: readonly DisplayLine[]): string[] {
  const words = lines.filter(({ label }) => /^(Program|Argument \d+)$/.test(label));
  const folder = lines.find(({ label }) => label === 'Working directory');
  return [
    words.map(({ value }) => value).join(' '),
    ...(folder === undefined ? [] : [`in ${folder.value}`]),
  ];
}

/** What is granted and taken away, since two changes of one policy differ in nothing else. */
function policyParts(lines: readonly DisplayLine[]): string[] {
  const all = (label: string): string[] => valuesOf(lines, label);
  const target = [...all('Target'), ...all('Name of the inline policy')].join(' ');
  const changes = ['No longer denied', 'New', 'Removed'].flatMap((label) => {
    const [first, ...others] = all(label);
    if (first === undefined) return [];
    return [
      others.length === 0 ? `${label}: ${first}` : `${label} (1 of ${others.length + 1}): ${first}`,
    ];
  });
  return [target, ...(changes.length === 0 ? all('What changes') : changes)];
}

/** The worst case first: two grants to one payee differ in what they can come to. */
function grantParts(lines: readonly DisplayLine[]): string[] {
  return ['In all at most', 'Pay', 'Account of the payee', 'From the account'].flatMap((label) =>
    valuesOf(lines, label).map((value) => `${label}: ${value}`),
  );
}

function valuesOf(lines: readonly DisplayLine[], wanted: string): string[] {
  return lines.filter(({ label }) => label === wanted).map(({ value }) => value);
}

function tellingParts(type: string, lines: readonly DisplayLine[]): string[] {
  const labels = TELLING.get(type);
  // The first line of every display says its type only.
  if (labels === undefined) return lines.slice(1).map(({ label, value }) => `${label}: ${value}`);
  return labels.flatMap((label) => valuesOf(lines, label));
}

function cut(text: string): HeadlinePart {
  const characters = Array.from(text);
  const more = Math.max(0, characters.length - PART_MAX);
  return { text: more === 0 ? text : characters.slice(0, PART_MAX).join(''), more };
}
