import { isJsonArray, valueAt, type JsonObject } from '@countersign/canonical';
import type { Computation, Computed } from './computation.ts';
import { textAt } from './json-member.ts';

const SUFFIX_LENGTH = '-AbCdEf'.length;

/** Parts of the ARN, which has passed its format: the name of a secret holds no colon. */
function compute(params: JsonObject): Computed {
  const arn = textAt(params, '/secret_ref');
  const [, , , region = '', account = '', , name = ''] = arn.split(':');
  const isWhole = !isJsonArray(valueAt(params, '/fields'));
  return {
    lines: [
      {
        label: 'Read the secret',
        value: `${name.slice(0, -SUFFIX_LENGTH)} (account ${account}, ${region})`,
      },
      { label: 'Full name of the secret', value: arn },
      {
        label: 'Cannot be undone',
        value: 'what was read stays known: only a new value of the secret ends it',
      },
    ],
    warnings: isWhole ? ['Fields: all of them are given out'] : [],
  };
}

/** Which secret it is, as a person calls it. */
export const SECRET_ACCESS: Computation = { shows: ['/params/secret_ref'], compute };
