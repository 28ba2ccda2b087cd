import { isTimestamp } from '@countersign/canonical';
import type { Period } from '@countersign/store';
import { Type } from 'typebox';
import type { Gateway } from './gateway-app.ts';
import { GatewayError } from './gateway-error.ts';
import { mayReadAll, type Reader } from './reader.ts';

export const ProofsFlag = Type.Optional(
  Type.Literal('1', { description: 'With the entries that it follows from, and their receipts' }),
);

export const PageMembers = {
  cursor: Type.Optional(Type.String({ maxLength: 500 })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200 })),
  proofs: ProofsFlag,
};

export const PeriodMembers = {
  from: Type.Optional(Type.String({ maxLength: 40, description: 'The first moment' })),
  to: Type.Optional(Type.String({ maxLength: 40, description: 'The first moment after it' })),
};

const DEFAULT_PAGE = 50;
/** With an entry each, which may be 64 KiB. */
const PROVEN_PAGE = 50;

interface PageQuery {
  readonly cursor?: string;
  readonly limit?: number;
  readonly proofs?: '1';
}

/** Where a list goes on, and how far a page may go. */
export function pageOf(
  { limits }: Pick<Gateway, 'limits'>,
  { cursor, limit = DEFAULT_PAGE, proofs }: PageQuery,
): { readonly cursor: string | null; readonly limit: number } {
  const most = proofs === undefined ? limits.pageRows : PROVEN_PAGE;
  return { cursor: cursor ?? null, limit: Math.min(limit, most) };
}

/** @throws GatewayError SCHEMA_INVALID */
export function periodOf({ from, to }: { readonly from?: string; readonly to?: string }): Period {
  for (const [name, at] of Object.entries({ from, to })) {
    if (at === undefined || isTimestamp(at)) continue;
    throw new GatewayError(
      'SCHEMA_INVALID',
      `${name}: expected YYYY-MM-DDTHH:MM:SS.mmmZ, got another`,
    );
  }
  return { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
}

/** @throws GatewayError READ_SCOPE */
export function assertReadsAll(reader: Reader): void {
  if (mayReadAll(reader)) return;
  throw new GatewayError('READ_SCOPE', 'expected a person, an operator or a read token');
}
