import {
  canonicalBytes,
  digestOf,
  formatTimestamp,
  fromHex,
  toBase64url,
  type JsonObject,
} from '@countersign/canonical';
import { isSshKey, type CredentialMember } from '@countersign/binding';
import {
  parseHumanProof,
  verifyAssertion,
  verifySshsig,
  type HumanProof,
} from '@countersign/human-proof';
import { Type } from 'typebox';
import { SessionSchema } from './answer-schema.ts';
import { cookieHeader, cookieOf } from './cookie.ts';
import { SessionBodySchema, SessionStatementSchema } from './frame-schema.ts';
import type { App, Gateway } from './gateway-app.ts';
import { GatewayError } from './gateway-error.ts';
import { OneTimeStore } from './one-time-store.ts';
import { PROBLEMS } from './problem-schema.ts';
import { readerOf } from './request-fields.ts';
import { SESSION_COOKIE, type Session } from './session.ts';
import type { Kept } from './token-book.ts';

const NONCE_BYTES = 32;
/** schemas/formats/sshsig-proof.md §2: what is signed for a session decides nothing. */
const SSH_NAMESPACE = 'countersign-session-v1';

export function registerSessionRoutes(app: App, gateway: Gateway): void {
  const { limits, deps } = gateway;
  const challenges = new OneTimeStore<true>({
    max: limits.challenges,
    lifeMs: limits.challengeMs,
    nowMs: deps.nowMs,
  });
  registerOptions(app, gateway, challenges);
  registerSignIn(app, gateway, challenges);
  registerOpenSession(app, gateway);
}

function registerOptions(app: App, gateway: Gateway, challenges: OneTimeStore<true>): void {
  app.post(
    '/v1/session/options',
    {
      schema: {
        summary: 'Begins a sign-in; any discoverable passkey will do',
        tags: ['session'],
        response: { 200: Type.Object({ statement: SessionStatementSchema }), ...PROBLEMS },
      },
      preValidation: gateway.limitCeremonies,
    },
    () => {
      const { deps, limits } = gateway;
      const nonce = toBase64url(deps.randomBytes(NONCE_BYTES));
      if (!challenges.put(nonce, true)) {
        throw new GatewayError('TOO_MANY_CHALLENGES', 'expected fewer open ceremonies', {
          retryAfterS: 60,
        });
      }
      return {
        statement: {
          v: 'countersign.session.v1' as const,
          ledger: deps.config.ledger,
          nonce,
          not_after: formatTimestamp(deps.nowMs() + limits.challengeMs),
        },
      };
    },
  );
}

function registerSignIn(app: App, gateway: Gateway, challenges: OneTimeStore<true>): void {
  app.post(
    '/v1/session',
    {
      schema: {
        summary: 'Signs a person in, to read',
        tags: ['session'],
        body: SessionBodySchema,
        response: { 201: SessionSchema, ...PROBLEMS },
      },
      preValidation: gateway.limitCeremonies,
    },
    async (request, reply) => {
      const { statement, proof } = request.body;
      const isOpen = challenges.take(statement.nonce) === true;
      if (!isOpen || statement.ledger !== gateway.deps.config.ledger) {
        throw new GatewayError('CHALLENGE_INVALID', 'expected a sign-in that is open; begin again');
      }
      if ('origin' in statement && !gateway.deps.config.publicOrigins.includes(statement.origin)) {
        // Whoever had it signed for another address passes it on.
        throw new GatewayError('CHALLENGE_INVALID', 'expected a sign-in at this address');
      }
      const person = await personOf(gateway, statement, parseHumanProof(proof));
      const colleague = gateway.company?.colleagueOf(request);
      if (colleague !== undefined) await gateway.company?.assertIs(person, colleague);
      const { token, facts } = gateway.sessions.open(
        person,
        {
          person,
          credential: proof.credential_id,
          ...(colleague !== undefined && { identity: colleague.id }),
        },
        colleague?.expiresAtMs,
      );
      void reply.header('set-cookie', cookieFor(gateway, token));
      return reply.status(201).send(sessionAnswer(facts));
    },
  );
}

