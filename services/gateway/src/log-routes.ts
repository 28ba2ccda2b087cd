import { Type } from 'typebox';
import { EntryPageSchema, LedgerSchema, TrustSchema } from './answer-schema.ts';
import type { App, Gateway } from './gateway-app.ts';
import { GatewayError } from './gateway-error.ts';
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
  registerEntries(app, gateway);
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
      const { size: log_size } = await gateway.proofs.heads.newest();
      const { ledger, log_keys, genesis } = await facts(gateway);
      const { id, origins } = relyingPartyOf(ledger, config.publicOrigins);
      const { origin, tenant, demo, separation, recovery } = ledger;
      const rp = { id, origins: [...origins] };
      const { version } = config;
      const { identity } = gateway.deps;
      const freeze = await gateway.authority.freeze();
      const told = { log_size, origin, tenant, demo, separation, rp, log_keys, genesis };
      const rule = recovery === undefined ? {} : { recovery };
      const known = { ...told, freeze, version, ...rule };
      return { ...known, ...(identity !== undefined && { sign_in: { issuer: identity.issuer } }) };
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
        ...(config.witnessPolicy !== undefined && { witness_policy: config.witnessPolicy }),
      };
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

function vkeyOf(text: string): string[] {
  const vkey = /"vkey":"([^"\\]+)"/.exec(text)?.[1];
  return vkey === undefined ? [] : [vkey];
}
