import {
  boundChangeIn,
  parseEntry,
  policyDigest,
  type LedgerFounded,
  type MemberKind,
} from '@countersign/binding';
import { parseStrict, utf8 } from '@countersign/canonical';
import type { EntryRow, MemberRow } from '@countersign/store';
import { Type, type Static } from 'typebox';
import { DigestSchema, LogSizeSchema, ProvenEntriesSchema } from './answer-schema.ts';
import type { App, Gateway } from './gateway-app.ts';
import { assertReadsAll, pageOf, PageMembers, periodOf, PeriodMembers } from './list-query.ts';
import { PROBLEMS } from './problem-schema.ts';
import { provenEntries } from './proven-entries.ts';
import { logSizeOf } from './readable-action.ts';
import { readerOf } from './request-fields.ts';

const closed = { additionalProperties: false } as const;
const TAGS = ['read'];
const Index = Type.Integer({ minimum: 0 });
const Cursor = Type.Union([Type.String(), Type.Null()]);

const LISTED = [
  { url: '/v1/persons', kind: 'person', summary: 'Persons of the authority, by id' },
  { url: '/v1/credentials', kind: 'credential', summary: 'Keys of persons that count now, by id' },
  { url: '/v1/agents', kind: 'agent', summary: 'Agents that may ask now, by id' },
  { url: '/v1/executors', kind: 'executor', summary: 'Executors that may run now, by id' },
] as const satisfies readonly { url: string; kind: MemberKind; summary: string }[];

const MemberPageSchema = Type.Object(
  {
    log_size: LogSizeSchema,
    members: Type.Array(
      Type.Object(
        {
          member: Type.Object({}, { additionalProperties: true }),
          since_index: Type.Integer({ minimum: 0, description: 'Of the entry that set it so' }),
        },
        closed,
      ),
    ),
    cursor: Cursor,
    proofs: Type.Optional(ProvenEntriesSchema),
  },
  closed,
);

const PolicyPageSchema = Type.Object(
  {
    log_size: LogSizeSchema,
    policies: Type.Array(
      Type.Object({ digest: DigestSchema, index: Index, at: Type.String() }, closed),
    ),
    cursor: Cursor,
    proofs: Type.Optional(ProvenEntriesSchema),
  },
  closed,
);

/** Who is in the authority now, and which policies were ever in force. Who was in it before is in the log. */
export function registerMemberRoutes(app: App, gateway: Gateway): void {
  for (const each of LISTED) registerMembers(app, gateway, each);
  registerPolicies(app, gateway);
}

function registerMembers(
  app: App,
  gateway: Gateway,
  { url, kind, summary }: (typeof LISTED)[number],
): void {
  const { models } = gateway.deps;
  app.get(
    url,
    {
      schema: {
        summary,
        tags: TAGS,
        querystring: Type.Object(
          { ...PageMembers, person: Type.Optional(Type.String({ maxLength: 40 })) },
          closed,
        ),
        response: { 200: MemberPageSchema, ...PROBLEMS },
      },
      preValidation: gateway.authenticate,
    },
    async (request) => {
      assertReadsAll(readerOf(request));
      const { person, proofs } = request.query;
      const logSize = await logSizeOf(models);
      const page = await models.memberPage({
        kind,
        ...pageOf(gateway, request.query),
        ...(person !== undefined && { person }),
      });
      return {
        log_size: logSize,
        members: page.rows.map(sentMember),
        cursor: page.cursor,
        ...(proofs !== undefined && { proofs: await provenAt(gateway, page.rows) }),
      };
    },
  );
}

function sentMember({
  text,
  sinceIndex,
}: MemberRow): Static<typeof MemberPageSchema>['members'][number] {
  return { member: Object(parseStrict(utf8(text))) as object, since_index: sinceIndex };
}

async function provenAt(
  gateway: Gateway,
  rows: readonly MemberRow[],
): Promise<Static<typeof ProvenEntriesSchema>> {
  const indexes = [...new Set(rows.map(({ sinceIndex }) => sinceIndex))].sort((a, b) => a - b);
  const read = indexes.map((index) => gateway.deps.models.entries(index, 1));
  return provenEntries(gateway, (await Promise.all(read)).flat());
}

function registerPolicies(app: App, gateway: Gateway): void {
  const { models } = gateway.deps;
  app.get(
    '/v1/policies',
    {
      schema: {
        summary: 'Policies that were set, newest first: digest, entry and time',
        tags: TAGS,
        querystring: Type.Object({ ...PageMembers, ...PeriodMembers }, closed),
        response: { 200: PolicyPageSchema, ...PROBLEMS },
      },
      preValidation: gateway.authenticate,
    },
    async (request) => {
      const reader = readerOf(request);
      assertReadsAll(reader);
      const { proofs } = request.query;
      const logSize = await logSizeOf(models);
      const page = await models.typedEntries({
        tenant: reader.tenant,
        types: ['ledger-founded', 'authority-changed'],
        wanted: (row) => policySetBy(row) !== undefined,
        ...pageOf(gateway, request.query),
        ...periodOf(request.query),
      });
      return {
        log_size: logSize,
        policies: page.rows.map((row) => ({
          digest: policySetBy(row) ?? '',
          index: row.index,
          at: row.at,
        })),
        cursor: page.cursor,
        ...(proofs !== undefined && { proofs: await provenEntries(gateway, page.rows) }),
      };
    },
  );
}

/** Digest of the policy that an entry puts in force. */
function policySetBy({ type, bytes }: EntryRow): string | undefined {
  if (type === 'ledger-founded') return policyDigest((parseEntry(bytes) as LedgerFounded).policy);
  const change = boundChangeIn(bytes);
  return change?.kind === 'policy-set' ? policyDigest(change.policy) : undefined;
}
