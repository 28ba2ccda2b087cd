import type {
  CedarPolicy,
  OpenPolicy,
  PolicyEngine,
  PolicyFault,
  PolicySubject,
} from '@countersign/binding';
import type { Digest } from '@countersign/canonical';
import type { Descriptor } from '@countersign/descriptors';
import type { Response, SchemaJson, TypeAndId } from '@cedar-policy/cedar-wasm/nodejs';
import { agentOf, entitiesOf, personOf, resourceOf } from './cedar-entities.ts';
import { cedar } from './cedar-module.ts';
import { readsOfAll, type Reads } from './cedar-reads.ts';
import { cedarSchema } from './cedar-schema.ts';
import { confirmFaults } from './confirm-faults.ts';
import { faultAt, readText, type ReadPolicy } from './cedar-text.ts';

/** Policies that one engine keeps parsed: a ledger has one in force. */
const OPEN_MAX = 16;

/** Cedar keeps what is parsed under a name, in one list for the process: no two engines may share a name. */
let engines = 0;

/** Reads and evaluates policies in Cedar over these action types. One per process is enough. */
export function cedarEngine(descriptors: readonly Descriptor[]): PolicyEngine {
  return new CedarEngine(descriptors);
}

class CedarEngine implements PolicyEngine {
  readonly #descriptors: readonly Descriptor[];
  readonly #name: string;
  #schema: SchemaJson<string> | undefined;
  /** In the order of their last use. */
  readonly #open = new Map<Digest, { readonly slot: number; readonly policy: OpenPolicy }>();

  constructor(descriptors: readonly Descriptor[]) {
    this.#descriptors = descriptors;
    engines += 1;
    this.#name = `engine ${engines}`;
  }

  faults(policy: CedarPolicy): readonly PolicyFault[] {
    const { policies, faults } = readText(policy);
    if (faults.length > 0) return faults;
    this.#schema ??= cedarSchema(this.#descriptors);
    const answer = cedar().validate({
      validationSettings: { mode: 'strict' },
      schema: this.#schema,
      policies: { staticPolicies: policy.cedar },
    });
    if (answer.type === 'failure')
      return answer.errors.map((error) => faultAt(policy.cedar, error));
    // A warning is that a policy can never apply, or that two names look alike: a forbid of that kind protects nobody.
    const found = [...answer.validationErrors, ...answer.validationWarnings];
    return [
      ...found.map(({ policyId, error }) => named(policy.cedar, policyId, { error, policies })),
      ...answer.otherWarnings.map((error) => faultAt(policy.cedar, error)),
      ...confirmFaults(policy, policies, this.#descriptors),
    ];
  }

  open(policy: CedarPolicy, digest: Digest): OpenPolicy | undefined {
    const known = this.#open.get(digest);
    this.#open.delete(digest);
    const kept = known ?? this.#parsed(policy);
    if (kept !== undefined) this.#open.set(digest, kept);
    return kept?.policy;
  }

  #parsed(policy: CedarPolicy): { slot: number; policy: OpenPolicy } | undefined {
    const { policies, faults } = readText(policy);
    if (faults.length > 0) return undefined;
    const slot = this.#freeSlot();
    const name = `${this.#name}, policy ${slot}`;
    const staticPolicies = Object.fromEntries(policies.map(({ id, text }) => [id, text]));
    const answer = cedar().preparsePolicySet(name, { staticPolicies });
    if (answer.type === 'failure') return undefined;
    return { slot, policy: new ParsedPolicy(name, policies, policy.groups) };
  }

