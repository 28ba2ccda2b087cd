import { Type, type TObject, type TSchema } from 'typebox';
import { EntrySchema } from './answer-schema.ts';

/** RFC 9457, with our code beside its type. */
const ProblemSchema: TObject = Type.Object(
  {
    type: Type.String({ pattern: '^urn:countersign:[A-Z_]+$' }),
    title: Type.String(),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    detail: Type.String(),
    code: Type.String({ description: 'One of the codes in docs/http.md' }),
    input: Type.Optional(Type.String()),
    entry: Type.Optional(EntrySchema),
    receipt: Type.Optional(Type.String()),
  },
  { additionalProperties: false, title: 'Problem' },
);

export interface ProblemAnswer {
  readonly description: string;
  readonly content: { readonly 'application/problem+json': { readonly schema: TSchema } };
}

function problem(description: string): ProblemAnswer {
  return { description, content: { 'application/problem+json': { schema: ProblemSchema } } };
}

/** Every route can answer these; `code` tells which. */
export const PROBLEMS: Readonly<Record<'4xx' | '5xx', ProblemAnswer>> = {
  '4xx': problem('The request was refused; `code` says why'),
  '5xx': problem('The gateway or the ledger cannot answer now; nothing was lost'),
};
