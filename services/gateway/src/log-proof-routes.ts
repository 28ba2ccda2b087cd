import { isTimestamp, toBase64 } from '@countersign/canonical';
import type { CheckpointRow } from '@countersign/store';
import { Type } from 'typebox';
import { ConsistencySchema, DigestSchema, InclusionSchema } from './answer-schema.ts';
import type { App, Gateway } from './gateway-app.ts';
import { GatewayError, notFound } from './gateway-error.ts';
import { positionOf, PositionSchema } from './position-field.ts';
import { PROBLEMS } from './problem-schema.ts';
import { cosigned, LevelMembers } from './witnessed.ts';

const closed = { additionalProperties: false } as const;
const TAGS = ['log'];

/** One entry, by where it stands or by its leaf hash, at one of the heads that were signed. */
const EntryMembers = {
  index: Type.Optional(PositionSchema),
  leaf: Type.Optional(DigestSchema),
  size: Type.Optional(PositionSchema),
};
export const EntryQuerySchema = Type.Object(EntryMembers, closed);

interface EntryQuery {
  readonly index?: string;
  readonly leaf?: string;
  readonly size?: string;
}

/** What an auditor needs to check any entry under any head, and any head against any other. */
export function registerLogProofRoutes(app: App, gateway: Gateway): void {
  registerCheckpoint(app, gateway);
  registerInclusion(app, gateway);
  registerReceipt(app, gateway);
  registerConsistency(app, gateway);
}

function registerCheckpoint(app: App, gateway: Gateway): void {
  app.get(
    '/v1/log/checkpoint',
    {
      schema: {
        summary:
          'A signed head (C2SP tlog-checkpoint): the newest, the newest that witnesses have cosigned, or that of a size, at a time, or the first with an entry',
        tags: TAGS,
        querystring: Type.Object(
          {
            size: Type.Optional(PositionSchema),
            at: Type.Optional(Type.String({ maxLength: 40 })),
            covering: Type.Optional(PositionSchema),
            ...LevelMembers,
          },
          closed,
        ),
        response: { 200: textAnswer('text/plain', 'A signed note'), ...PROBLEMS },
      },
      preValidation: gateway.authenticate,
    },
    async (request, reply) => {
      const { level, wait_ms: waitMs, ...query } = request.query;
      const isWitnessed = isWitnessedAlone(level, Object.keys(query).length);
      const { note } = isWitnessed
        ? await cosigned(gateway, { request, waitMs }, 1)
        : await headFor(gateway, query);
      return reply.type('text/plain; charset=utf-8').send(note);
    },
  );
}

function headFor(
  { proofs: { heads } }: Gateway,
  query: { readonly size?: string; readonly at?: string; readonly covering?: string },
): Promise<CheckpointRow> {
  const { size, at, covering } = query;
  if (Object.keys(query).length > 1) {
    throw new GatewayError('SCHEMA_INVALID', 'querystring: expected one of size, at and covering');
  }
  if (covering !== undefined) return heads.covering(positionOf('covering', covering));
  if (at === undefined) return heads.ofSize(sizeIn(size));
  if (isTimestamp(at)) return heads.at(at);
  throw new GatewayError('SCHEMA_INVALID', 'at: expected YYYY-MM-DDTHH:MM:SS.mmmZ, got another');
}

/** A cosigned head is not chosen by anything else. @throws GatewayError SCHEMA_INVALID */
function isWitnessedAlone(level: string | undefined, choices: number): boolean {
  if (level !== 'witnessed') return false;
  if (choices === 0) return true;
  throw new GatewayError('SCHEMA_INVALID', 'querystring: expected level=witnessed without a size');
}

