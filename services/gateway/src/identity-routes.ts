import { formatTimestamp } from '@countersign/canonical';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { DigestSchema } from './answer-schema.ts';
import type { Company } from './company.ts';
import { cookieHeader, cookieOf } from './cookie.ts';
import { MembershipSchema, PersonSchema } from './frame-schema.ts';
import type { App, Gateway } from './gateway-app.ts';
import { GatewayError } from './gateway-error.ts';
import { IdentityProvider, type PendingSignIn } from './identity-provider.ts';
import { OneTimeStore } from './one-time-store.ts';
import { PROBLEMS } from './problem-schema.ts';

interface Leaving extends PendingSignIn {
  readonly returnTo: string;
}

interface Parts {
  readonly gateway: Gateway;
  readonly company: Company;
  readonly provider: IdentityProvider;
  readonly leaving: OneTimeStore<Leaving>;
}

const closed = { additionalProperties: false } as const;
const TAGS = ['session'];
const CALLBACK = '/v1/identity/callback';
/** Binds the way back to the browser that left. Lax, for the provider's redirect must bring it along. */
const LEAVING_COOKIE = 'countersign_leaving';
const LOGOUT_TOKEN_MAX = 16_384;

/** Pages of ours, and nothing that could lead anywhere else. */
const ReturnTo = Type.String({
  pattern: '^/(enrol|signed-in|action/[0-7][0-9A-HJKMNP-TV-Z]{25})?$',
});

export function registerIdentityRoutes(app: App, gateway: Gateway): void {
  const { company, deps, limits } = gateway;
  if (company === undefined || deps.identity === undefined) return;
  const [origin = ''] = deps.config.publicOrigins;
  const { challenges: max, challengeMs: lifeMs } = limits;
  const parts: Parts = {
    gateway,
    company,
    provider: new IdentityProvider(deps.identity, {
      redirectUri: `${origin}${CALLBACK}`,
      randomBytes: deps.randomBytes,
    }),
    leaving: new OneTimeStore<Leaving>({ max, lifeMs, nowMs: deps.nowMs }),
  };
  registerSignIn(app, parts);
  registerCallback(app, parts);
  registerColleague(app, parts);
  registerMembership(app, parts);
  registerLogout(app, parts);
}

function registerSignIn(app: App, { gateway, provider, leaving }: Parts): void {
  app.get(
    '/v1/identity/sign-in',
    {
      schema: {
        summary: 'Sends a browser to the identity provider of the company',
        tags: TAGS,
        querystring: Type.Object(
          { return_to: Type.Optional(ReturnTo), invitation: Type.Optional(DigestSchema) },
          closed,
        ),
        response: { 303: Type.Null(), ...PROBLEMS },
      },
      preValidation: gateway.limitCeremonies,
    },
    async (request, reply) => {
      assertOwnPage(request);
      const { origin: ledger } = await gateway.authority.ledger();
      const { invitation } = request.query;
      const { url, pending } = await provider.begin({
        ledger,
        ...(invitation !== undefined && { invitation }),
      });
      const token = Buffer.from(gateway.deps.randomBytes(32)).toString('base64url');
      const returnTo = request.query.return_to ?? '/';
      if (!leaving.put(token, { ...pending, returnTo })) {
        throw new GatewayError('TOO_MANY_CHALLENGES', 'expected fewer open ceremonies', {
          retryAfterS: 60,
        });
      }
      const maxAgeS = Math.floor(gateway.limits.challengeMs / 1000);
      void reply.header('set-cookie', leavingCookie(gateway, token, maxAgeS));
      return reply.redirect(url.href, 303);
    },
  );
}

function registerCallback(app: App, { gateway, company, provider, leaving }: Parts): void {
  app.get(
    CALLBACK,
    {
      schema: {
        summary: 'Where the provider sends a browser back to',
        tags: TAGS,
        // What a provider sends along is its own; the library reads it, and it is read nowhere else.
        response: { 303: Type.Null(), ...PROBLEMS },
      },
      preValidation: gateway.limitCeremonies,
    },
    async (request, reply) => {
      void reply.header('set-cookie', leavingCookie(gateway, '', 0));
      try {
        const token = cookieOf(request.headers.cookie, leavingName(gateway));
        // Taken whatever comes of it: a code is tried once, in the browser that left for it.
        const left = token === undefined ? undefined : leaving.take(token);
        if (left === undefined) {
          throw new GatewayError(
            'IDENTITY_INVALID',
            'expected a sign-in that began in this browser',
          );
        }
        const identity = await provider.finish(new URL(request.url, 'http://unused').search, left);
        company.leave(request);
        void reply.header(
          'set-cookie',
          cookieHeader(gateway.deps.config, {
            name: company.cookieName,
            value: company.enter(identity),
            maxAgeS: Math.floor(gateway.limits.sessionMs / 1000),
          }),
        );
        gateway.deps.logger.info({ event: 'company_sign_in' }, 'somebody signed in');
        return await reply.redirect(left.returnTo, 303);
      } catch (error) {
        if (!(error instanceof GatewayError) || !isPageLoad(request)) throw error;
        // A person sees a page of ours that says it, not an answer for machines.
        request.problemCode = error.code;
        return reply.redirect(`/#sign-in=${error.code}`, 303);
      }
    },
  );
}

