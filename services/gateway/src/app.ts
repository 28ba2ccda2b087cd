import { parseStrict } from '@countersign/canonical';
import { LogProofs } from '@countersign/projector';
import { TypeBoxValidatorCompiler, type TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, { LogController, type FastifyInstance, type FastifyRequest } from 'fastify';
import { registerActionEntries } from './action-entry-routes.ts';
import { registerActionRoutes } from './action-routes.ts';
import { registerUseRoutes } from './use-routes.ts';
import { ArrivalPromises } from './arrival-promises.ts';
import { AuthorityView } from './authority-view.ts';
import { Company } from './company.ts';
import { registerEnrolmentRoutes } from './enrolment-routes.ts';
import { answerProblem } from './error-handler.ts';
import { registerCoseReceipt } from './cose-receipt-routes.ts';
import type { App, Gateway, Hook } from './gateway-app.ts';
import type { GatewayDeps } from './gateway-deps.ts';
import { notFound } from './gateway-error.ts';
import { GATEWAY_LIMITS, type GatewayLimits } from './gateway-limits.ts';
import { registerFigureRoutes } from './figure-routes.ts';
import { registerFindingRoutes } from './finding-routes.ts';
import { registerHealthRoutes } from './health-routes.ts';
import { registerIdentityRoutes } from './identity-routes.ts';
import { registerLogProofRoutes } from './log-proof-routes.ts';
import { registerLogRoutes } from './log-routes.ts';
import { registerMemberRoutes } from './member-routes.ts';
import { GatewayMetrics } from './metrics.ts';
import { OneTimeStore } from './one-time-store.ts';
import { registerOpenapi } from './openapi.ts';
import { PageGuard } from './page-guard.ts';
import { registerPageRoutes } from './page-routes.ts';
import { addressOf, limiter, registerRateLimits } from './rate-limiter.ts';
import { ReadAuth } from './read-auth.ts';
import { frameOf, readerOf } from './request-fields.ts';
import { watchRequests } from './request-watch.ts';
import { registerSecurityHeaders } from './security-headers.ts';
import { registerSessionRoutes } from './session-routes.ts';
import { Submissions } from './submissions.ts';
import { registerStatusRoutes } from './status-routes.ts';
import { registerTileRoutes } from './tile-routes.ts';
import type { Session } from './session.ts';
import { TokenBook, type TokenBookOptions } from './token-book.ts';
import { shuttingDown, WaitingRoom } from './waiting-room.ts';
import { registerWriteRoutes } from './write-routes.ts';

/** Bodies are frames: flat and small. */
const BODY_DEPTH = 16;
const BODY_MEMBERS = 500;
const PATH_PARAM_MAX = 128;

/**
 * The HTTP API and the page, ready to listen or to be injected into.
 * @example const answer = await buildGateway(deps).inject({ url: '/v1/ledger' });
 */
export function buildGateway(deps: GatewayDeps): FastifyInstance {
  const limits: GatewayLimits = { ...GATEWAY_LIMITS, ...deps.config.limits };
  const app: App = Fastify({
    loggerInstance: deps.logger,
    // One line an answer is written elsewhere, without address, headers or ids.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: limits.bodyBytes,
    // Our own hook says it as a problem.
    return503OnClosing: false,
    routerOptions: { maxParamLength: PATH_PARAM_MAX },
    frameworkErrors: (error, request, reply) => {
      void answerProblem(error, request, reply);
    },
  }).withTypeProvider<TypeBoxTypeProvider>();
  app.setValidatorCompiler(TypeBoxValidatorCompiler);
  // Answers are ours and complete; nothing is to be dropped from them on the way out.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  app.setErrorHandler(answerProblem);
  useStrictGate(app, limits.bodyBytes);
  void app.register(async (scope) => {
    await registerAll(scope, deps, limits);
  });
  return app;
}

/** The strict gate reads every body; nothing else ever parses one. */
function useStrictGate(app: App, maxBytes: number): void {
  const bounds = { maxBytes, maxDepth: BODY_DEPTH, maxMembers: BODY_MEMBERS };
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    async (request: FastifyRequest, body: Buffer) => {
      request.gated = parseStrict(body, bounds);
      return Promise.resolve(request.gated);
    },
  );
}

