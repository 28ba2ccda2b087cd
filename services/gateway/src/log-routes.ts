import { toBase64 } from '@countersign/canonical';
import { Type } from 'typebox';
import { EntryPageSchema, LedgerSchema, ProofSchema, TrustSchema } from './answer-schema.ts';
import type { App, Gateway } from './gateway-app.ts';
import { GatewayError, notFound } from './gateway-error.ts';
import { PROBLEMS } from './problem-schema.ts';
import { mayReadAll } from './reader.ts';
import { relyingPartyOf } from './relying-party.ts';
import { readerOf } from './request-fields.ts';
import { sentEntry } from './sent-entry.ts';

const closed = { additionalProperties: false } as const;
const Position = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const TAGS = ['log'];
const DEFAULT_ENTRIES = 100;

export function registerLogRoutes(app: App, gateway: Gateway): void {
  registerLedger(app, gateway);
  registerCheckpoint(app, gateway);
  registerEntries(app, gateway);
  registerProofs(app, gateway);
}

/** What is the same for everybody, and public. */
async function facts({ deps, authority }: Gateway): Promise<{
  ledger: Awaited<ReturnType<Gateway['authority']['ledger']>>;
  log_keys: string[];
  genesis: string;
}> {
  const [genesis] = await deps.models.entries(0, 1);
  if (genesis === undefined) {
    throw new GatewayError('PROJECTOR_BEHIND', 'the log is not projected yet', { retryAfterS: 1 });
  }
  const logKeys = await deps.models.members('log-key');
  return {
    ledger: await authority.ledger(),
    log_keys: logKeys.flatMap(({ text }) => vkeyOf(text)),
    genesis: genesis.leaf,
  };
}

function registerLedger(app: App, gateway: Gateway): void {
  const { config } = gateway.deps;
  app.get(
    '/v1/ledger',
    {
      schema: {
        summary: 'Which ledger this is',
        tags: TAGS,
        response: { 200: LedgerSchema, ...PROBLEMS },
      },
    },
    async () => {
      const { ledger, log_keys, genesis } = await facts(gateway);
      const { id, origins } = relyingPartyOf(ledger, config.publicOrigins);
      const { origin, tenant, demo, separation } = ledger;
      const rp = { id, origins: [...origins] };
      return { origin, tenant, demo, separation, rp, log_keys, genesis, version: config.version };
    },
  );
  app.get(
    '/v1/trust',
    {
      schema: {
        summary: 'A trust file, as this server would have you trust it',
        tags: TAGS,
        response: { 200: TrustSchema, ...PROBLEMS },
      },
    },
    async () => {
      const { ledger, log_keys, genesis } = await facts(gateway);
      return {
        v: 'countersign.trust.v1' as const,
        origin: ledger.origin,
        log_keys,
        genesis,
        accept: { proof_classes: ['uv'], separation: ['full', 'solo'], demo: false },
      };
    },
  );
}

function registerCheckpoint(app: App, gateway: Gateway): void {
  app.get(
    '/v1/log/checkpoint',
    {
      schema: {
        summary: 'The newest signed head (C2SP tlog-checkpoint)',
        tags: TAGS,
        response: {
          200: {
            description: 'A signed note',
            content: { 'text/plain': { schema: Type.String() } },
          },
          ...PROBLEMS,
        },
      },
      preValidation: gateway.authenticate,
    },
    async (_request, reply) => {
      const head = await gateway.deps.models.checkpoint();
      if (head === undefined) throw notFound();
      return reply.type('text/plain; charset=utf-8').send(head.note);
    },
  );
}

function registerEntries(app: App, gateway: Gateway): void {
  app.get(
    '/v1/log/entries',
    {
      schema: {
        summary: 'Entries as they are hashed',
        tags: TAGS,
        querystring: Type.Object(
          {
            start: Type.Optional(Position),
            limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
          },
          closed,
        ),
        response: { 200: EntryPageSchema, ...PROBLEMS },
      },
      preValidation: gateway.authenticate,
    },
    async (request) => {
      if (!mayReadAll(readerOf(request))) {
        throw new GatewayError('READ_SCOPE', 'expected a person or a read token');
      }
      const { start = 0, limit = DEFAULT_ENTRIES } = request.query;
      const { models } = gateway.deps;
      const size = (await models.checkpoint())?.size ?? 0;
      const rows = await models.entries(start, limit);
      // Only what a signed head covers.
      return { size, entries: rows.filter(({ index }) => index < size).map(sentEntry) };
    },
  );
}

function registerProofs(app: App, gateway: Gateway): void {
  const { view } = gateway.deps;
  const response = { 200: ProofSchema, ...PROBLEMS };
  app.get(
    '/v1/log/inclusion',
    {
      schema: {
        summary: 'RFC 6962 inclusion proof',
        tags: TAGS,
        querystring: Type.Object({ index: Position, size: Position }, closed),
        response,
      },
      preValidation: gateway.authenticate,
    },
    async ({ query }) => ({
      hashes: await proved(gateway, [query.index + 1, query.size], () =>
        view.proofs.inclusion(query.index, query.size),
      ),
    }),
  );
  app.get(
    '/v1/log/consistency',
    {
      schema: {
        summary: 'RFC 6962 consistency proof',
        tags: TAGS,
        querystring: Type.Object({ from: Position, to: Position }, closed),
        response,
      },
      preValidation: gateway.authenticate,
    },
    async ({ query }) => ({
      hashes: await proved(gateway, [query.from, query.to], () =>
        view.proofs.consistency(query.from, query.to),
      ),
    }),
  );
}

/** Base64 of a proof between two sizes of the sealed log. */
async function proved(
  { deps }: Gateway,
  [from, to]: readonly [number, number],
  prove: () => Promise<readonly Uint8Array[]>,
): Promise<string[]> {
  const sealed = (await deps.models.checkpoint())?.size ?? 0;
  if (from < 1 || from > to || to > sealed) {
    throw new GatewayError('RANGE_INVALID', `expected positions within ${sealed} sealed entries`);
  }
  return (await prove()).map(toBase64);
}

function vkeyOf(text: string): string[] {
  const vkey = /"vkey":"([^"\\]+)"/.exec(text)?.[1];
  return vkey === undefined ? [] : [vkey];
}
