import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** What was done, and by whom. */
export interface DoneRequest {
  readonly operation: string;
  readonly body: string;
  readonly at: string;
  /** Of the session that a role was taken on for. */
  readonly session: string | undefined;
}

/** Stands before moto: counts what it was asked to do, and can keep back the answer to one kind of it. */
export class AwsProxy {
  readonly #server: Server;
  readonly #target: string;
  readonly #done: DoneRequest[] = [];
  /** By the id of the access key that a role was given for it. */
  readonly #sessions = new Map<string, string>();
  #lost: string | undefined;
  #silent: string | undefined;
  /** What happens on the other side, just before the next request of this operation arrives there. */
  #before: { readonly operation: string; readonly act: () => Promise<void> } | undefined;

  private constructor(target: string) {
    this.#target = target;
    this.#server = createServer((incoming, response) => {
      this.#pass(incoming, response).catch(() => response.destroy());
    });
  }

  static async start(target: string): Promise<AwsProxy> {
    const proxy = new AwsProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** How often it was done, whether or not the answer came back. */
  count(operation: string): number {
    return this.forms(operation).length;
  }

  /** What was sent, where the protocol sends forms. */
  forms(operation: string): readonly URLSearchParams[] {
    return this.#done
      .filter((request) => request.operation === operation)
      .map(({ body }) => new URLSearchParams(body));
  }

  /** All of it, in its order. */
  get done(): readonly DoneRequest[] {
    return this.#done;
  }

  /** Names of the sessions of roles: moto keeps no audit log, where AWS names them in each event. */
  get sessions(): readonly string[] {
    return this.forms('AssumeRole').map((form) => form.get('RoleSessionName') ?? '');
  }

  loseAnswersTo(operation: string): void {
    this.#lost = operation;
  }

  /** Whoever asks waits for an answer that never comes. */
  keepAnswersTo(operation: string): void {
    this.#silent = operation;
  }

  before(operation: string, act: () => Promise<void>): void {
    this.#before = { operation, act };
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #pass(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(incoming);
    const operation = operationOf(incoming, body);
    const before = this.#before;
    if (before?.operation === operation) {
      this.#before = undefined;
      await before.act();
    }
    const { method = 'POST', url = '/', headers } = incoming;
    const kept = Object.entries(headers).filter(([name]) => !HOP.includes(name));
    const answer = await fetch(`${this.#target}${url}`, {
      method,
      headers: Object.fromEntries(kept) as Record<string, string>,
      ...(body.length > 0 && { body }),
    });
    const content = Buffer.from(await answer.arrayBuffer());
    if (answer.ok) this.#note({ operation, body: body.toString() }, { headers, answer: content });
    if (operation === this.#silent) return;
    if (operation === this.#lost) {
      response.destroy();
      return;
    }
    const type = answer.headers.get('content-type') ?? 'text/xml';
    response.writeHead(answer.status, { 'content-type': type });
    response.end(content);
  }

  #note(
    request: Pick<DoneRequest, 'operation' | 'body'>,
    { headers, answer }: { headers: IncomingHttpHeaders; answer: Buffer },
  ): void {
    if (request.operation === 'AssumeRole') {
      const made = /<AccessKeyId>([^<]+)</.exec(answer.toString())?.[1] ?? '';
      const name = new URLSearchParams(request.body).get('RoleSessionName') ?? '';
      this.#sessions.set(made, name);
    }
    const key = /Credential=([^/]+)\//.exec(headers.authorization ?? '')?.[1] ?? '';
    const at = new Date().toISOString();
    this.#done.push({ ...request, at, session: this.#sessions.get(key) });
  }
}

/** Of one connection, and no part of the request. */
const HOP = ['connection', 'content-length', 'expect', 'transfer-encoding'];

/** JSON protocols name it in a header, the older ones in the form that is sent. */
function operationOf({ headers }: IncomingMessage, body: Buffer): string {
  const target = headers['x-amz-target'];
  if (typeof target === 'string') return target.split('.').at(-1) ?? '';
  return new URLSearchParams(body.toString()).get('Action') ?? '';
}
