import { createHash } from 'node:crypto';
import type { CedarPolicy } from '@countersign/binding';
import { SoftwareMaker } from '@countersign/software-passkey';
import type { Make } from './model-rule.ts';

const MODELS = {
  one: 'cb69481e-8ff7-4039-93ec-0a2729a154a8',
  two: 'ee882879-721c-4913-9775-3dfcce97072a',
};
const acmeOne = new SoftwareMaker({ model: bytesOf(MODELS.one) });

/** Two models under one root, and one under another that calls itself as the first does. */
export const MAKERS: Readonly<Record<Make, SoftwareMaker>> = {
  'acme one': acmeOne,
  'acme two': new SoftwareMaker({ model: bytesOf(MODELS.two), sibling: acmeOne }),
  'other one': new SoftwareMaker({ model: bytesOf(MODELS.one) }),
};

/** All that these roots vouch for. */
const ROOTS: readonly (readonly (readonly [Make, model: string])[])[] = [
  [
    ['acme one', MODELS.one],
    ['acme two', MODELS.two],
  ],
  [['other one', MODELS.one]],
];

type Attested = NonNullable<CedarPolicy['rules'][number]['attested']>;

/** A rule names a root alone where it takes all that it vouches for. */
export function attestedBy(makes: readonly Make[]): Attested {
  return ROOTS.flatMap((all) => {
    const wanted = all.filter(([make]) => makes.includes(make));
    const [first] = wanted;
    if (first === undefined) return [];
    const root = digestOf(MAKERS[first[0]].root);
    return [
      wanted.length === all.length ? { root } : { root, models: wanted.map(([, model]) => model) },
    ];
  });
}

function digestOf(certificate: Buffer): `sha256:${string}` {
  return `sha256:${createHash('sha256').update(certificate).digest('hex')}`;
}

function bytesOf(model: string): Buffer {
  return Buffer.from(model.replaceAll('-', ''), 'hex');
}
