import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { toBase64url } from '@countersign/canonical';
import { isObject, type RequestId } from './client-message.ts';
import { GateSession, type SessionParts } from './gate-session.ts';
import { maybeJson } from './maybe-json.ts';
import { OutStream } from './out-stream.ts';
import { PostStream } from './post-stream.ts';

export interface Listening {
  readonly host: string;
  readonly port: number;
}

export interface HttpGate {
  /** Where clients reach it. */
  readonly url: string;
  close(): Promise<void>;
}

interface Session {
  readonly gate: GateSession;
  /** Digest of what the client authenticated with when it began. */
  readonly owner: string;
  readonly posts: Map<RequestId, PostStream>;
  stream: OutStream | undefined;
  usedMs: number;
}

const PATH = '/mcp';
const BODY_BYTES_MAX = 16 * 1024 * 1024;
const SESSIONS_MAX = 256;
const IDLE_MS = 3_600_000;
const SESSION_ID_BYTES = 24;
/** All of a request, head and body. What it is answered with may take as long as a human does. */
const REQUEST_WITHIN_MS = 30_000;
const CONNECTIONS_MAX = 1_024;

/**
 * Clients over HTTP: MCP, "Streamable HTTP". Each session has a server end of its own. Nothing but `/mcp` leads anywhere.
 */
export class HttpClients implements HttpGate {
  readonly #parts: Omit<SessionParts, 'client'>;
  readonly #listening: Listening;
  readonly #sessions = new Map<string, Session>();
  readonly #server: Server;

  private constructor(
    parts: Omit<SessionParts, 'client'>,
    listening: Listening,
    requestWithinMs: number,
  ) {
    this.#parts = parts;
    this.#listening = listening;
    const limits = {
      headersTimeout: requestWithinMs,
      requestTimeout: requestWithinMs,
      connectionsCheckingInterval: requestWithinMs / 6,
    };
    this.#server = createServer(limits, (request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
    this.#server.maxConnections = CONNECTIONS_MAX;
  }

  static async listen(
    parts: Omit<SessionParts, 'client'>,
    listening: Listening,
    requestWithinMs: number = REQUEST_WITHIN_MS,
  ): Promise<HttpClients> {
    const clients = new HttpClients(parts, listening, requestWithinMs);
    await new Promise<void>((resolve, reject) => {
      clients.#server.once('error', reject);
      clients.#server.listen(listening.port, listening.host, resolve);
    });
    return clients;
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    const { host } = this.#listening;
    return `http://${host.includes(':') ? `[${host}]` : host}:${port}${PATH}`;
  }

  async close(): Promise<void> {
    const over = new Promise((resolve) => this.#server.close(resolve));
    await Promise.all(
      [...this.#sessions.values()].map(({ gate }) => gate.end('the gate was stopped')),
    );
    this.#server.closeAllConnections();
    await over;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!this.#isAddressed(request)) refuse(response, 403);
    else if (request.url?.split('?')[0] !== PATH) refuse(response, 404);
    else if (request.method === 'POST') await this.#post(request, response);
    else if (request.method === 'GET') this.#listen(request, response);
    else if (request.method === 'DELETE') await this.#delete(request, response);
    else refuse(response, 405);
  }

  /** A page in a browser can send anything to this address; it comes with another name of it, or with an origin. */
  #isAddressed({ headers }: IncomingMessage): boolean {
    const { port } = new URL(this.url);
    const names = new Set([
      `localhost:${port}`,
      `127.0.0.1:${port}`,
      `[::1]:${port}`,
      new URL(this.url).host,
    ]);
    return headers.origin === undefined && names.has(headers.host ?? '');
  }

  async #post(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = await bodyOf(request);
    const requests = text === undefined ? undefined : requestsIn(text);
    if (text === undefined || requests === undefined) {
      refuse(response, text === undefined ? 413 : 400);
      return;
    }
    const isFirst = request.headers['mcp-session-id'] === undefined;
    const session = isFirst ? this.#begin(request, requests) : this.#sessionOf(request);
    if (session === undefined || requests.some(({ id }) => session[1].posts.has(id))) {
      refuse(response, isFirst || session !== undefined ? 400 : 404);
      return;
    }
    const [id, { gate, posts }] = session;
    const ids = requests.map((each) => each.id);
    if (ids.length === 0) {
      gate.fromClient(text);
      response.writeHead(202, { 'mcp-session-id': id }).end();
      return;
    }
    const post = new PostStream(response, { ids, sessionId: id });
    for (const each of ids) posts.set(each, post);
    response.once('close', () => {
      for (const each of ids) {
        if (posts.get(each) !== post) continue;
        posts.delete(each);
        gate.release(each);
      }
    });
    gate.fromClient(text);
  }

