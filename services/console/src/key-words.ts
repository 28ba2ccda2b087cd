import type { Requirement } from '@countersign/binding';

/** Which keys count where not each passkey does, a line each: schemas/formats/policy.md §5 and §15. */
export function keyWords({
  device_bound,
  attested = [],
}: Pick<Requirement, 'device_bound' | 'attested'>): readonly string[] {
  const vouched = attested.map(({ root, models }) =>
    models === undefined
      ? `any model that ${root} vouches for`
      : `the ${models.length === 1 ? 'model' : 'models'} ${models.join(', ')} that ${root} vouches for`,
  );
  return [
    ...(device_bound === true ? ['on a key that stays in its device'] : []),
    ...(vouched.length === 0 ? [] : [`on a key of ${vouched.join(', or ')}`]),
  ];
}
