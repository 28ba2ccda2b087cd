import fc from 'fast-check';
import type { Json } from '../src/index.ts';

const text = fc.string({ unit: 'binary', maxLength: 12 }).filter((value) => !value.includes('\0'));

const name = fc.oneof(
  text,
  fc.constantFrom('__proto__', 'constructor', 'toString', '1', '10', '9'),
);

/** Values within the profile: safe integers, well-formed text without NUL. */
export const profileJson: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger().map((value) => (value === 0 ? 0 : value)),
    text,
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(name, tie('value'), { maxKeys: 6 }),
  ),
})).value;