  #begin(request: IncomingMessage, requests: readonly Named[]): [string, Session] | undefined {
    this.#dropIdle();
    const isInitialize = requests.length === 1 && requests[0]?.method === 'initialize';
    if (!isInitialize || this.#sessions.size >= SESSIONS_MAX) return undefined;
    const id = toBase64url(this.#parts.randomBytes(SESSION_ID_BYTES));
    const owner = ownerOf(request);
    const { authorization } = request.headers;
    const posts = new Map<RequestId, PostStream>();
    const client = authorization === undefined ? `session:${id}` : `credentials:${owner}`;
    const gate = new GateSession(
      { ...this.#parts, client },
      {
        authorization,
        toClient: (text, about) => {
          this.#toClient(id, text, about);
        },
        onEnd: () => {
          this.#end(id);
        },
      },
    );
    const session = { gate, owner, posts, stream: undefined, usedMs: this.#parts.nowMs() };
    this.#sessions.set(id, session);
    return [id, session];
  }

  /** A session is of no use to anybody with other credentials. */
  #sessionOf(request: IncomingMessage): [string, Session] | undefined {
    const id = request.headers['mcp-session-id'];
    const session = typeof id === 'string' ? this.#sessions.get(id) : undefined;
    if (typeof id !== 'string' || session?.owner !== ownerOf(request)) return undefined;
    session.usedMs = this.#parts.nowMs();
    return [id, session];
  }

  #listen(request: IncomingMessage, response: ServerResponse): void {
    const session = this.#sessionOf(request);
    if (session === undefined) {
      refuse(response, 404);
      return;
    }
    const [id, open] = session;
    open.stream?.end();
    const stream = new OutStream(response, id);
    open.stream = stream;
    response.once('close', () => {
      if (open.stream === stream) open.stream = undefined;
    });
  }

  async #delete(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const session = this.#sessionOf(request);
    await session?.[1].gate.end('the client has ended');
    refuse(response, session === undefined ? 404 : 200);
  }

  /** On the stream of the request it belongs to, else on the one for what belongs to none. */
  #toClient(id: string, text: string, about: RequestId | undefined): void {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    const post = about === undefined ? undefined : session.posts.get(about);
    if (post !== undefined) post.send(text);
    else if (session.stream !== undefined) session.stream.send(text);
    else session.posts.values().next().value?.send(text);
  }

  #end(id: string): void {
    const session = this.#sessions.get(id);
    this.#sessions.delete(id);
    session?.stream?.end();
    for (const post of session?.posts.values() ?? []) post.end();
  }

  #dropIdle(): void {
    const sinceMs = this.#parts.nowMs() - IDLE_MS;
    for (const { gate, usedMs, stream, posts } of this.#sessions.values()) {
      if (usedMs < sinceMs && stream === undefined && posts.size === 0)
        void gate.end('it was idle');
    }
  }
}

interface Named {
  readonly id: RequestId;
  readonly method: string;
}

/** What of a body asks for an answer; `undefined` for one that is no JSON. Whether it may pass is judged by the session. */
function requestsIn(text: string): readonly Named[] | undefined {
  const json = maybeJson(text);
  if (json === undefined) return undefined;
  return (Array.isArray(json) ? (json as unknown[]) : [json]).flatMap((message) => {
    if (!isObject(message)) return [];
    const { id, method } = message;
    const isRequest =
      typeof method === 'string' && (typeof id === 'string' || typeof id === 'number');
    return isRequest ? [{ id, method }] : [];
  });
}

function ownerOf({ headers }: IncomingMessage): string {
  return createHash('sha256')
    .update(headers.authorization ?? '')
    .digest('hex');
}

async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size > BODY_BYTES_MAX) return undefined;
  }
  return Buffer.concat(chunks).toString('utf8');
}

function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status).end();
}
