import { toBase64url } from '@countersign/canonical';
import {
  idOf,
  isObject,
  readClientMessage,
  type ClientMessage,
  type RequestId,
  type ToolCall,
} from './client-message.ts';
import { errorResponse, refusedResult, type Refusal } from './answers.ts';
import { GateError } from './gate-error.ts';
import { ruleOf, type GateConfig } from './gate-config.ts';
import type { CallParts } from './held-call.ts';
import { HeldCalls } from './held-calls.ts';
import { listTools } from './list-tools.ts';
import { maybeJson } from './maybe-json.ts';
import { OwnRequests } from './own-requests.ts';
import type { OpenServer, ServerEnd } from './server-end.ts';
import { ToolCatalogue } from './tool-catalogue.ts';

/** The other end of a session, and what becomes of it. Each message is one JSON text. */
export interface ClientEnd {
  /** @param about the client's request that it belongs to, where one is known */
  readonly toClient: (text: string, about: RequestId | undefined) => void;
  /** Told once, when the server is gone. */
  readonly onEnd: (why: string) => void;
  /** What the client authenticates with, over HTTP. */
  readonly authorization?: string | undefined;
}

export interface SessionParts extends CallParts {
  readonly config: GateConfig;
  /** Tells this client's calls from those of others: who it is by its connection or its credentials. */
  readonly client: string;
  readonly openServer: OpenServer;
}

/** What the gate has to see of the answer to a request of the client. */
type Watched = 'initialize' | 'tools/list';

const SECRET_BYTES = 16;
const WATCHED_MAX = 1_000;

/**
 * One client and one server. Calls of tools that need a human are held; everything else goes through as it came.
 */
export class GateSession {
  readonly #parts: SessionParts;
  readonly #client: ClientEnd;
  readonly #server: ServerEnd;
  readonly #own: OwnRequests;
  readonly #catalogue: ToolCatalogue;
  readonly #held: HeldCalls;
  readonly #watched = new Map<RequestId, Watched>();
  readonly #forwarded = new Set<RequestId>();
  #serverInfo: unknown;
  #isOver = false;

