import { createRemoteJWKSet, errors as joseErrors, jwtVerify, type JWTVerifyGetKey } from 'jose';
import { signInNonce } from '@countersign/binding';
import { toBase64url } from '@countersign/canonical';
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  AuthorizationResponseError,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  ClientError,
  discovery,
  enableNonRepudiationChecks,
  None,
  randomPKCECodeVerifier,
  randomState,
  ResponseBodyError,
  type Configuration,
  type IDToken,
} from 'openid-client';
import { GatewayError } from './gateway-error.ts';

/** How people of a company sign in: docs/sign-in.md. */
export interface IdentityConfig {
  /** Exactly as the provider says it in its tokens. */
  readonly issuer: string;
  readonly clientId: string;
  /** A secret. Without it the client is a public one, with PKCE alone. */
  readonly clientSecret?: string;
  /** Whoever the provider says is in this group reads everything, without a passkey. Nobody unless given. */
  readonly readGroup?: string;
  /** Of the salts of subjects (subject-salt.ts); without it nobody is who the authority says. */
  readonly subjectKey?: Uint8Array;
}

/** What was sent along to the provider, and must come back. */
export interface PendingSignIn {
  readonly state: string;
  readonly nonce: string;
  /** Of the nonce, which commits to this ledger. */
  readonly nonceSalt: string;
  /** That it is for, where it is for one. */
  readonly invitation?: string;
  readonly codeVerifier: string;
}

/** What a provider has said of a person, in a token that holds. */
export interface CompanyIdentity {
  readonly issuer: string;
  readonly subject: string;
  /** Of the session at the provider, where it names it. */
  readonly providerSession?: string;
  readonly groups: readonly string[];
  /** As the provider has signed it. */
  readonly token: string;
  readonly nonceSalt: string;
  /** That the sign-in was for, where it was for one. */
  readonly invitation?: string;
}

/** Who has left, as a provider says it: a person, or one session of theirs. */
export interface ProviderLogout {
  readonly id: string;
  readonly subject?: string;
  readonly providerSession?: string;
}

const SALT_BYTES = 16;
const TIMEOUT_S = 10;
const SUBJECT_MAX = 255;
const GROUPS_MAX = 1_000;
/** No `none`, and nothing that is signed with a secret which both sides know. */
const ALGORITHMS = [
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
];
const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const LOGOUT_AGE_S = 120;
const SCOPE = 'openid';
const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])$/;

/** A provider of OpenID Connect, found by its issuer when somebody first signs in. */
export class IdentityProvider {
  readonly #config: IdentityConfig;
  readonly #redirectUri: string;
  readonly #randomBytes: (size: number) => Uint8Array;
  #found: Promise<Configuration> | undefined;
  #keys: JWTVerifyGetKey | undefined;

  constructor(
    config: IdentityConfig,
    parts: {
      readonly redirectUri: string;
      readonly randomBytes: (size: number) => Uint8Array;
    },
  ) {
    this.#config = config;
    this.#redirectUri = parts.redirectUri;
    this.#randomBytes = parts.randomBytes;
  }

