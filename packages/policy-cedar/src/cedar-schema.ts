import { isAuthorityType } from '@countersign/binding';
import { factKindsOf, type Descriptor } from '@countersign/descriptors';
import type {
  NamespaceDefinition,
  SchemaJson,
  StandardEntityType,
  Type,
  TypeOfAttribute,
} from '@cedar-policy/cedar-wasm/nodejs';
import { entityTypeOf, factsType, paramsType } from './cedar-type.ts';

const TEXT: Type<string> = { type: 'String' };
const LONG: Type<string> = { type: 'Long' };

const PARTIES: NamespaceDefinition<string>['entityTypes'] = {
  Group: {},
  Person: { memberOfTypes: ['Group'] },
  Agent: {
    shape: {
      type: 'Record',
      attributes: {
        owner: { type: 'Entity', name: 'Person' },
        operator: { type: 'Boolean' },
        person: { type: 'Entity', name: 'Person', required: false },
      },
    },
  },
};

/** What policies may speak of, made of the action types that this build knows: schemas/formats/policy.md §7.2. */
export function cedarSchema(descriptors: readonly Descriptor[]): SchemaJson<string> {
  // Changes of the authority have the bootstrap rule, and no policy can speak of them.
  const asked = descriptors.filter(({ type }) => !isAuthorityType(type));
  const resourceTypes = asked.map(entityTypeOf);
  const appliesTo = (principal: string): NamespaceDefinition<string>['actions'][string] => ({
    appliesTo: { principalTypes: [principal], resourceTypes },
  });
  const schema: SchemaJson<string> = {
    '': {
      entityTypes: PARTIES,
      actions: { ask: appliesTo('Agent'), decide: appliesTo('Person') },
    },
  };
  for (const descriptor of asked) {
    const path = entityTypeOf(descriptor).split('::');
    const name = path.pop() ?? '';
    const namespace = (schema[path.join('::')] ??= { entityTypes: {}, actions: {} });
    namespace.entityTypes[name] = actionType(descriptor);
  }
  return schema;
}

function actionType(descriptor: Descriptor): StandardEntityType<string> {
  const params = paramsType(descriptor, 'stated');
  const claimed = paramsType(descriptor, 'claimed');
  const attributes: Record<string, TypeOfAttribute<string>> = {
    type: TEXT,
    type_version: LONG,
    reversibility: TEXT,
    tenant: TEXT,
    agent: { type: 'Entity', name: 'Agent' },
    executor: { type: 'Record', attributes: { id: TEXT, audience: TEXT } },
    max_uses: LONG,
    facts: factsType(factKindsOf(descriptor)),
    recent: { type: 'Record', attributes: { count_1h: LONG, count_24h: LONG } },
  };
  if (params !== undefined) attributes['params'] = params;
  if (claimed !== undefined) attributes['claimed'] = { ...claimed, required: false };
  return { shape: { type: 'Record', attributes } };
}