  constructor(parts: SessionParts, client: ClientEnd) {
    this.#parts = parts;
    this.#client = client;
    const secret = toBase64url(parts.randomBytes(SECRET_BYTES));
    this.#own = new OwnRequests((text, id) => this.#server.send(text, id), secret);
    this.#catalogue = new ToolCatalogue(() => listTools(this.#own), parts.config.pins);
    const session = {
      client: parts.client,
      server: () => this.#serverInfo,
      catalogue: this.#catalogue,
      own: this.#own,
    };
    this.#held = new HeldCalls({ parts, session }, client.toClient);
    this.#server = parts.openServer(
      {
        onMessage: (text, about) => {
          this.#fromServer(text, about);
        },
        onStreamEnd: (about) => {
          this.#streamEnded(about);
        },
        onEnd: (why) => {
          void this.end(why);
        },
      },
      { authorization: client.authorization },
    );
  }

  /** One message of the client. Never throws: what is refused is answered. */
  fromClient(text: string): void {
    try {
      const message = readClientMessage(text);
      this.#assertNotOurs(message);
      switch (message.kind) {
        case 'call':
          this.#call(message, text);
          return;
        case 'batch':
          // What its answers hold is not looked at one by one.
          this.#catalogue.forget();
          this.#forward(text, undefined);
          return;
        case 'other':
          if (this.#cancels(message.method, message.params)) return;
          this.#watch(message.id, message.method);
          this.#forward(text, message.id);
      }
    } catch (error) {
      if (!(error instanceof GateError)) throw error;
      this.#refuse(text, error);
    }
  }

  /** @param about the request, ours or the client's, on whose stream it came, where the transport knows */
  #fromServer(text: string, about: RequestId | undefined): void {
    const json = maybeJson(text);
    if (Array.isArray(json)) {
      this.#batchFromServer(json, { text, about });
      return;
    }
    if (isObject(json)) {
      const isAnswer = json['method'] === undefined;
      if (isAnswer && this.#own.settle({ text, json })) return;
      if (isAnswer) this.#seen(json);
      if (json['method'] === 'notifications/tools/list_changed') this.#catalogue.forget();
    }
    this.#client.toClient(text, this.#own.about(about));
  }

  /** The client's connection for one of its requests is gone. */
  release(id: RequestId): void {
    this.#held.release(id);
  }

  /** One of the ends is gone: what runs has no known outcome, what waits stops waiting. */
  async end(why: string): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#held.releaseAll();
    this.#own.fail(new GateError('UPSTREAM_GONE', why));
    await Promise.all([this.#server.close(), this.#held.settled()]);
    this.#client.onEnd(why);
  }

  /** A server may tell the ids that it was given; who asks under one of ours would have its answer taken for another. */
  #assertNotOurs(message: ClientMessage): void {
    const ids = message.kind === 'batch' ? message.ids : [message.id];
    if (!ids.some((id) => this.#own.owns(id))) return;
    throw new GateError('MESSAGE_INVALID', 'expected an id of the client');
  }

  #call(call: ToolCall, text: string): void {
    if (ruleOf(this.#parts.config, call.tool) === 'approve') {
      this.#held.hold(call);
      return;
    }
    const pass = (): void => {
      this.#forward(text, call.id);
    };
    this.#asPinned(call.tool, pass).catch((error: unknown) => {
      const refusal = error instanceof GateError ? error : failed(error);
      if (call.id !== undefined) this.#client.toClient(refusedResult(call.id, refusal), call.id);
      this.#parts.log('refused', { code: refusal.code, tool: call.tool });
    });
  }

  /** At once where the tool is known, so that what passes keeps its order. */
  async #asPinned(tool: string, pass: () => void): Promise<void> {
    if (this.#catalogue.known(tool) === undefined) await this.#catalogue.current(tool);
    pass();
  }

  #forward(text: string, about: RequestId | undefined): void {
    if (about !== undefined) this.#forwarded.add(about);
    this.#server.send(text, about).catch((error: unknown) => {
      this.#refuse(text, error instanceof GateError ? error : failed(error));
    });
  }

  /** True when it was for a call that is held here: the server knows nothing of that one. */
  #cancels(method: string | undefined, params: unknown): boolean {
    if (method !== 'notifications/cancelled' || !isObject(params)) return false;
    const id = params['requestId'];
    if (typeof id !== 'string' && typeof id !== 'number') return false;
    // The server need not answer it any more.
    this.#forwarded.delete(id);
    return this.#held.cancel(id);
  }

  #watch(id: RequestId | undefined, method: string | undefined): void {
    if (id === undefined || this.#watched.size >= WATCHED_MAX) return;
    if (method === 'initialize' || method === 'tools/list') this.#watched.set(id, method);
  }

  #seen(answer: Readonly<Record<string, unknown>>): void {
    const id = answer['id'] as RequestId;
    this.#forwarded.delete(id);
    const watched = this.#watched.get(id);
    if (watched === undefined) return;
    this.#watched.delete(id);
    const { result } = answer;
    if (!isObject(result)) return;
    if (watched === 'initialize') this.#serverInfo = result['serverInfo'];
    else if (Array.isArray(result['tools'])) this.#catalogue.observe(result['tools']);
  }

  /** No answer can come any more on the stream where it was to come. */
  #streamEnded(about: RequestId): void {
    const gone = new GateError('UPSTREAM_GONE', 'the server ended without an answer');
    this.#own.failOne(about, gone);
    if (this.#forwarded.delete(about)) this.#client.toClient(errorResponse(about, gone), about);
  }

  #batchFromServer(
    batch: readonly unknown[],
    { text, about }: { readonly text: string; readonly about: RequestId | undefined },
  ): void {
    const others = batch.filter(
      (json) => !isObject(json) || !this.#own.settle({ text: JSON.stringify(json), json }),
    );
    if (others.length === 0) return;
    const rest = others.length === batch.length ? text : JSON.stringify(others);
    this.#client.toClient(rest, this.#own.about(about));
  }

  #refuse(text: string, refusal: Refusal): void {
    const json = maybeJson(text);
    const answers = (Array.isArray(json) ? (json as unknown[]) : [json]).flatMap((message) => {
      // Nobody waits for an answer to a notification; who sent something unreadable may.
      if (isObject(message) && message['id'] === undefined) return [];
      const id = isObject(message) ? idOf(message['id']) : undefined;
      return [{ id, text: errorResponse(id, refusal) }];
    });
    for (const answer of answers) this.#client.toClient(answer.text, answer.id);
    this.#parts.log('refused', { code: refusal.code });
  }
}

function failed(cause: unknown): GateError {
  return new GateError('UPSTREAM_FAILED', 'the server took no message', { cause });
}
