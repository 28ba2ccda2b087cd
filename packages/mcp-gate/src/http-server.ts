import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isObject, type RequestId } from './client-message.ts';
import { readEvents } from './event-stream.ts';
import { GateError } from './gate-error.ts';
import { maybeJson } from './maybe-json.ts';
import type { OpenServer, ServerEnd, ServerEvents } from './server-end.ts';

export interface HttpUpstream {
  readonly url: string;
  /** Sent in the place of what the client authenticates with: then the client need not have it. */
  readonly authorization: string | undefined;
}

const BODY_BYTES_MAX = 16 * 1024 * 1024;
const STREAM_AGAIN_MS = 1_000;
const CLOSE_WITHIN_MS = 5_000;
/** For an answer that is no stream of events, all of it: longer than the clients of MCP wait. A tool that takes longer answers by a stream. */
const ANSWER_WITHIN_MS = 600_000;
/** A host that is gone without a word is found out by its silence. */
const KEEP_ALIVE_MS = 60_000;

/** Servers that somebody else runs: MCP, "Streamable HTTP". */
export function httpServer(
  upstream: HttpUpstream,
  answerWithinMs: number = ANSWER_WITHIN_MS,
): OpenServer {
  return (events, { authorization }) =>
    new HttpServerEnd(
      { ...upstream, authorization: upstream.authorization ?? authorization },
      events,
      answerWithinMs,
    );
}

/** An answer that has begun. */
interface Begun {
  readonly response: IncomingMessage;
  /** There is no hurry any more: it is over, or a stream, which lives as long as both ends want. */
  readonly untimed: () => void;
}

class HttpServerEnd implements ServerEnd {
  readonly #upstream: HttpUpstream;
  readonly #events: ServerEvents;
  readonly #answerWithinMs: number;
  readonly #closing = new AbortController();
  #session: string | undefined;
  #version: string | undefined;
  #isListening = false;

  constructor(upstream: HttpUpstream, events: ServerEvents, answerWithinMs: number) {
    this.#upstream = upstream;
    this.#events = events;
    this.#answerWithinMs = answerWithinMs;
  }

  async send(text: string, about: RequestId | undefined): Promise<void> {
    const begun = await this.#call('POST', text);
    const { statusCode = 0, headers } = begun.response;
    if (statusCode >= 300) {
      ended(begun);
      throw new GateError('UPSTREAM_FAILED', `the server answered HTTP ${statusCode}`);
    }
    const session = headers['mcp-session-id'];
    if (typeof session === 'string') this.#session ??= session;
    void this.#read(begun, about);
    // Only after `initialize` may the server be asked for what it has to say by itself.
    if (text.includes('notifications/initialized') && !this.#isListening) {
      this.#isListening = true;
      void this.#listen();
    }
  }

  async close(): Promise<void> {
    const ending = this.#session === undefined ? undefined : this.#call('DELETE');
    const late = new Promise((resolve) => setTimeout(resolve, CLOSE_WITHIN_MS).unref());
    await Promise.race([ending?.then(ended, () => undefined), late]);
    this.#closing.abort();
  }

  async #read({ response, untimed }: Begun, about: RequestId | undefined): Promise<void> {
    try {
      if (typeOf(response) === 'text/event-stream') {
        untimed();
        await readEvents(response, (data) => {
          this.#message(data, about);
        });
      } else {
        const text = await textOf(response);
        if (typeOf(response) === 'application/json' && text !== '') this.#message(text, about);
      }
    } catch {
      // Cut off, or too slow: whoever waits for an answer on it hears that it is over.
    }
    untimed();
    if (about !== undefined) this.#events.onStreamEnd(about);
  }

  #message(text: string, about: RequestId | undefined): void {
    this.#version ??= protocolVersionIn(text);
    this.#events.onMessage(text, about);
  }

  /** What the server says outside of any request. It is opened again for as long as the session lives. */
  async #listen(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        const begun = await this.#call('GET');
        if (begun.response.statusCode === 200) await this.#read(begun, undefined);
        else ended(begun);
        // A server that has no such stream says so with 405.
        if (begun.response.statusCode !== 200) return;
      } catch {
        // It may be back in a moment.
      }
      await new Promise((resolve) => setTimeout(resolve, STREAM_AGAIN_MS).unref());
    }
  }

  #call(method: 'POST' | 'GET' | 'DELETE', body?: string): Promise<Begun> {
    const { url, authorization } = this.#upstream;
    const send = url.startsWith('https:') ? httpsRequest : httpRequest;
    const headers = {
      accept: method === 'GET' ? 'text/event-stream' : 'application/json, text/event-stream',
      ...(body !== undefined && {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      }),
      ...(this.#session !== undefined && { 'mcp-session-id': this.#session }),
      ...(this.#version !== undefined && { 'mcp-protocol-version': this.#version }),
      ...(authorization !== undefined && { authorization }),
    };
    const late = new AbortController();
    const timer = setTimeout(() => {
      late.abort();
    }, this.#answerWithinMs).unref();
    const untimed = (): void => {
      clearTimeout(timer);
    };
    const signal = AbortSignal.any([this.#closing.signal, late.signal]);
    return new Promise((resolve, reject) => {
      const outgoing = send(url, { method, headers, signal }, (response) => {
        resolve({ response, untimed });
      });
      outgoing.setSocketKeepAlive(true, KEEP_ALIVE_MS);
      outgoing.on('error', (cause) => {
        untimed();
        reject(new GateError('UPSTREAM_FAILED', 'expected an answer of the server', { cause }));
      });
      outgoing.end(body);
    });
  }
}

function ended({ response, untimed }: Begun): void {
  untimed();
  response.destroy();
}

function typeOf({ headers }: IncomingMessage): string | undefined {
  return headers['content-type']?.split(';')[0]?.trim().toLowerCase();
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size > BODY_BYTES_MAX) throw new RangeError('expected at most 16 MiB');
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Of the answer to `initialize`, which is the first that a server gives. */
function protocolVersionIn(text: string): string | undefined {
  if (!text.includes('"protocolVersion"')) return undefined;
  const json = maybeJson(text);
  const result = isObject(json) ? json['result'] : undefined;
  const version = isObject(result) ? result['protocolVersion'] : undefined;
  return typeof version === 'string' && /^[\w.-]{1,32}$/.test(version) ? version : undefined;
}