  /** The one that was used longest ago is parsed over. */
  #freeSlot(): number {
    const [oldest] = this.#open;
    if (this.#open.size === OPEN_MAX && oldest !== undefined) this.#open.delete(oldest[0]);
    const taken = new Set([...this.#open.values()].map(({ slot }) => slot));
    return (
      Array.from({ length: OPEN_MAX }, (_, slot) => slot).find((slot) => !taken.has(slot)) ?? 0
    );
  }
}

class ParsedPolicy implements OpenPolicy {
  readonly readsClaims: boolean;
  readonly readsRecent: boolean;
  readonly deciders: OpenPolicy['deciders'];
  readonly #name: string;
  readonly #groups: CedarPolicy['groups'];
  /** Whom the text itself names. */
  readonly #persons: readonly string[];
  readonly #rules: ReadonlyMap<string, string>;
  /** What no policy about an action looks at is left out: Cedar takes longer to read it than to evaluate. */
  readonly #reads: Readonly<Record<'ask' | 'decide', Reads>>;

  constructor(name: string, policies: readonly ReadPolicy[], groups: CedarPolicy['groups']) {
    this.#name = name;
    this.#groups = groups;
    this.#persons = [...new Set(policies.flatMap(({ persons }) => persons))];
    this.#rules = new Map(policies.map(({ id, rule }) => [id, rule ?? '']));
    this.readsClaims = policies.some(({ reads }) => reads.names('claimed'));
    this.readsRecent = policies.some(({ reads }) => reads.names('recent'));
    const readsBut = (other: ReadPolicy['actions']): Reads =>
      readsOfAll(policies.filter(({ actions }) => actions !== other).map(({ reads }) => reads));
    this.#reads = { ask: readsBut('decide'), decide: readsBut('ask') };
    this.deciders = decidersOf(policies);
  }

  ask(subject: PolicySubject, claims: 'with' | 'without'): ReturnType<OpenPolicy['ask']> {
    const principal = agentOf(subject.agent.id);
    const answer = this.#evaluate(subject, claims, { principal, action: 'ask' });
    if (answer === undefined) return undefined;
    const { reason } = answer.diagnostics;
    if (answer.decision === 'deny') return { permits: [], forbids: [...reason].sort() };
    const permits = reason.map((id) => ({ id, rule: this.#rules.get(id) ?? '' }));
    return { permits, forbids: [] };
  }

  decide(
    subject: PolicySubject,
    claims: 'with' | 'without',
    person: string,
  ): ReturnType<OpenPolicy['decide']> {
    const principal = personOf(person);
    const answer = this.#evaluate(subject, claims, { principal, action: 'decide' });
    if (answer === undefined) return undefined;
    const isPermitted = answer.decision === 'allow';
    return { isPermitted, isForbidden: !isPermitted && answer.diagnostics.reason.length > 0 };
  }

  #evaluate(
    subject: PolicySubject,
    claims: 'with' | 'without',
    { principal, action }: { readonly principal: TypeAndId; readonly action: 'ask' | 'decide' },
  ): Response | undefined {
    const asked = principal.type === 'Person' ? [principal.id] : [];
    const answer = cedar().statefulIsAuthorized({
      principal,
      action: { type: 'Action', id: action },
      resource: resourceOf(subject),
      context: {},
      preparsedPolicySetId: this.#name,
      entities: entitiesOf(subject, claims, {
        groups: this.#groups,
        persons: [...this.#persons, ...asked],
        reads: this.#reads[action],
      }),
    });
    const isWhole = answer.type === 'success' && answer.response.diagnostics.errors.length === 0;
    return isWhole ? answer.response : undefined;
  }
}

function decidersOf(policies: readonly ReadPolicy[]): OpenPolicy['deciders'] {
  const speaking = policies.filter(({ actions }) => actions !== 'ask');
  if (speaking.some(({ effect }) => effect === 'permit')) return 'permitted';
  return speaking.length > 0 ? 'forbidden' : 'unsaid';
}

/** Cedar numbers the policies of a text in their order. */
function named(
  text: string,
  policyId: string,
  {
    error,
    policies,
  }: {
    readonly error: Parameters<typeof faultAt>[1];
    readonly policies: readonly ReadPolicy[];
  },
): PolicyFault {
  const id = policies[Number(/^policy(\d+)$/.exec(policyId)?.[1])]?.id;
  const fault = faultAt(text, error);
  const message = id === undefined ? fault.message : fault.message.replace(policyId, id);
  return { ...fault, ...(id !== undefined && { id }), message };
}
