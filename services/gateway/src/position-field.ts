import { Type } from 'typebox';
import { GatewayError } from './gateway-error.ts';

const MAX = Number.MAX_SAFE_INTEGER;
const DECIMAL = /^(?:0|[1-9][0-9]{0,15})$/;

/**
 * An index or a size in a query. Text, because what turns a query into numbers takes `1.9` and `true` for 1, too: whoever asks for
 * a proof by mistake must not get another one.
 */
export const PositionSchema = Type.String({
  maxLength: 40,
  description: `A whole number from 0 to ${MAX}, in decimal`,
});

/** @throws GatewayError POSITION_INVALID */
export function positionOf(name: string, text: string): number {
  const position = DECIMAL.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(position)) return position;
  throw new GatewayError(
    'POSITION_INVALID',
    `${name}: expected a whole number from 0 to ${MAX} in decimal, got ${kindOf(text)}`,
  );
}

/** What was sent instead, without repeating it. */
function kindOf(text: string): string {
  if (text === '') return 'nothing';
  if (/^-[0-9]+$/.test(text)) return 'a negative number';
  if (/^[0-9]+\.[0-9]+$/.test(text)) return 'a fraction';
  if (/^0[0-9]+$/.test(text)) return 'a leading zero';
  return /^[0-9]+$/.test(text) ? 'a larger number' : 'something else';
}
