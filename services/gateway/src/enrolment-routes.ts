import {
  BindingError,
  enrolmentPayload,
  hasOpened,
  parseEnrolment,
  signedMessage,
  type EnrolmentStatement,
  type InvitationMember,
} from '@countersign/binding';
import { fromBase64url, timestampMs, toBase64url, utf8 } from '@countersign/canonical';
import { parseCoseKey } from '@countersign/human-proof';
import type {
  RegistrationResponseJSON,
  verifyRegistrationResponse as Verify,
} from '@simplewebauthn/server';
import type { FastifyRequest } from 'fastify';
import {
  EnrolmentBodySchema,
  EnrolmentOptionsBodySchema,
  WaitQuerySchema,
} from './frame-schema.ts';
import type { App, Gateway } from './gateway-app.ts';
import { GatewayError } from './gateway-error.ts';
import { OneTimeStore } from './one-time-store.ts';
import { PROBLEMS } from './problem-schema.ts';
import { RegistrationOptionsSchema } from './registration-options-schema.ts';
import { relyingPartyOf } from './relying-party.ts';
import { routeFrame } from './routed-frame.ts';
import { answerInput, INPUT_ANSWERS, submitFrame } from './write-routes.ts';

/** Whom a registration ceremony was begun for. */
interface Ceremony {
  readonly invitation: string;
  readonly person: string;
}

const CHALLENGE_BYTES = 32;
/** ES256, EdDSA, RS256: the algorithms whose assertions we check. */
const ALGORITHMS = [-7, -8, -257];

export function registerEnrolmentRoutes(app: App, gateway: Gateway): void {
  const { limits, deps } = gateway;
  const ceremonies = new OneTimeStore<Ceremony>({
    max: limits.challenges,
    lifeMs: limits.challengeMs,
    nowMs: deps.nowMs,
  });
  registerOptions(app, gateway, ceremonies);
  registerEnrolment(app, gateway, ceremonies);
}

function registerOptions(app: App, gateway: Gateway, ceremonies: OneTimeStore<Ceremony>): void {
  app.post(
    '/v1/enrolments/options',
    {
      schema: {
        summary: 'Begins the registration of a passkey by invitation',
        tags: ['enrolment'],
        body: EnrolmentOptionsBodySchema,
        response: { 200: RegistrationOptionsSchema, ...PROBLEMS },
      },
      preValidation: gateway.limitCeremonies,
    },
    async (request) => {
      const { deps, limits, authority } = gateway;
      const { person } = await openInvitation(gateway, request.body);
      await assertSubject(gateway, person, request);
      const rp = relyingPartyOf(await authority.ledger(), deps.config.publicOrigins);
      const challenge = toBase64url(deps.randomBytes(CHALLENGE_BYTES));
      if (!ceremonies.put(challenge, { invitation: request.body.invitation, person })) {
        throw new GatewayError('TOO_MANY_CHALLENGES', 'expected fewer open ceremonies', {
          retryAfterS: 60,
        });
      }
      const enrolled = await deps.models.members('credential');
      const { attestationRoots = [] } = deps.config;
      return {
        challenge,
        rp: { id: rp.id, name: 'Countersign' },
        user: { id: toBase64url(utf8(person)), name: person, displayName: person },
        pubKeyCredParams: ALGORITHMS.map((alg) => ({ alg, type: 'public-key' as const })),
        timeout: limits.challengeMs,
        attestation: attestationRoots.length > 0 ? ('direct' as const) : ('none' as const),
        attestationRoots: [...attestationRoots],
        authenticatorSelection: {
          residentKey: 'required' as const,
          requireResidentKey: true,
          userVerification: 'required' as const,
        },
        excludeCredentials: enrolled
          .filter((member) => member.person === person)
          .map(({ id }) => ({ id, type: 'public-key' as const })),
      };
    },
  );
}

function registerEnrolment(app: App, gateway: Gateway, ceremonies: OneTimeStore<Ceremony>): void {
  app.post(
    '/v1/enrolments',
    {
      schema: {
        summary: 'Enrols the passkey that was registered',
        tags: ['enrolment'],
        body: EnrolmentBodySchema,
        querystring: WaitQuerySchema,
        response: INPUT_ANSWERS,
      },
      preValidation: gateway.limitCeremonies,
    },
    async (request, reply) => {
      const { response, statement, signature, identity } = request.body;
      const frame = routeFrame('enrolment', {
        statement,
        signature,
        ...(identity !== undefined && { identity }),
      });
      // A repeated enrolment, whose answer was lost on the way, is answered again without a ceremony.
      if ((await gateway.deps.models.input(frame.digest))?.kind !== 'entry') {
        const parsed = parseEnrolment(frame.payload);
        await verifyInvitation(gateway, parsed);
        await assertSubject(gateway, parsed.statement.person, request);
        await verifyRegistration(gateway, ceremonies, { response, statement: parsed.statement });
      }
      return answerInput(reply, frame.digest, await submitFrame(gateway, frame, request));
    },
  );
}