async function registerAll(app: App, deps: GatewayDeps, limits: GatewayLimits): Promise<void> {
  const { config } = deps;
  const room = new WaitingRoom(limits);
  const metrics = new GatewayMetrics({
    health: deps.health,
    waiters: () => room.size,
    nowMs: deps.nowMs,
    ...(deps.registry !== undefined && { registry: deps.registry }),
  });
  watchRequests(app, metrics);
  await registerSecurityHeaders(
    app,
    config.publicOrigins.every((origin) => origin.startsWith('https:')),
  );
  await registerRateLimits(app);
  guardEntrance(app, deps, { limits, room });
  await registerOpenapi(app, config.version);
  const gateway = assemble(app, deps, { limits, room, metrics });
  registerWriteRoutes(app, gateway);
  registerEnrolmentRoutes(app, gateway);
  registerSessionRoutes(app, gateway);
  registerIdentityRoutes(app, gateway);
  registerActionRoutes(app, gateway);
  registerActionEntries(app, gateway);
  registerFindingRoutes(app, gateway);
  registerFigureRoutes(app, gateway);
  registerStatusRoutes(app, gateway);
  registerMemberRoutes(app, gateway);
  registerUseRoutes(app, gateway);
  registerLogRoutes(app, gateway);
  registerLogProofRoutes(app, gateway);
  registerCoseReceipt(app, gateway);
  registerTileRoutes(app, gateway);
  registerHealthRoutes(app, gateway);
  if (config.pageFolder !== undefined) await registerPageRoutes(app, config.pageFolder);
  app.setNotFoundHandler((request, reply) => answerProblem(notFound(), request, reply));
}

/** What every request passes first, the unknown address included. */
function guardEntrance(
  app: App,
  { config }: GatewayDeps,
  { limits, room }: { limits: GatewayLimits; room: WaitingRoom },
): void {
  const guard = new PageGuard(config.publicOrigins, config.moreHosts ?? []);
  const limitAddress = limiter(app, limits.perAddressPerMinute, addressOf);
  app.addHook('onRequest', async (request) => {
    if (room.isClosed) throw shuttingDown();
    guard.check(request);
    await limitAddress(request);
  });
  // A connection kept alive would hold the server open long after its last answer.
  app.addHook('onSend', async (_request, reply) => {
    if (room.isClosed) void reply.header('connection', 'close');
    await Promise.resolve();
  });
  // Before the server stops listening: whoever waits is told, and finds the answer elsewhere by digest or id.
  app.addHook('preClose', (done) => {
    room.close();
    done();
  });
}

function assemble(
  app: App,
  deps: GatewayDeps,
  shared: { limits: GatewayLimits; room: WaitingRoom; metrics: GatewayMetrics },
): Gateway {
  const { limits, room, metrics } = shared;
  const { config, models, nowMs, randomBytes, readTokens, verifySignature } = deps;
  const authority = new AuthorityView(models);
  const book: TokenBookOptions = {
    max: limits.sessions,
    maxPerHolder: limits.sessionsPerPerson,
    lifeMs: limits.sessionMs,
    nowMs,
    randomBytes,
  };
  const sessions = new TokenBook<Session>(book);
  const isHttps = config.publicOrigins.every((origin) => origin.startsWith('https:'));
  const company = deps.identity && new Company(deps.identity, { authority, book, isHttps });
  const readAuth = new ReadAuth({
    authority,
    sessions,
    ...(company !== undefined && { company }),
    nonces: new OneTimeStore<true>({ max: limits.nonces, lifeMs: limits.nonceMs, nowMs }),
    readTokens,
    publicOrigins: config.publicOrigins,
    verifySignature,
    nowMs,
  });
  return {
    deps,
    limits,
    authority,
    proofs: new LogProofs(models),
    sessions,
    ...(company !== undefined && { company }),
    submissions: new Submissions({
      ...deps,
      room,
      metrics,
      arrivals: new ArrivalPromises({ ...deps, ledger: config.ledger, authority }),
    }),
    room,
    metrics,
    authenticate: authentication(app, readAuth, limits),
    // By address too: a sender's name is only a claim here, and nobody may use up another's share.
    limitWrites: limiter(
      app,
      limits.writesPerMinute,
      (request) => `${addressOf(request)} ${frameOf(request).sender}`,
    ),
    limitCeremonies: limiter(app, limits.ceremoniesPerMinute, addressOf),
  };
}

function authentication(app: App, readAuth: ReadAuth, limits: GatewayLimits): Hook {
  const limitReads = limiter(app, limits.readsPerMinute, (request) => {
    const { kind, id } = readerOf(request);
    return `${kind} ${id}`;
  });
  return async (request) => {
    request.reader = await readAuth.readerOf(request);
    await limitReads(request);
  };
}
