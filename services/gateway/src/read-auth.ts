import { createHmac, timingSafeEqual } from 'node:crypto';
import type { AgentMember, ExecutorMember } from '@countersign/binding';
import {
  equalBytes,
  fromBase64url,
  isDigest,
  sha256,
  toHex,
  utf8,
  type Digest,
  type VerifySignature,
} from '@countersign/canonical';
import {
  TOKEN_KEY_ID,
  isTokenRequest,
  verifyRequest,
  verifyTokenRequest,
  type RequestToCheck,
} from '@countersign/http-auth';
import type { FastifyRequest } from 'fastify';
import type { AuthorityView } from './authority-view.ts';
import { holderOf, type Colleague, type Company } from './company.ts';
import { cookieOf } from './cookie.ts';
import type { ReadToken } from './gateway-deps.ts';
import { GatewayError } from './gateway-error.ts';
import type { OneTimeStore } from './one-time-store.ts';
import type { Reader } from './reader.ts';
import { SESSION_COOKIE, type Session } from './session.ts';
import type { TokenBook } from './token-book.ts';

export interface ReadAuthDeps {
  readonly authority: AuthorityView;
  readonly sessions: TokenBook<Session>;
  /** Where people sign in with a company account first. */
  readonly company?: Company;
  readonly nonces: OneTimeStore<true>;
  readonly readTokens: readonly ReadToken[];
  readonly publicOrigins: readonly string[];
  readonly verifySignature: VerifySignature;
  readonly nowMs: () => number;
}

const KEY_ID = /;keyid="(sha256:[0-9a-f]{64})"/;
const BEARER = /^Bearer ([A-Za-z0-9_-]{22,200})$/i;

/** Finds out who reads. A request that offers several proofs is judged by the first of: signature, token, session. */
export class ReadAuth {
  readonly #deps: ReadAuthDeps;

  constructor(deps: ReadAuthDeps) {
    this.#deps = deps;
  }

  /** @throws GatewayError AUTH_REQUIRED, IDENTITY_REQUIRED, TOKEN_INVALID, SESSION_INVALID @throws HttpAuthError */
  async readerOf(request: FastifyRequest): Promise<Reader> {
    if (request.headers['signature-input'] !== undefined) return await this.#bySignature(request);
    const { authorization } = request.headers;
    if (authorization !== undefined) return this.#byToken(authorization);
    const token = cookieOf(request.headers.cookie, SESSION_COOKIE);
    const colleague = this.#deps.company?.colleagueOf(request);
    if (token !== undefined) return await this.#bySession(token, colleague);
    if (colleague !== undefined && this.#deps.company?.mayRead(colleague) === true) {
      const { tenant } = await this.#deps.authority.ledger();
      return { kind: 'colleague', id: holderOf(colleague), tenant };
    }
    throw new GatewayError(
      'AUTH_REQUIRED',
      'expected a signed request (RFC 9421), a bearer token or a session',
    );
  }

  async #bySignature(request: FastifyRequest): Promise<Reader> {
    const { authority, nonces, verifySignature } = this.#deps;
    const signed = this.#signedBy(request);
    const { signatureInput } = signed;
    if (isTokenRequest(signatureInput ?? '')) return await this.#byTokenSignature(signed);
    const claimed = KEY_ID.exec(signatureInput ?? '')?.[1] ?? '';
    const holder = isDigest(claimed) ? await this.#holderOf(claimed) : undefined;
    await verifyRequest(signed, {
      publicKeyOf: (keyId) => (keyId === claimed ? holder?.publicKey : undefined),
      verifySignature,
      isFreshNonce: (keyId, nonce) => nonces.put(`${keyId} ${nonce}`, true),
    });
    if (holder === undefined) throw new Error('invariant broken: a signature by nobody');
    const { tenant } = await authority.ledger();
    const { kind, id } = holder.member;
    return kind === 'agent'
      ? { kind, id, tenant, operator: holder.member.operator }
      : { kind, id, tenant };
  }

  /** The address as its sender was told it, with the path as sent; the Host header has been checked against it. */
  #addressOf(request: FastifyRequest): string {
    const { publicOrigins } = this.#deps;
    const own = publicOrigins.find((origin) => new URL(origin).host === request.headers.host);
    return `${own ?? publicOrigins[0] ?? ''}${request.raw.url ?? ''}`;
  }

  async #holderOf(
    keyId: Digest,
  ): Promise<{ member: AgentMember | ExecutorMember; publicKey: Uint8Array } | undefined> {
    const { authority } = this.#deps;
    const member =
      (await authority.byThumbprint('executor', keyId)) ??
      (await authority.byThumbprint('agent', keyId));
    if (member === undefined) return undefined;
    return { member, publicKey: fromBase64url(member.public_key) };
  }

  #byToken(authorization: string): Reader {
    const token = BEARER.exec(authorization)?.[1];
    const digest = sha256(utf8(token ?? ''));
    const known = this.#deps.readTokens.filter((candidate) =>
      equalBytes(digest, sha256(utf8(candidate.token))),
    )[0];
    if (token === undefined || known === undefined) {
      throw new GatewayError('TOKEN_INVALID', 'expected a read token of this ledger');
    }
    return readerWith(known);
  }

  /** Whoever signs with the token need not know that this is the ledger: what is sent opens one address, once. */
  async #byTokenSignature(signed: RequestToCheck): Promise<Reader> {
    const { nonces, readTokens } = this.#deps;
    let known: ReadToken | undefined;
    await verifyTokenRequest(signed, {
      verifyMac: (message, mac) => {
        known = readTokens.filter(({ token }) => isMacOf(token, message, mac))[0];
        return known !== undefined;
      },
      isFreshNonce: (nonce) => nonces.put(`${TOKEN_KEY_ID} ${nonce}`, true),
    });
    if (known === undefined) throw new Error('invariant broken: a signature by nobody');
    return readerWith(known);
  }

  #signedBy(request: FastifyRequest): RequestToCheck {
    return {
      method: request.method,
      url: this.#addressOf(request),
      signatureInput: oneHeader(request, 'signature-input'),
      signature: oneHeader(request, 'signature'),
      nowMs: this.#deps.nowMs(),
    };
  }

  async #bySession(token: string, colleague: Colleague | undefined): Promise<Reader> {
    const { sessions, authority } = this.#deps;
    const session = sessions.find(token);
    // A credential that was revoked since takes its sessions along.
    const credential =
      session === undefined ? undefined : await authority.member('credential', session.credential);
    // As its sign-in at the company does; and a session whose sign-in is somebody else's now is nobody's.
    const isOpen = session !== undefined && session.identity === colleague?.id;
    if (!isOpen || credential?.person !== session.person) {
      throw new GatewayError('SESSION_INVALID', 'expected a session that is open; sign in again');
    }
    const { tenant } = await authority.ledger();
    return {
      kind: 'person',
      id: session.person,
      tenant,
      credential: session.credential,
      expiresAtMs: session.expiresAtMs,
    };
  }
}

function readerWith({ token, tenant }: ReadToken): Reader {
  return { kind: 'token', id: toHex(sha256(utf8(token))), tenant };
}

function isMacOf(token: string, message: Uint8Array, mac: Uint8Array): boolean {
  const expected = createHmac('sha256', token).update(message).digest();
  return mac.length === expected.length && timingSafeEqual(mac, expected);
}

function oneHeader(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
}