/** Same refusal for an invitation that is unknown, spent, late or somebody else's. */
async function openInvitation(gateway: Gateway, wanted: Ceremony): Promise<InvitationMember> {
  const invitation = await gateway.authority.member('invitation', wanted.invitation);
  const isOpen =
    invitation?.person === wanted.person &&
    timestampMs(invitation.not_after) > gateway.deps.nowMs();
  if (invitation === undefined || !isOpen) {
    throw new GatewayError('INVITATION_INVALID', 'expected an open invitation of this person');
  }
  if (!hasOpened(invitation, gateway.deps.nowMs())) {
    const { not_before: opensAt = '' } = invitation;
    const message = `expected ${opensAt} to be over: until then the recovery can be cancelled`;
    throw new GatewayError('RECOVERY_NOT_DUE', message);
  }
  return invitation;
}

/**
 * Whoever has the link of somebody whom the authority ties to a company account needs that account, too. A gateway where nobody
 * signs in with one cannot tell, and takes nothing.
 */
async function assertSubject(
  { authority, company }: Gateway,
  person: string,
  request: FastifyRequest,
): Promise<void> {
  if ((await authority.member('identity', person)) === undefined) return;
  if (company === undefined) {
    throw new GatewayError('IDENTITY_REQUIRED', 'expected a gateway where the company signs in');
  }
  await company.assertIs(person, company.colleagueOf(request));
}

/** The ledger judges this again, and its word counts; here it only spares a ceremony that leads nowhere. */
async function verifyInvitation(
  gateway: Gateway,
  { statement, signature }: { statement: EnrolmentStatement; signature: string },
): Promise<void> {
  const invitation = await openInvitation(gateway, statement);
  const isValid = await gateway.deps.verifySignature({
    algorithm: 'ecdsa-p256-sha256',
    publicKey: fromBase64url(invitation.public_key),
    message: signedMessage('enrolment', enrolmentPayload(statement)),
    signature: fromBase64url(signature),
  });
  if (!isValid) {
    throw new BindingError('INVITATION_INVALID', 'expected a signature of the invitation');
  }
}

async function verifyRegistration(
  gateway: Gateway,
  ceremonies: OneTimeStore<Ceremony>,
  enrolment: { response: unknown; statement: EnrolmentStatement },
): Promise<void> {
  const { statement } = enrolment;
  const { rps } = await gateway.authority.ledger();
  const rp = rps.find(({ id }) => id === statement.rp_id);
  if (rp === undefined) throw registrationInvalid('a relying party of this ledger');
  // The schema of the route has checked its members.
  const response = enrolment.response as RegistrationResponseJSON;
  const registered = await registration({
    response,
    expectedChallenge: (challenge) => isBegunBy(ceremonies.take(challenge), statement),
    expectedOrigin: [...rp.origins],
    expectedRPID: rp.id,
    requireUserVerification: true,
    supportedAlgorithmIDs: ALGORITHMS,
  });
  if (!registered.verified) throw registrationInvalid('an attestation that holds');
  const { credential, credentialDeviceType } = registered.registrationInfo;
  // Our own reader of keys is the one that every later decision depends on.
  parseCoseKey(credential.publicKey);
  const { attestation: told } = statement;
  const { attestationObject, clientDataJSON } = response.response;
  const isTold =
    told === undefined ||
    (told.object === attestationObject && told.client_data === clientDataJSON);
  const agrees =
    isTold &&
    credential.id === statement.credential_id &&
    toBase64url(credential.publicKey) === statement.public_key &&
    (credentialDeviceType === 'multiDevice') === statement.backup_eligible;
  if (!agrees) throw registrationInvalid('a statement of the passkey that was registered');
}

function isBegunBy(ceremony: Ceremony | undefined, statement: EnrolmentStatement): boolean {
  return ceremony?.invitation === statement.invitation && ceremony.person === statement.person;
}

async function registration(
  options: Parameters<typeof Verify>[0],
): Promise<Awaited<ReturnType<typeof Verify>>> {
  // Few enrol, and it takes longer to read in than the rest of a gateway.
  const { verifyRegistrationResponse } = await import('@simplewebauthn/server');
  try {
    return await verifyRegistrationResponse(options);
  } catch (cause) {
    // The library throws plain errors for everything that it refuses; their texts quote what was sent.
    throw new GatewayError('REGISTRATION_INVALID', 'expected the answer to an open registration', {
      cause,
    });
  }
}

function registrationInvalid(expected: string): GatewayError {
  return new GatewayError('REGISTRATION_INVALID', `expected ${expected}`);
}
