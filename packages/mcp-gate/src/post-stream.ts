import type { ServerResponse } from 'node:http';
import { isObject, type RequestId } from './client-message.ts';
import { eventOf } from './event-stream.ts';
import { maybeJson } from './maybe-json.ts';

/** So long an answer may take before the client is shown that there is a stream. */
const PLAIN_WITHIN_MS = 1_000;
const ALIVE_MS = 15_000;

/**
 * The answer to one POST: plain JSON when it comes at once and alone, else a stream of events that ends with the last answer.
 */
export class PostStream {
  static readonly headers = {
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache, no-transform',
  } as const;

  readonly #response: ServerResponse;
  readonly #open: Set<RequestId>;
  readonly #sessionId: string;
  #timer: NodeJS.Timeout;
  #isStream = false;

  constructor(
    response: ServerResponse,
    { ids, sessionId }: { readonly ids: readonly RequestId[]; readonly sessionId: string },
  ) {
    this.#response = response;
    this.#open = new Set(ids);
    this.#sessionId = sessionId;
    this.#timer = setTimeout(() => {
      this.#stream();
    }, PLAIN_WITHIN_MS);
    response.once('close', () => {
      clearTimeout(this.#timer);
    });
  }

  send(text: string): void {
    const wasAlone = this.#open.size === 1;
    for (const id of answeredBy(text)) this.#open.delete(id);
    const isLast = this.#open.size === 0;
    if (isLast && wasAlone && !this.#isStream) {
      clearTimeout(this.#timer);
      this.#response.writeHead(200, {
        'content-type': 'application/json',
        'mcp-session-id': this.#sessionId,
      });
      this.#response.end(text);
      return;
    }
    this.#stream();
    this.#response.write(eventOf(text));
    if (isLast) this.end();
  }

  /** There is nothing more to come. */
  end(): void {
    this.#stream();
    clearTimeout(this.#timer);
    this.#response.end();
  }

  #stream(): void {
    if (this.#isStream) return;
    this.#isStream = true;
    clearTimeout(this.#timer);
    this.#response.writeHead(200, { ...PostStream.headers, 'mcp-session-id': this.#sessionId });
    this.#response.flushHeaders();
    // What says nothing is cut by proxies and clients alike.
    this.#timer = setInterval(() => this.#response.write(': alive\n\n'), ALIVE_MS);
  }
}

function answeredBy(text: string): readonly RequestId[] {
  const json = maybeJson(text);
  return (Array.isArray(json) ? (json as unknown[]) : [json]).flatMap((message) => {
    if (!isObject(message) || message['method'] !== undefined) return [];
    return [message['id'] as RequestId];
  });
}
