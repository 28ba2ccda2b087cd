import {
  CanonicalError,
  canonicalText,
  isJsonArray,
  isJsonObject,
  parseStrict,
  pointerTo,
  utf8,
  type Json,
} from '@countersign/canonical';
import { DescriptorError } from './descriptor-error.ts';

/** One thing that an entry is about. Equal keys mean the same. */
interface Subject {
  readonly key: string;
  readonly text: string;
  /** Why it cannot be told from the document alone what this stands for. */
  readonly openness: 'wildcard' | 'policy variable' | 'Not element' | undefined;
}

/** One cell of a statement: one action on one resource for one principal, under its condition. */
export interface PolicyEntry {
  readonly effect: 'Allow' | 'Deny';
  readonly action: Subject;
  readonly resource: Subject;
  readonly principal: Subject;
  /** Canonical text, or empty. */
  readonly condition: string;
}

export interface IamPolicy {
  /** Empty if the document names none, which AWS reads as 2008-10-17. */
  readonly version: string;
  /** By a key that is equal for entries of one meaning. */
  readonly entries: ReadonlyMap<string, PolicyEntry>;
}

type Members = Readonly<Record<string, Json | undefined>>;

const LIMITS = { maxBytes: 12_288, maxDepth: 16, maxMembers: 4096 };
const ENTRIES_MAX = 20_000;

const POLICY_MEMBERS = ['Version', 'Id', 'Statement'];
const STATEMENT_MEMBERS = [
  ...['Sid', 'Effect', 'Principal', 'NotPrincipal', 'Action', 'NotAction'],
  ...['Resource', 'NotResource', 'Condition'],
];
const VERSIONS = ['2008-10-17', '2012-10-17'];
const ACTION = /^[A-Za-z0-9:*?_-]+$/;
const UNQUOTED = /^[!#-&(-+\--~]+$/;

const NOBODY: Subject = { key: '', text: '', openness: undefined };

function invalid(pointer: string, expected: string): DescriptorError {
  return new DescriptorError('SCHEMA_INVALID', `${pointer}: expected ${expected}`);
}

/** An element that we do not know could change the meaning of all the others. */
function membersOf(value: Json | undefined, known: readonly string[], pointer: string): Members {
  if (!isJsonObject(value)) throw invalid(pointer, 'an object');
  if (Object.keys(value).every((name) => known.includes(name))) return value;
  throw new DescriptorError('UNRENDERABLE', `${pointer}: expected only ${known.join(', ')}`);
}

function listOf(value: Json): readonly Json[] {
  return isJsonArray(value) ? value : [value];
}

function textsOf(value: Json, pointer: string): string[] {
  const texts = listOf(value).filter((text) => typeof text === 'string' && text !== '');
  if (texts.length === 0 || texts.length !== listOf(value).length) {
    throw invalid(pointer, 'one text or more');
  }
  return texts as string[];
}

/** Plain where it cannot run together with the words around it. */
function named(text: string): string {
  return UNQUOTED.test(text) ? text : canonicalText(text);
}

function opennessOf(text: string): Subject['openness'] {
  if (/[*?]/.test(text)) return 'wildcard';
  return text.includes('${') ? 'policy variable' : undefined;
}

/** The sign keeps a value apart from what only is written like the key of something else. */
function subject(text: string, key: string = text): Subject {
  return { key: `=${key}`, text: named(text), openness: opennessOf(text) };
}

/** A Not element speaks of all but its values together, so it cannot be split into them. */
function exceptFor(subjects: readonly Subject[], what: string): Subject {
  const sorted = [...subjects].sort((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key)));
  return {
    key: `!${canonicalText(sorted.map(({ key }) => key))}`,
    text: `every ${what} but ${sorted.map(({ text }) => text).join(', ')}`,
    openness: 'Not element',
  };
}

interface ElementPair {
  readonly name: 'Action' | 'Resource' | 'Principal';
  readonly what: string;
  readonly read: (value: Json, pointer: string) => Subject[];
}

function readActions(value: Json, pointer: string): Subject[] {
  return textsOf(value, pointer).map((text) => {
    if (!ACTION.test(text)) throw invalid(pointer, 'names of actions');
    // AWS compares actions without case.
    return subject(text, text.toLowerCase());
  });
}

function readResources(value: Json, pointer: string): Subject[] {
  return textsOf(value, pointer).map((text) => subject(text));
}

function readPrincipals(value: Json, pointer: string): Subject[] {
  if (value === '*') return [{ key: '*', text: 'everyone (*)', openness: 'wildcard' }];
  const kinds = membersOf(value, ['AWS', 'Service', 'Federated', 'CanonicalUser'], pointer);
  return Object.entries(kinds).flatMap(([kind, names]) =>
    textsOf(names ?? null, pointerTo(pointer, kind)).map((name) => ({
      ...subject(name, `${kind} ${name}`),
      text: `${kind} ${named(name)}`,
    })),
  );
}

