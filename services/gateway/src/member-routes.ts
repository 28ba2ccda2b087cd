import {
  boundChangeIn,
  parseEntry,
  policyDigest,
  type LedgerFounded,
  type MemberKind,
} from '@countersign/binding';
import { parseStrict, utf8 } from '@countersign/canonical';
import type { EntryRow, MemberFilter } from '@countersign/store';
import { Type, type Static } from 'typebox';
import { DigestSchema, LogSizeSchema, ProvenEntriesSchema } from './answer-schema.ts';
import type { App, Gateway } from './gateway-app.ts';
import type { Models } from './gateway-deps.ts';
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
          since_index: Type.Optional(
            Type.Integer({ minimum: 0, description: 'Of the entry that set it so' }),
          ),
          removed_index: Type.Optional(
            Type.Integer({ minimum: 0, description: 'Of the entry that removed it' }),
          ),
          removed_at: Type.Optional(Type.String()),
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

/** Who is in the authority now, who was before, and which policies were ever in force. */
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
          {
            ...PageMembers,
            person: Type.Optional(Type.String({ maxLength: 40 })),
            removed: Type.Optional(
              Type.Literal('1', {
                description: 'Those that are there no more, the last one first',
              }),
            ),
          },
          closed,
        ),
        response: { 200: MemberPageSchema, ...PROBLEMS },
      },
      preValidation: gateway.authenticate,
    },
    async (request) => {
      assertReadsAll(readerOf(request));
      const { person, proofs, removed } = request.query;
      const logSize = await logSizeOf(models);
      const filter = {
        kind,
        ...pageOf(gateway, request.query),
        ...(person !== undefined && { person }),
      };
      const { members, cursor } = await (removed === undefined
        ? presentMembers(models, filter)
        : formerMembers(models, filter));
      return {
        log_size: logSize,
        members,
        cursor,
        ...(proofs !== undefined && { proofs: await provenAt(gateway, members) }),
      };
    },
  );
}

type SentMember = Static<typeof MemberPageSchema>['members'][number];

interface SentPage {
  readonly members: SentMember[];
  readonly cursor: string | null;
}

async function presentMembers(models: Models, filter: MemberFilter): Promise<SentPage> {
  const { rows, cursor } = await models.memberPage(filter);
  const members = rows.map(({ text, sinceIndex }) => ({
    member: memberIn(text),
    since_index: sinceIndex,
  }));
  return { members, cursor };
}

async function formerMembers(models: Models, filter: MemberFilter): Promise<SentPage> {
  const { rows, cursor } = await models.formerMembers(filter);
  const members = rows.map(({ text, removedIndex, removedAt }) => ({
    member: memberIn(text),
    removed_index: removedIndex,
    removed_at: removedAt,
  }));
  return { members, cursor };
}

function memberIn(text: string): object {
  return Object(parseStrict(utf8(text))) as object;
}

/** By the entries that set these members as they are, or removed them. */
async function provenAt(
  gateway: Gateway,
  members: readonly SentMember[],
): Promise<Static<typeof ProvenEntriesSchema>> {
  const found = members.map((sent) => sent.removed_index ?? sent.since_index ?? 0);
  const indexes = [...new Set(found)].sort((a, b) => a - b);
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
