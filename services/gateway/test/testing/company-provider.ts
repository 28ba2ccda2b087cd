import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose';
import { Provider } from 'oidc-provider';

export const CLIENT_ID = 'countersign';
export const CLIENT_SECRET = 'a-secret-of-the-client-0123456789';

type Key = Awaited<ReturnType<typeof generateKeyPair>>['privateKey'];

export interface ProviderOptions {
  readonly redirectUri: string;
  /** Told by back-channel when a session ends. */
  readonly logoutUri?: string;
}

/** What a test does to an ID token on its way: claims of its own, another key, no signature. */
export interface Meddling {
  readonly claims?: (claims: JWTPayload) => JWTPayload;
  readonly key?: Key;
  readonly isUnsigned?: true;
}

/**
 * The company's identity provider: a real one, on this machine, where whoever types the name of an account has it.
 * A test can have it change the tokens that it gives out.
 */
export class CompanyProvider {
  readonly issuer: string;
  /** Groups of accounts. */
  readonly groups = new Map<string, readonly string[]>();
  meddling: Meddling | undefined;
  readonly #server: Server;
  readonly #key: Key;

  private constructor(parts: { issuer: string; server: Server; key: Key }) {
    this.issuer = parts.issuer;
    this.#server = parts.server;
    this.#key = parts.key;
  }

  static async start(options: ProviderOptions): Promise<CompanyProvider> {
    const { privateKey } = await generateKeyPair('RS256', { extractable: true });
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('expected a port');
    const issuer = `http://localhost:${address.port}`;
    const company = new CompanyProvider({ issuer, server, key: privateKey });
    const jwk = { ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: 'one' };
    const provider = company.#provider(options, jwk);
    const handle = provider.callback();
    server.on('request', (request, response) => {
      void company.#serve(provider, handle, { request, response });
    });
    return company;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Signs in as a browser would that keeps no cookies for later. Answers the address that it is sent back to. */
  async signIn(url: string, account: string): Promise<string> {
    const jar = new Map<string, string>();
    let next = new URL(url);
    for (let steps = 0; steps < 10; steps += 1) {
      if (next.origin !== this.issuer) return next.href;
      const isForm = next.pathname.startsWith('/interaction/');
      const response = await fetch(next, {
        method: isForm ? 'POST' : 'GET',
        redirect: 'manual',
        headers: {
          cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; '),
          ...(isForm && { 'content-type': 'application/x-www-form-urlencoded' }),
        },
        ...(isForm && { body: new URLSearchParams({ account }).toString() }),
      });
      for (const line of response.headers.getSetCookie()) {
        const [name = '', value = ''] = (line.split(';', 1)[0] ?? '').split(/=(.*)/s);
        jar.set(name, value);
      }
      const location = response.headers.get('location');
      if (location === null) throw new Error(`expected a redirect, got ${await response.text()}`);
      next = new URL(location, next);
    }
    throw new Error('expected the way back within ten steps');
  }

  /** A token that says that somebody has left, as the provider signs it. */
  logoutToken(claims: JWTPayload): Promise<string> {
    return this.#signed({ iss: this.issuer, aud: CLIENT_ID, ...claims }, 'logout+jwt');
  }

  #provider({ redirectUri, logoutUri }: ProviderOptions, jwk: object): Provider {
    return new Provider(this.issuer, {
      clients: [
        {
          client_id: CLIENT_ID,
          client_secret: CLIENT_SECRET,
          redirect_uris: [redirectUri],
          ...(logoutUri !== undefined && { backchannel_logout_uri: logoutUri }),
        },
      ],
      jwks: { keys: [jwk] },
      cookies: { keys: ['a-key-of-the-cookies-of-the-provider'] },
      claims: { openid: ['sub', 'groups'] },
      conformIdTokenClaims: false,
      features: { devInteractions: { enabled: false }, backchannelLogout: { enabled: true } },
      pkce: { required: () => true },
      interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
      findAccount: (_context, accountId) => ({
        accountId,
        claims: () => ({ sub: accountId, groups: [...(this.groups.get(accountId) ?? [])] }),
      }),
      // Nobody is asked whether the company's own program may know who they are.
      loadExistingGrant: async (context) => {
        const { client, session, provider } = context.oidc;
        const grant = new provider.Grant({
          ...(client !== undefined && { clientId: client.clientId }),
          ...(session?.accountId !== undefined && { accountId: session.accountId }),
        });
        grant.addOIDCScope('openid');
        await grant.save();
        return grant;
      },
    });
  }

  async #serve(
    provider: Provider,
    handle: ReturnType<Provider['callback']>,
    { request, response }: { request: IncomingMessage; response: ServerResponse },
  ): Promise<void> {
    const path = new URL(request.url ?? '/', this.issuer).pathname;
    if (path.startsWith('/interaction/')) {
      if (request.method === 'POST') {
        const account = new URLSearchParams(await bodyOf(request)).get('account') ?? '';
        await provider.interactionFinished(request, response, { login: { accountId: account } });
        return;
      }
      response.setHeader('content-type', 'text/html; charset=utf-8');
      response.end(FORM);
      return;
    }
    if (path === '/token' && this.meddling !== undefined && !('x-inner' in request.headers)) {
      await this.#meddle(this.meddling, request, response);
      return;
    }
    await handle(request, response);
  }

  async #meddle(
    meddling: Meddling,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const inner = await fetch(`${this.issuer}/token`, {
      method: 'POST',
      headers: {
        'x-inner': '1',
        authorization: request.headers.authorization ?? '',
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: await bodyOf(request),
    });
    const body = (await inner.json()) as Record<string, unknown>;
    const [, payload = ''] = String(body['id_token']).split('.');
    const told = JSON.parse(Buffer.from(payload, 'base64url').toString()) as JWTPayload;
    const claims = meddling.claims?.(told) ?? told;
    const unsigned = [{ alg: 'none' }, claims].map((part) =>
      Buffer.from(JSON.stringify(part)).toString('base64url'),
    );
    const id_token =
      meddling.isUnsigned === true
        ? `${unsigned.join('.')}.`
        : await this.#signed(claims, 'JWT', meddling.key);
    response.writeHead(inner.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ ...body, id_token }));
  }

  #signed(claims: JWTPayload, typ: string, key: Key = this.#key): Promise<string> {
    return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'one', typ }).sign(key);
  }
}

const FORM = `<!doctype html><html lang="en"><title>The company</title><form method="post">
<label>Account <input name="account"></label> <button>Sign in</button></form></html>`;

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
