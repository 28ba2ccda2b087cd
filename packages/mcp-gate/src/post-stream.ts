import type { ServerResponse } from 'node:http';
import { isObject, type RequestId } from './client-message.ts';
import { maybeJson } from './maybe-json.ts';
import { OutStream } from './out-stream.ts';

/** So long an answer may take before the client is shown that there is a stream. */
const PLAIN_WITHIN_MS = 1_000;

/**
 * The answer to one POST: plain JSON when it comes at once and alone, else a stream of events that ends with the last answer.
 */
export class PostStream {
  readonly #response: ServerResponse;
  readonly #open: Set<RequestId>;
  readonly #sessionId: string;
  readonly #timer: NodeJS.Timeout;
  #stream: OutStream | undefined;

  constructor(
    response: ServerResponse,
    { ids, sessionId }: { readonly ids: readonly RequestId[]; readonly sessionId: string },
  ) {
    this.#response = response;
    this.#open = new Set(ids);
    this.#sessionId = sessionId;
    this.#timer = setTimeout(() => {
      this.#streamed();
    }, PLAIN_WITHIN_MS);
    response.once('close', () => {
      clearTimeout(this.#timer);
    });
  }

  send(text: string): void {
    const wasAlone = this.#open.size === 1;
    for (const id of answeredBy(text)) this.#open.delete(id);
    const isLast = this.#open.size === 0;
    if (isLast && wasAlone && this.#stream === undefined) {
      clearTimeout(this.#timer);
      this.#response.writeHead(200, {
        'content-type': 'application/json',
        'mcp-session-id': this.#sessionId,
      });
      this.#response.end(text);
      return;
    }
    this.#streamed().send(text);
    if (isLast) this.end();
  }

  /** There is nothing more to come. */
  end(): void {
    this.#streamed().end();
  }

  #streamed(): OutStream {
    clearTimeout(this.#timer);
    this.#stream ??= new OutStream(this.#response, this.#sessionId);
    return this.#stream;
  }
}

function answeredBy(text: string): readonly RequestId[] {
  const json = maybeJson(text);
  return (Array.isArray(json) ? (json as unknown[]) : [json]).flatMap((message) => {
    if (!isObject(message) || message['method'] !== undefined) return [];
    return [message['id'] as RequestId];
  });
}
