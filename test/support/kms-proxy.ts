import {
  createServer,
  request as ask,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

export type KmsFault = 'none' | 'throttled' | 'slow' | 'down' | 'failing';

const SLOW_MS = 2_000;

/** When a signature was asked for and when its answer was handed over whole, as `performance.now` counts. */
export interface Signing {
  readonly askedAtMs: number;
  readonly answeredAtMs: number;
}

/** Stands before moto, and answers as AWS KMS does where moto cannot: that it is asked too much, late, or not at all. */
export class KmsProxy {
  readonly #server: Server;
  readonly #target: URL;
  #fault: KmsFault = 'none';
  /** Signatures that were asked for. */
  signs = 0;
  /** Those that were answered. */
  readonly signings: Signing[] = [];

  private constructor(target: string) {
    this.#target = new URL(target);
    this.#server = createServer((incoming, response) => {
      this.#answer(incoming, response);
    });
  }

  static async start(target: string): Promise<KmsProxy> {
    const proxy = new KmsProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  set(fault: KmsFault): void {
    this.#fault = fault;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(incoming: IncomingMessage, response: ServerResponse): void {
    if (incoming.headers['x-amz-target'] === 'TrentService.Sign') this.#note(response);
    switch (this.#fault) {
      case 'down':
        incoming.destroy();
        return;
      case 'throttled':
        refuse(response, 400, 'ThrottlingException');
        return;
      case 'failing':
        refuse(response, 500, 'KMSInternalException');
        return;
      case 'slow':
        setTimeout(() => {
          this.#pass(incoming, response);
        }, SLOW_MS);
        return;
      case 'none':
        this.#pass(incoming, response);
    }
  }

  #note(response: ServerResponse): void {
    this.signs += 1;
    const askedAtMs = performance.now();
    response.once('finish', () => {
      this.signings.push({ askedAtMs, answeredAtMs: performance.now() });
    });
  }

  #pass(incoming: IncomingMessage, response: ServerResponse): void {
    const { hostname, port } = this.#target;
    const { method, url: path, headers } = incoming;
    const onward = ask({ hostname, port, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => {
      response.destroy();
    });
    incoming.pipe(onward);
  }
}

function refuse(response: ServerResponse, status: number, type: string): void {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
  response.end(JSON.stringify({ __type: type, message: 'as it was told' }));
}
