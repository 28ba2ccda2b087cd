import type { ServerResponse } from 'node:http';
import { eventOf } from './event-stream.ts';

const ALIVE_MS = 15_000;
/** Of one message that is being sent, and some that wait behind it. */
const WAITING_BYTES_MAX = 64 * 1024 * 1024;

/** A stream of events to a client, for as long as both ends want. */
export class OutStream {
  readonly #response: ServerResponse;
  readonly #alive: NodeJS.Timeout;

  constructor(response: ServerResponse, sessionId: string) {
    this.#response = response;
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'mcp-session-id': sessionId,
    });
    response.flushHeaders();
    // What says nothing is cut by proxies and clients alike; and who is gone without a word is found out by it.
    this.#alive = setInterval(() => {
      this.#write(': alive\n\n');
    }, ALIVE_MS);
    response.once('close', () => {
      clearInterval(this.#alive);
    });
  }

  send(text: string): void {
    this.#write(eventOf(text));
  }

  end(): void {
    clearInterval(this.#alive);
    this.#response.end();
  }

  /** Who does not read what it is sent is cut off: what waits for it is kept in memory. */
  #write(text: string): void {
    if (this.#response.writableLength > WAITING_BYTES_MAX) this.#response.destroy();
    else this.#response.write(text);
  }
}