function registerInclusion(app: App, gateway: Gateway): void {
  app.get(
    '/v1/log/inclusion',
    {
      schema: {
        summary: 'RFC 6962 inclusion proof of an entry, by its index or its leaf hash',
        tags: TAGS,
        querystring: EntryQuerySchema,
        response: { 200: InclusionSchema, ...PROBLEMS },
      },
      preValidation: gateway.authenticate,
    },
    async ({ query }) => {
      const { index, head } = await entryAt(gateway, query);
      const hashes = await gateway.proofs.inclusion(index, head.size);
      return { index, size: head.size, hashes: hashes.map(toBase64) };
    },
  );
}

function registerReceipt(app: App, gateway: Gateway): void {
  app.get(
    '/v1/log/receipt',
    {
      schema: {
        summary: 'The receipt of an entry (C2SP tlog-proof), which holds without this server',
        tags: TAGS,
        querystring: Type.Object({ ...EntryMembers, ...LevelMembers }, closed),
        response: { 200: textAnswer('text/plain', 'A .tlog-proof file'), ...PROBLEMS },
      },
      preValidation: gateway.authenticate,
    },
    async (request, reply) => {
      const { level, wait_ms: waitMs, ...query } = request.query;
      const isWitnessed = isWitnessedAlone(level, query.size === undefined ? 0 : 1);
      const { index, head: newest } = await entryAt(gateway, query);
      const head = isWitnessed ? await cosigned(gateway, { request, waitMs }, index + 1) : newest;
      const [receipt = ''] = await gateway.proofs.receiptsUnder(head, [index]);
      return reply
        .header('content-disposition', `attachment; filename="${index}-of-${head.size}.tlog-proof"`)
        .type('text/plain; charset=utf-8')
        .send(receipt);
    },
  );
}

function registerConsistency(app: App, gateway: Gateway): void {
  app.get(
    '/v1/log/consistency',
    {
      schema: {
        summary: 'RFC 6962 consistency proof between two signed heads',
        tags: TAGS,
        querystring: Type.Object({ from: PositionSchema, to: PositionSchema }, closed),
        response: { 200: ConsistencySchema, ...PROBLEMS },
      },
      preValidation: gateway.authenticate,
    },
    async ({ query }) => {
      const [from, to] = [positionOf('from', query.from), positionOf('to', query.to)];
      for (const size of [from, to]) await gateway.proofs.heads.ofSize(size);
      if (from > to) {
        throw new GatewayError('RANGE_INVALID', `from: expected at most ${to}, got ${from}`);
      }
      const hashes = await gateway.proofs.consistency(from, to);
      return { from, to, hashes: hashes.map(toBase64) };
    },
  );
}

/**
 * Where the entry stands, and the head that is to prove it.
 *
 * @throws GatewayError SCHEMA_INVALID, POSITION_INVALID, NOT_FOUND, INDEX_BEYOND_SIZE; ProjectorError as LogHeads.ofSize
 */
export async function entryAt(
  { deps, proofs }: Gateway,
  { index: given, leaf, size }: EntryQuery,
): Promise<{ index: number; head: CheckpointRow }> {
  if ((given === undefined) === (leaf === undefined)) {
    throw new GatewayError('SCHEMA_INVALID', 'querystring: expected either index or leaf');
  }
  const wanted = given === undefined ? undefined : positionOf('index', given);
  const head = await proofs.heads.ofSize(sizeIn(size));
  const index = wanted ?? (await deps.models.entryWithLeaf(leaf ?? ''))?.index;
  if (index === undefined) throw notFound();
  if (index < head.size) return { index, head };
  throw new GatewayError(
    'INDEX_BEYOND_SIZE',
    `index: expected less than the size ${head.size}, got ${index}`,
  );
}

function sizeIn(text: string | undefined): number | undefined {
  return text === undefined ? undefined : positionOf('size', text);
}

interface TextAnswer {
  readonly description: string;
  readonly content: Readonly<Record<string, { readonly schema: ReturnType<typeof Type.String> }>>;
}

function textAnswer(mediaType: string, description: string): TextAnswer {
  return { description, content: { [mediaType]: { schema: Type.String() } } };
}