function registerColleague(app: App, { company }: Parts): void {
  app.get(
    '/v1/identity',
    {
      schema: {
        summary: 'Who has signed in with a company account',
        tags: TAGS,
        response: {
          200: Type.Object(
            {
              issuer: Type.String(),
              subject: Type.String(),
              may_read: Type.Boolean(),
              expires_at: Type.String(),
            },
            closed,
          ),
          ...PROBLEMS,
        },
      },
    },
    (request) => {
      const colleague = company.colleagueOf(request);
      const { issuer, subject, expiresAtMs } = colleague;
      const may_read = company.mayRead(colleague);
      return { issuer, subject, may_read, expires_at: formatTimestamp(expiresAtMs) };
    },
  );
}

/** For the person's own page, which puts it beside a decision where the rule asks for a group of the company. */
function registerMembership(app: App, { gateway, company }: Parts): void {
  app.get(
    '/v1/identity/membership',
    {
      schema: {
        summary: 'The sign-in of a person, as their decision brings it along',
        tags: TAGS,
        querystring: Type.Object({ person: PersonSchema }, closed),
        response: { 200: MembershipSchema, ...PROBLEMS },
      },
      preValidation: gateway.limitCeremonies,
    },
    (request) => company.membershipOf(request.query.person, company.colleagueOf(request)),
  );
  app.get(
    '/v1/identity/enrolment',
    {
      schema: {
        summary: 'The sign-in of who enrols, as their enrolment brings it along where it has to',
        tags: TAGS,
        querystring: Type.Object({ person: PersonSchema, invitation: DigestSchema }, closed),
        response: {
          200: Type.Object({ identity: Type.Optional(MembershipSchema) }, closed),
          ...PROBLEMS,
        },
      },
      preValidation: gateway.limitCeremonies,
    },
    (request) => company.enrolmentOf(request.query, company.colleagueOf(request)),
  );
}

/** OpenID Connect Back-Channel Logout 1.0: the provider itself says that somebody's session is over. */
function registerLogout(app: App, { gateway, company, provider }: Parts): void {
  const { nowMs } = gateway.deps;
  const { nonces: max, challengeMs: lifeMs } = gateway.limits;
  const seen = new OneTimeStore<true>({ max, lifeMs, nowMs });
  void app.register((scope: App, _options, done) => {
    scope.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit: LOGOUT_TOKEN_MAX },
      (_request, body, parsed) => {
        parsed(null, new URLSearchParams(body.toString()));
      },
    );
    scope.post(
      '/v1/identity/logout',
      {
        schema: { hide: true, summary: 'A logout token of the identity provider', tags: TAGS },
        preValidation: gateway.limitCeremonies,
      },
      async (request, reply) => {
        const { body } = request;
        const token = body instanceof URLSearchParams ? body.get('logout_token') : null;
        if (token === null) {
          throw new GatewayError('IDENTITY_INVALID', 'expected a logout token');
        }
        const logout = await provider.readLogout(token);
        if (!seen.put(logout.id, true)) {
          throw new GatewayError('IDENTITY_INVALID', 'expected a logout token that is new');
        }
        company.expel(logout);
        return reply.status(200).send();
      },
    );
    done();
  });
}

/** A page of another site could else have a browser begin a sign-in that nobody wanted. */
function assertOwnPage(request: FastifyRequest): void {
  const site = request.headers['sec-fetch-site'];
  if (site === undefined || site === 'same-origin' || site === 'none') return;
  throw new GatewayError('ORIGIN_NOT_ALLOWED', 'expected a sign-in that a page of ours begins');
}

function isPageLoad(request: FastifyRequest): boolean {
  return request.headers.accept?.includes('text/html') === true;
}

function leavingName({ deps }: Gateway): string {
  const isHttps = deps.config.publicOrigins.every((origin) => origin.startsWith('https:'));
  return `${isHttps ? '__Host-' : ''}${LEAVING_COOKIE}`;
}

function leavingCookie(gateway: Gateway, value: string, maxAgeS: number): string {
  return cookieHeader(gateway.deps.config, {
    name: leavingName(gateway),
    value,
    maxAgeS,
    sameSite: 'Lax',
  });
}
