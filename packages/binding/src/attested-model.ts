import type { Digest } from '@countersign/canonical';
import type { AttestedModel } from '@countersign/human-proof';
import { digest } from './field-shape.ts';
import { assertDistinct } from './named-persons.ts';
import { list, matching, object, optional, type Shape } from './shape.ts';

/** Models of keys that count under a rule, by the root that vouches for them: schemas/formats/policy.md §15. */
export interface AttestedBy {
  /** SHA-256 of its certificate. */
  readonly root: Digest;
  /** AAGUIDs; absent for all that it vouches for. */
  readonly models?: readonly string[];
}

const ROOTS_MAX = 16;
const MODELS_MAX = 64;

const model = matching(
  /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/,
  'a model as a UUID in small letters',
);

/** As a credential has it. */
export const attestedModel: Shape<AttestedModel> = object<AttestedModel>({ model, root: digest });

const roots: Shape<readonly AttestedBy[]> = list(
  object<AttestedBy>({
    root: digest,
    models: optional(list(model, { min: 1, max: MODELS_MAX })),
  }),
  { min: 1, max: ROOTS_MAX },
);

export const attestedBy: Shape<readonly AttestedBy[]> = (json, path) => {
  const named = roots(json, path);
  const lists = [named.map(({ root }) => root), ...named.map(({ models = [] }) => models)];
  for (const each of lists) assertDistinct(each, path);
  return named;
};