function registerOpenSession(app: App, gateway: Gateway): void {
  app.get(
    '/v1/session',
    {
      schema: {
        summary: 'Who is signed in',
        tags: ['session'],
        response: { 200: SessionSchema, ...PROBLEMS },
      },
      preValidation: gateway.authenticate,
    },
    (request) => {
      const reader = readerOf(request);
      if (reader.kind !== 'person') {
        throw new GatewayError('AUTH_REQUIRED', 'expected a session of a person');
      }
      const { id: person, credential, expiresAtMs } = reader;
      return sessionAnswer({ person, credential, expiresAtMs });
    },
  );
  app.delete(
    '/v1/session',
    {
      schema: {
        summary: 'Signs out',
        tags: ['session'],
        response: { 204: Type.Null(), ...PROBLEMS },
      },
    },
    (request, reply) => {
      const token = cookieOf(request.headers.cookie, SESSION_COOKIE);
      if (token !== undefined) gateway.sessions.close(token);
      void reply.header('set-cookie', cookieFor(gateway, null));
      const { company } = gateway;
      if (company !== undefined) {
        company.leave(request);
        const ended = { name: company.cookieName, value: '', maxAgeS: 0 };
        void reply.header('set-cookie', cookieHeader(gateway.deps.config, ended));
      }
      return reply.status(204).send(null);
    },
  );
}

/** The person whose key signed the statement. A read right needs no more than the authority as projected. */
async function personOf(
  gateway: Gateway,
  statement: JsonObject,
  proof: HumanProof,
): Promise<string> {
  const credential = await gateway.authority.member('credential', proof.credential_id);
  if (credential === undefined || isSshKey(credential) !== (proof.kind === 'sshsig')) {
    throw new GatewayError('CREDENTIAL_UNKNOWN', 'expected a passkey or key that is enrolled here');
  }
  if (proof.kind === 'sshsig') {
    const message = canonicalBytes(statement);
    const expected = { namespace: SSH_NAMESPACE, message, credential: keyOf(credential) };
    await verifySshsig(proof, expected, gateway.deps.verifySignature);
  } else {
    await verifyPasskey(gateway, { statement, proof, credential });
  }
  return credential.person;
}

async function verifyPasskey(
  { authority, deps }: Gateway,
  signed: {
    readonly statement: JsonObject;
    readonly proof: Extract<HumanProof, { kind: 'webauthn' }>;
    readonly credential: CredentialMember;
  },
): Promise<void> {
  const { statement, proof, credential } = signed;
  const { rps } = await authority.ledger();
  const own = rps.filter(({ id }) => !isSshKey(credential) && id === credential.rp_id);
  const digest = digestOf('countersign/session/v1', statement);
  await verifyAssertion(
    proof,
    {
      challenge: fromHex(digest.slice('sha256:'.length)),
      origins: own.flatMap(({ origins }) => origins),
      rpIds: own.map(({ id }) => id),
      credential: keyOf(credential),
      requireUserVerification: true,
    },
    deps.verifySignature,
  );
}

function keyOf(credential: CredentialMember): { credential_id: string; public_key: string } {
  return { credential_id: credential.id, public_key: credential.public_key };
}

function sessionAnswer(session: Kept<Session>): {
  person: string;
  credential: string;
  expires_at: string;
} {
  return {
    person: session.person,
    credential: session.credential,
    expires_at: formatTimestamp(session.expiresAtMs),
  };
}

function cookieFor(gateway: Gateway, token: string | null): string {
  const maxAgeS = token === null ? 0 : Math.floor(gateway.limits.sessionMs / 1000);
  return cookieHeader(gateway.deps.config, { name: SESSION_COOKIE, value: token ?? '', maxAgeS });
}
