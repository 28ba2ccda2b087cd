import { personId, time } from './field-shape.ts';
import { typeName } from './policy.ts';
import { list, object, oneOf, type Members, type Shape } from './shape.ts';

/** Who decides in the place of a person who is away. schemas/formats/authority.md §14. */
export interface DeputyMember {
  readonly kind: 'deputy';
  /** The person who is away, so that each has one deputy at most. */
  readonly id: string;
  readonly deputy: string;
  /** Of which actions. */
  readonly types: readonly string[];
  readonly not_before: string;
  readonly not_after: string;
}

const TYPES_MAX = 16;

/** What a person has to read to know what is lent. */
export const deputyTerms: Members<Omit<DeputyMember, 'kind' | 'id'>> = {
  deputy: personId,
  types: list(typeName, { min: 1, max: TYPES_MAX }),
  not_before: time,
  not_after: time,
};

export const deputyMember: Shape<DeputyMember> = object<DeputyMember>({
  kind: oneOf('deputy'),
  id: personId,
  ...deputyTerms,
});
