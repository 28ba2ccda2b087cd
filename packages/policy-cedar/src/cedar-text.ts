import type { DetailedError, PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import type { CedarPolicy, PolicyFault } from '@countersign/binding';
import { cedar } from './cedar-module.ts';
import { readsOf, type Reads } from './cedar-reads.ts';

/** One policy of a text, as Cedar reads it. */
export interface ReadPolicy {
  /** The id that it gives itself, and that entries cite. */
  readonly id: string;
  readonly rule: string | undefined;
  readonly effect: 'permit' | 'forbid';
  readonly actions: 'ask' | 'decide' | 'other';
  readonly text: string;
  readonly reads: Reads;
  readonly groups: readonly string[];
  readonly persons: readonly string[];
}

export interface ReadText {
  readonly policies: readonly ReadPolicy[];
  readonly faults: readonly PolicyFault[];
}

const ID = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** Reads the text and finds what is wrong with it that no schema is needed for: schemas/formats/policy.md §7.1. */
export function readText(policy: Pick<CedarPolicy, 'cedar' | 'groups' | 'rules'>): ReadText {
  const parts = cedar().policySetTextToParts(policy.cedar);
  if (parts.type === 'failure') {
    return { policies: [], faults: parts.errors.map((error) => faultAt(policy.cedar, error)) };
  }
  const faults: PolicyFault[] = [];
  if (parts.policy_templates.length > 0)
    faults.push({ message: 'expected policies, no templates' });
  const policies: ReadPolicy[] = [];
  for (const text of parts.policies) {
    const json = cedar().policyToJson(text);
    if (json.type === 'failure') {
      faults.push(...json.errors.map((error) => ({ message: error.message })));
      continue;
    }
    const read = readPolicy(text, json.json);
    policies.push(read);
    const place = placeOf(policy.cedar, policy.cedar.indexOf(text));
    for (const message of complaints(read, { policy, before: policies.slice(0, -1) })) {
      faults.push({ ...(read.id !== '' && { id: read.id }), ...place, message });
    }
  }
  return { policies, faults };
}

function readPolicy(text: string, json: PolicyJson): ReadPolicy {
  const { id = '', rule } = json.annotations ?? {};
  return {
    id,
    rule,
    effect: json.effect,
    actions: actionsOf(json),
    text,
    reads: readsOf(json),
    groups: named('Group', json),
    persons: named('Person', json),
  };
}

function actionsOf({ action }: PolicyJson): ReadPolicy['actions'] {
  if (action.op !== '==' || !('entity' in action)) return 'other';
  const entity = '__entity' in action.entity ? action.entity.__entity : action.entity;
  return entity.id === 'ask' || entity.id === 'decide' ? entity.id : 'other';
}

interface Around {
  readonly policy: Pick<CedarPolicy, 'cedar' | 'groups' | 'rules'>;
  readonly before: readonly ReadPolicy[];
}

function complaints(read: ReadPolicy, around: Around): string[] {
  const missing = read.groups.filter((group) => !Object.hasOwn(around.policy.groups, group));
  return [
    ...idComplaints(read, around),
    ...ruleComplaints(read, around),
    ...missing.map((group) => `expected the group ${group} to be there`),
  ];
}

function idComplaints({ id }: ReadPolicy, { policy, before }: Around): string[] {
  if (!ID.test(id)) return ['expected @id("…") of 1 to 64 of a-z 0-9 . _ -'];
  if (before.some((each) => each.id === id)) return ['expected each @id once'];
  // Verifiers that have no Cedar look for the annotations as text.
  return policy.cedar.includes(`@id("${id}")`) ? [] : ['expected @id("…") without spaces'];
}

function ruleComplaints({ rule, effect, actions }: ReadPolicy, { policy }: Around): string[] {
  if (effect === 'permit' && actions === 'other') {
    return ['expected a permit for one action, ask or decide'];
  }
  if (effect === 'forbid' || actions === 'decide') {
    return rule === undefined ? [] : ['expected @rule("…") with a permit to ask only'];
  }
  if (rule === undefined) return ['expected @rule("…") with a permit to ask'];
  return isRule(policy, rule) ? [] : ['expected @rule("…") to name a rule'];
}

function isRule({ cedar: text, rules }: Around['policy'], rule: string): boolean {
  return rules.some(({ id }) => id === rule) && text.includes(`@rule("${rule}")`);
}

/** A group that is not there, or a person in none that lists them, would make a forbid that never forbids. */
function named(type: 'Group' | 'Person', json: unknown): string[] {
  if (typeof json !== 'object' || json === null) return [];
  if ('type' in json && json.type === type && 'id' in json && typeof json.id === 'string') {
    return [json.id];
  }
  return Object.values(json).flatMap((part) => named(type, part));
}

/** Where Cedar says that something is wrong. */
export function faultAt(text: string, error: DetailedError): PolicyFault {
  const [at] = error.sourceLocations ?? [];
  const more = [at?.label, error.help].filter((part) => typeof part === 'string');
  const message = [error.message, ...more].join('; ');
  return { ...(at !== undefined && placeOf(text, charactersIn(text, at.start))), message };
}

/** Cedar counts bytes of UTF-8. */
function charactersIn(text: string, bytes: number): number {
  return new TextDecoder().decode(new TextEncoder().encode(text).subarray(0, bytes)).length;
}

function placeOf(text: string, at: number): { line: number; column: number } {
  const lines = text.slice(0, Math.max(at, 0)).split('\n');
  return { line: lines.length, column: (lines.at(-1) ?? '').length + 1 };
}
