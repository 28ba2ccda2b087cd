import { digestBytes, utf8, type Digest } from '@countersign/canonical';
import type { AuthorityState } from './authority.ts';
import { BindingError } from './binding-error.ts';
import { digest, id } from './field-shape.ts';
import type { RuleInForce } from './policy.ts';
import { list, object, type Shape } from './shape.ts';

/** A link that an admission was made by; its text is in the action. */
export interface Grant {
  readonly issuer: string;
  readonly digest: Digest;
}

export const grants: Shape<readonly Grant[]> = list(object<Grant>({ issuer: id, digest }), {
  min: 1,
  max: 4,
});

export function grantDigest(token: string): Digest {
  return digestBytes('countersign/grant/v1', utf8(token));
}

export function notDelegated(expected: string, cause?: unknown): BindingError {
  const options = cause === undefined ? {} : { cause };
  return new BindingError('DELEGATION_INVALID', `delegation: expected ${expected}`, options);
}

/** A rule of a policy can want to know on whose behalf an agent acts: schemas/formats/policy.md §8. */
export function assertDelegated(rule: RuleInForce, links: readonly Grant[] | undefined): void {
  if (rule.delegation !== undefined && links === undefined) throw notDelegated('a chain');
}

/** A revoked issuer vouches for nobody any more, also for who has asked before. */
export function assertIssuersStand(
  links: readonly Grant[] | undefined,
  authority: AuthorityState,
): void {
  if (links?.every(({ issuer }) => authority.has('issuer', issuer)) === false) {
    throw notDelegated('issuers that are still enrolled');
  }
}