  /** Where a person signs in to this ledger, or for an invitation to it, and what must come back from there. @throws GatewayError IDENTITY_PROVIDER_UNAVAILABLE */
  async begin(of: {
    readonly ledger: string;
    readonly invitation?: string;
  }): Promise<{ url: URL; pending: PendingSignIn }> {
    const provider = await this.#provider();
    const nonceSalt = toBase64url(this.#randomBytes(SALT_BYTES));
    const pending = {
      state: randomState(),
      nonce: signInNonce({ ...of, salt: nonceSalt }),
      nonceSalt,
      ...(of.invitation !== undefined && { invitation: of.invitation }),
      codeVerifier: randomPKCECodeVerifier(),
    };
    const url = buildAuthorizationUrl(provider, {
      redirect_uri: this.#redirectUri,
      response_type: 'code',
      scope: SCOPE,
      state: pending.state,
      nonce: pending.nonce,
      code_challenge: await calculatePKCECodeChallenge(pending.codeVerifier),
      code_challenge_method: 'S256',
    });
    return { url, pending };
  }

  /**
   * Changes the code for a token, and takes the token's word only when everything about it holds: state, issuer, audience,
   * times, nonce, algorithm and signature.
   *
   * @throws GatewayError IDENTITY_INVALID, IDENTITY_PROVIDER_UNAVAILABLE
   */
  async finish(search: string, pending: PendingSignIn): Promise<CompanyIdentity> {
    const provider = await this.#provider();
    try {
      const tokens = await authorizationCodeGrant(
        provider,
        new URL(`${this.#redirectUri}${search}`),
        {
          expectedState: pending.state,
          expectedNonce: pending.nonce,
          pkceCodeVerifier: pending.codeVerifier,
          idTokenExpected: true,
        },
      );
      const claims = tokens.claims();
      const { id_token: token } = tokens;
      if (claims === undefined || token === undefined) throw invalidIdentity('NO_ID_TOKEN');
      const { nonceSalt, invitation } = pending;
      const identity = { ...this.#identityIn(claims), token, nonceSalt };
      return invitation === undefined ? identity : { ...identity, invitation };
    } catch (error) {
      throw problemOf(error);
    }
  }

  /** @throws GatewayError IDENTITY_INVALID, IDENTITY_PROVIDER_UNAVAILABLE */
  async readLogout(token: string): Promise<ProviderLogout> {
    const keys = await this.#keysOf(await this.#provider());
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer: this.#config.issuer,
        audience: this.#config.clientId,
        algorithms: ALGORITHMS,
        maxTokenAge: LOGOUT_AGE_S,
        requiredClaims: ['iat', 'jti', 'events'],
      });
      return logoutIn(payload);
    } catch (error) {
      if (error instanceof joseErrors.JWKSTimeout) throw unavailable(error);
      if (error instanceof joseErrors.JOSEError) throw invalidIdentity(error.code);
      throw problemOf(error);
    }
  }

  #identityIn(claims: IDToken): Omit<CompanyIdentity, 'token' | 'nonceSalt' | 'invitation'> {
    const { iss, sub, sid, groups } = claims;
    // Some issuers stand for many: a token of a tenant next door is none of this company's.
    if (iss !== this.#config.issuer) throw invalidIdentity('OTHER_ISSUER');
    if (sub.length === 0 || sub.length > SUBJECT_MAX) throw invalidIdentity('SUBJECT_LENGTH');
    return {
      issuer: iss,
      subject: sub,
      groups: textsIn(groups),
      ...(typeof sid === 'string' && { providerSession: sid }),
    };
  }

  async #provider(): Promise<Configuration> {
    this.#found ??= this.#discover();
    try {
      return await this.#found;
    } catch (error) {
      // Whoever comes next asks anew.
      this.#found = undefined;
      throw unavailable(error);
    }
  }

  async #discover(): Promise<Configuration> {
    const { issuer, clientId, clientSecret } = this.#config;
    const server = new URL(issuer);
    const isPlain = server.protocol === 'http:' && LOOPBACK.test(server.hostname);
    const found = await discovery(
      server,
      clientId,
      clientSecret,
      clientSecret === undefined ? None() : undefined,
      {
        timeout: TIMEOUT_S,
        // The token comes over TLS from the provider itself; its signature is checked all the same.
        // eslint-disable-next-line @typescript-eslint/no-deprecated -- marked so to stand out; for this machine alone
        execute: [enableNonRepudiationChecks, ...(isPlain ? [allowInsecureRequests] : [])],
      },
    );
    if (found.serverMetadata().issuer === issuer) return found;
    throw new Error('expected the issuer as its provider writes it');
  }

  #keysOf(provider: Configuration): Promise<JWTVerifyGetKey> {
    const { jwks_uri: uri } = provider.serverMetadata();
    if (uri === undefined) throw unavailable();
    this.#keys ??= createRemoteJWKSet(new URL(uri), { timeoutDuration: TIMEOUT_S * 1_000 });
    return Promise.resolve(this.#keys);
  }
}

/** OpenID Connect Back-Channel Logout 1.0 §2.6. */
function logoutIn(payload: Readonly<Record<string, unknown>>): ProviderLogout {
  const { jti, sub, sid, nonce, events } = payload;
  const isLogout = typeof events === 'object' && events !== null && LOGOUT_EVENT in events;
  if (!isLogout || nonce !== undefined || typeof jti !== 'string') {
    throw invalidIdentity('NO_LOGOUT_TOKEN');
  }
  if (typeof sub !== 'string' && typeof sid !== 'string') throw invalidIdentity('LOGOUT_OF_NOBODY');
  return {
    id: jti,
    ...(typeof sub === 'string' && { subject: sub }),
    ...(typeof sid === 'string' && { providerSession: sid }),
  };
}

function textsIn(claim: unknown): readonly string[] {
  if (!Array.isArray(claim)) return [];
  return claim.slice(0, GROUPS_MAX).filter((each): each is string => typeof each === 'string');
}

/** Only codes are told on: what a provider or a token says is not ours to repeat. */
function problemOf(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  if (error instanceof AuthorizationResponseError || error instanceof ResponseBodyError) {
    if (error instanceof ResponseBodyError && error.status >= 500) return unavailable(error);
    const isPlain = /^[a-z_]{1,40}$/.test(error.error);
    return invalidIdentity(isPlain ? error.error : error.code, error);
  }
  if (error instanceof ClientError) {
    const { code = 'UNKNOWN' } = error;
    return AWAY.has(code) ? unavailable(error) : invalidIdentity(code, error);
  }
  return unavailable(error);
}

const AWAY: ReadonlySet<string> = new Set([
  'OAUTH_TIMEOUT',
  'OAUTH_ABORT',
  'OAUTH_RESPONSE_IS_NOT_CONFORM',
  'OAUTH_RESPONSE_IS_NOT_JSON',
]);

function invalidIdentity(why: string, cause?: unknown): GatewayError {
  return new GatewayError('IDENTITY_INVALID', `expected a sign-in that holds: ${why}`, { cause });
}

function unavailable(cause?: unknown): GatewayError {
  return new GatewayError(
    'IDENTITY_PROVIDER_UNAVAILABLE',
    'the identity provider does not answer as it should',
    { cause, retryAfterS: 5 },
  );
}
