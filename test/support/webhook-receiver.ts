import { createHmac } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { expect } from 'vitest';

export interface Told {
  readonly signature: string;
  readonly body: string;
}

const HEARS_WITHIN_MS = 30_000;

/** Takes what it is told of findings, or answers with a status of its own. */
export class WebhookReceiver {
  readonly told: Told[] = [];
  status = 204;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const signature = String(request.headers['countersign-signature']);
        this.told.push({ signature, body: Buffer.concat(parts).toString() });
        response.writeHead(this.status, { location: '/elsewhere' }).end();
      });
    });
  }

  static async listen(port: number): Promise<WebhookReceiver> {
    const receiver = new WebhookReceiver();
    await new Promise<void>((resolve) => {
      receiver.#server.listen(port, '127.0.0.1', resolve);
    });
    return receiver;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  async hears(count: number): Promise<readonly Told[]> {
    const wait = { timeout: HEARS_WITHIN_MS, interval: 50 };
    await expect.poll(() => this.told.length, wait).toBe(count);
    return this.told;
  }
}

/** As docs/connectors.md tells a receiver to check it. */
export function isSigned({ signature, body }: Told, secret: string | Uint8Array): boolean {
  const [, time, mac] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(signature) ?? [];
  return (
    createHmac('sha256', secret)
      .update(`${time ?? ''}.${body}`)
      .digest('hex') === mac
  );
}