const ACTIONS: ElementPair = { name: 'Action', what: 'action', read: readActions };
const RESOURCES: ElementPair = { name: 'Resource', what: 'resource', read: readResources };
const PRINCIPALS: ElementPair = { name: 'Principal', what: 'principal', read: readPrincipals };

/** The element or its Not form, or neither; both at once is no valid statement. */
function subjectsOf(statement: Members, pair: ElementPair, pointer: string): Subject[] {
  const [plain, not] = [statement[pair.name], statement[`Not${pair.name}`]];
  if (plain !== undefined && not !== undefined) throw invalid(pointer, `one ${pair.name} element`);
  const value = plain ?? not;
  if (value === undefined) return [NOBODY];
  const name = plain === undefined ? `Not${pair.name}` : pair.name;
  const subjects = pair.read(value, `${pointer}/${name}`);
  if (subjects.length === 0) throw invalid(`${pointer}/${name}`, 'at least one');
  return plain === undefined ? [exceptFor(subjects, pair.what)] : subjects;
}

/** The values of one condition key are alternatives: their order and doubles mean nothing. */
function conditionText(value: Json | undefined, pointer: string): string {
  if (value === undefined) return '';
  if (!isJsonObject(value)) throw invalid(pointer, 'an object');
  const operators = Object.entries(value).map(([operator, keys]) => {
    if (!isJsonObject(keys)) throw invalid(pointerTo(pointer, 'operator'), 'an object');
    const sorted = Object.entries(keys).map(([key, values]): [string, Json] => {
      const byText = new Map(listOf(values).map((item) => [canonicalText(item), item]));
      return [key, [...byText.keys()].sort().map((text) => byText.get(text) ?? null)];
    });
    return [operator, Object.fromEntries(sorted)] as const;
  });
  return canonicalText(Object.fromEntries(operators));
}

function entryKey(entry: PolicyEntry): string {
  return canonicalText([entry.effect, ...meaningOf(entry)]);
}

/** All of an entry but whether it allows or denies. */
export function meaningOf(entry: PolicyEntry): readonly string[] {
  return [entry.action.key, entry.resource.key, entry.principal.key, entry.condition];
}

function entriesOf(json: Json, pointer: string): PolicyEntry[] {
  const statement = membersOf(json, STATEMENT_MEMBERS, pointer);
  const { Effect: effect, Sid: sid } = statement;
  if (effect !== 'Allow' && effect !== 'Deny') throw invalid(`${pointer}/Effect`, 'Allow or Deny');
  if (sid !== undefined && typeof sid !== 'string') throw invalid(`${pointer}/Sid`, 'a text');
  const actions = subjectsOf(statement, ACTIONS, pointer);
  const resources = subjectsOf(statement, RESOURCES, pointer);
  const principals = subjectsOf(statement, PRINCIPALS, pointer);
  if (actions[0] === NOBODY) throw invalid(`${pointer}/Action`, 'this element, or NotAction');
  if (actions.length * resources.length * principals.length > ENTRIES_MAX) throw tooMany(pointer);
  const condition = conditionText(statement['Condition'], `${pointer}/Condition`);
  return actions.flatMap((action) =>
    resources.flatMap((resource) =>
      principals.map((principal) => ({ effect, action, resource, principal, condition })),
    ),
  );
}

function tooMany(pointer: string): DescriptorError {
  return new DescriptorError('RENDER_REFUSED', `${pointer}: more than ${ENTRIES_MAX} entries`);
}

function parseText(text: string, pointer: string): Json {
  try {
    return parseStrict(utf8(text), LIMITS);
  } catch (error) {
    if (!(error instanceof CanonicalError)) throw error;
    const code = error.code === 'LIMIT_EXCEEDED' ? 'LIMIT_EXCEEDED' : 'SCHEMA_INVALID';
    throw new DescriptorError(code, `${pointer}: expected a policy document, got ${error.code}`, {
      cause: error,
    });
  }
}

/**
 * Reads an AWS policy document from its exact text, through the same gate as everything else.
 * @throws {DescriptorError} SCHEMA_INVALID, LIMIT_EXCEEDED, RENDER_REFUSED, and UNRENDERABLE for elements
 * whose meaning we do not know
 */
export function parseIamPolicy(text: string, pointer: string): IamPolicy {
  const policy = membersOf(parseText(text, pointer), POLICY_MEMBERS, pointer);
  const { Version: version = '', Id: id = '', Statement: statements } = policy;
  if (typeof version !== 'string' || (version !== '' && !VERSIONS.includes(version))) {
    throw invalid(`${pointer}/Version`, VERSIONS.join(' or '));
  }
  if (typeof id !== 'string') throw invalid(`${pointer}/Id`, 'a text');
  if (statements === undefined) throw invalid(`${pointer}/Statement`, 'this element');
  const entries = new Map<string, PolicyEntry>();
  for (const [index, statement] of listOf(statements).entries()) {
    for (const entry of entriesOf(statement, `${pointer}/Statement/${index}`)) {
      const key = entryKey(entry);
      if (!entries.has(key)) entries.set(key, entry);
      if (entries.size > ENTRIES_MAX) throw tooMany(pointer);
    }
  }
  return { version, entries };
}
