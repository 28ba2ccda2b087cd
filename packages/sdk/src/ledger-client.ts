import { randomBytes } from 'node:crypto';
import {
  canonicalText,
  fromUtf8,
  isJsonObject,
  parseStrict,
  toBase64url,
  utf8,
  type Json,
  type JsonObject,
} from '@countersign/canonical';
import { signRequest, type RequestSigner, type TokenSigner } from '@countersign/http-auth';
import { eventData } from './event-stream.ts';
import { inputAnswer, type InputAnswer } from './input-answer.ts';
import { SdkError, sdkError } from './sdk-error.ts';

export interface ActionView {
  readonly action_id: string;
  readonly status: string;
  readonly last_index: number;
  readonly code: string | null;
  readonly [member: string]: unknown;
}

/** Keeps it: from then on the ledger cannot leave the input out unnoticed. */
export type OnArrival = (arrival: JsonObject) => Promise<void>;

export type InputPath = 'requests' | 'decisions' | 'uses' | 'reports' | 'findings' | 'erasures';

/** Of a person who has signed in at this address: it goes back to where it came from, and nowhere else. */
export interface Session {
  readonly cookie: string;
}

/** For whoever waits anyway: how long a ledger may be away, as when it is started again. */
export interface Patience {
  readonly forMs: number;
  /** Told once for each time that it is away. */
  readonly onAway?: () => void;
  readonly onBack?: () => void;
}

export interface LedgerClientOptions {
  /** Its origin, as `http://localhost:7420`. */
  readonly url: string;
  /**
   * Who signs each read. A secret is never sent: whoever answers at the address may be anybody. Nobody, for what is
   * public.
   */
  readonly reader: RequestSigner | TokenSigner | Session | undefined;
  readonly interrupted?: AbortSignal;
  /** Milliseconds since 1970. */
  readonly nowMs?: () => number;
  readonly randomBytes?: (size: number) => Uint8Array;
  readonly patience?: Patience;
  /** For a caller with errors of its own. */
  readonly asError?: (error: SdkError) => Error;
}

const WAIT_MS = 20_000;
/** On top of the time that the ledger itself waits. */
const ANSWER_WITHIN_MS = 10_000;
const BODY_BYTES_MAX = 16 * 1024 * 1024;
const BODY_LIMITS = { maxBytes: BODY_BYTES_MAX, maxDepth: 40, maxMembers: 200_000 };
const NONCE_BYTES = 16;
const RETRIES = 3;
const RETRY_MS = 500;
/** Nothing happened there; the same may be sent again. */
const RETRIED_STATUS: ReadonlySet<number> = new Set([429, 503]);
/** The ledger has waited for its witnesses already, and is there itself. */
const NOT_RETRIED = 'WITNESS_QUORUM';

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly cookies: readonly string[];
}

/**
 * The HTTP API, docs/http.md. A refusal becomes an SdkError with the ledger's code; no answer, or none that can be read,
 * becomes LEDGER_UNREACHABLE, which is never taken for a yes.
 */
export class LedgerClient {
  readonly #options: LedgerClientOptions;
  readonly #interrupted: AbortSignal;
  readonly #nowMs: () => number;

  constructor(options: LedgerClientOptions) {
    this.#options = options;
    this.#interrupted = options.interrupted ?? new AbortController().signal;
    this.#nowMs = options.nowMs ?? Date.now;
  }

  get url(): string {
    return this.#options.url;
  }

  /** The same ledger, waiting for another signal. */
  until(interrupted: AbortSignal): LedgerClient {
    return new LedgerClient({ ...this.#options, interrupted });
  }

  /** The same ledger, read again while it is away. What is sent is never sent again by itself. */
  patient(patience: Patience): LedgerClient {
    return new LedgerClient({ ...this.#options, patience });
  }

  /**
   * Sends a signed object in and waits for the ledger's answer. The same frame again gets the same answer. `onArrival` is given
   * what proves that it has arrived (schemas/formats/arrival-promise.md), where the answer is not there at once and the ledger promises.
   * @throws SdkError the code of the ledger's refusal, LEDGER_UNREACHABLE, ANSWER_INVALID, INTERRUPTED
   */
  submit(path: InputPath, frame: string, onArrival?: OnArrival): Promise<InputAnswer> {
    return this.#asked(async () => {
      // A promise is worth most while nobody knows the answer: so it is not waited for.
      const waitMs = onArrival === undefined ? WAIT_MS : 0;
      let answer = await this.#call('POST', `/v1/${path}?wait_ms=${waitMs}`, frame);
      const { arrival } = answer.status === 202 ? objectOf(answer) : {};
      if (arrival !== undefined) await onArrival?.(arrival as JsonObject);
      while (answer.status === 202) {
        const { input: waiting } = objectOf(answer);
        if (typeof waiting !== 'string') throw noEntry();
        answer = await this.#call('GET', `/v1/inputs/${waiting}?wait_ms=${WAIT_MS}`);
      }
      const answered = inputAnswer(objectOf(answer));
      if (answered === undefined) throw noEntry();
      return answered;
    });
  }

  /** With `since` it answers as soon as there is an entry beyond that index, or when the time is over: 20 seconds at most. */
  action(id: string, since?: number, forMs: number = WAIT_MS): Promise<ActionView> {
    const waitMs = Math.max(0, Math.min(WAIT_MS, forMs));
    const query = since === undefined ? '' : `?since=${since}&wait_ms=${waitMs}`;
    return this.#asked(async () =>
      viewOf(objectOf(await this.#call('GET', `/v1/actions/${id}${query}`))),
    );
  }

  /**
   * The action at each of its entries beyond `since`, as server-sent events. It ends when the ledger ends the stream, and
   * then is to be gone on with.
   * @throws SdkError NOT_FOUND where there are none, LEDGER_UNREACHABLE when it was cut off, INTERRUPTED, …
   */
  async *watch(id: string, since: number): AsyncGenerator<ActionView> {
    try {
      const response = await this.#opened(`/v1/actions/${id}/events`, since);
      if (!response.ok) {
        throw refusalOf({ status: response.status, text: await textOf(response) });
      }
      for await (const data of eventData(response)) yield viewOf(objectOf({ text: data }));
    } catch (error) {
      const known = error instanceof SdkError ? error : this.#silence(error);
      throw this.#options.asError?.(known) ?? known;
    }
  }

  async #opened(path: string, since: number): Promise<Response> {
    const url = `${this.url}${path}`;
    const proof = await this.#proofOfReader('GET', url);
    return fetch(url, {
      signal: this.#interrupted,
      redirect: 'error',
      headers: {
        ...proof,
        accept: 'text/event-stream',
        ...(since >= 0 && { 'last-event-id': String(since) }),
      },
    });
  }

  #silence(cause: unknown): SdkError {
    if (this.#interrupted.aborted) return stoppedWaiting(cause);
    return unreachable(`no answer from ${this.url}`, cause);
  }

  /** The evidence file as the ledger gives it: to be verified, never believed. */
  evidence(id: string, level: 'human' | 'witnessed' = 'human'): Promise<string> {
    // A ledger of an older release knows no levels.
    const query = level === 'human' ? '' : `?level=${level}`;
    return this.getText(`/v1/actions/${id}/evidence${query}`);
  }

  getObject(path: string): Promise<Readonly<Record<string, Json>>> {
    return this.#asked(async () => objectOf(await this.#call('GET', path)));
  }

  /** Sends what is no input of the ledger, and hands on the cookies of the answer. */
  post(
    path: string,
    body: Json,
  ): Promise<{ json: Readonly<Record<string, Json>>; cookies: readonly string[] }> {
    return this.#asked(async () => {
      const answer = await this.#call('POST', path, canonicalText(body));
      return { json: objectOf(answer), cookies: answer.cookies };
    });
  }

  getText(path: string): Promise<string> {
    return this.#asked(async () => (await this.#call('GET', path)).text);
  }

  async #asked<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof SdkError)) throw error;
      throw this.#options.asError?.(error) ?? error;
    }
  }

  async #call(method: 'GET' | 'POST', path: string, body?: string): Promise<Answer> {
    const { patience } = this.#options;
    if (patience === undefined || method !== 'GET') return this.#answered(method, path, body);
    return this.#readPatiently(path, patience);
  }

  async #readPatiently(path: string, { forMs, onAway, onBack }: Patience): Promise<Answer> {
    let untilMs: number | undefined;
    for (;;) {
      try {
        const answer = await this.#answered('GET', path);
        if (untilMs !== undefined) onBack?.();
        return answer;
      } catch (error) {
        if (!isUnreachable(error)) throw error;
        const isFirst = untilMs === undefined;
        untilMs ??= this.#nowMs() + forMs;
        if (this.#nowMs() >= untilMs) throw error;
        if (isFirst) onAway?.();
        await this.#pause(RETRY_MS);
      }
    }
  }

  async #answered(method: 'GET' | 'POST', path: string, body?: string): Promise<Answer> {
    for (let attempt = 1; ; attempt += 1) {
      const answer = await this.#once(method, path, body);
      if (answer.status < 400) return answer;
      const refusal = refusalOf(answer);
      const { code, message } = refusal;
      if (!RETRIED_STATUS.has(answer.status) || code === NOT_RETRIED) throw refusal;
      if (attempt >= RETRIES) {
        throw unreachable(`${this.url} takes nothing now (${code}: ${message})`);
      }
      await this.#pause(RETRY_MS * attempt);
    }
  }

  async #once(method: 'GET' | 'POST', path: string, body: string | undefined): Promise<Answer> {
    const url = `${this.url}${path}`;
    const signal = AbortSignal.any([
      this.#interrupted,
      AbortSignal.timeout(WAIT_MS + ANSWER_WITHIN_MS),
    ]);
    try {
      const response = await fetch(url, {
        method,
        signal,
        redirect: 'error',
        headers: {
          ...(method === 'GET' && (await this.#proofOfReader(method, url))),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body }),
      });
      const cookies = response.headers.getSetCookie();
      return { status: response.status, text: await textOf(response), cookies };
    } catch (error) {
      throw error instanceof SdkError ? error : this.#silence(error);
    }
  }

  async #proofOfReader(method: 'GET', url: string): Promise<Record<string, string>> {
    const { reader, randomBytes: random = randomBytes } = this.#options;
    if (reader === undefined) return {};
    if ('cookie' in reader) return { cookie: reader.cookie };
    const nonce = toBase64url(new Uint8Array(random(NONCE_BYTES)));
    return signRequest({ method, url, nowMs: this.#nowMs(), nonce }, reader);
  }

  async #pause(ms: number): Promise<void> {
    const interrupted = this.#interrupted;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        interrupted.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      interrupted.addEventListener('abort', done, { once: true });
    });
    if (interrupted.aborted) throw stoppedWaiting();
  }
}

function isUnreachable(error: unknown): boolean {
  return error instanceof SdkError && error.code === 'LEDGER_UNREACHABLE';
}

function stoppedWaiting(cause?: unknown): SdkError {
  return sdkError('INTERRUPTED', 'stopped waiting', { cause });
}

function noEntry(): SdkError {
  return sdkError('ANSWER_INVALID', 'expected an entry and its receipt from the ledger');
}

async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of response.body ?? []) {
    const bytes = Buffer.from(chunk as Uint8Array);
    total += bytes.length;
    if (total > BODY_BYTES_MAX) throw sdkError('ANSWER_INVALID', 'expected at most 16 MiB');
    chunks.push(bytes);
  }
  return fromUtf8(new Uint8Array(Buffer.concat(chunks)));
}

function unreachable(message: string, cause?: unknown): SdkError {
  return sdkError('LEDGER_UNREACHABLE', message, { cause });
}

function objectOf({ text }: Pick<Answer, 'text'>): Readonly<Record<string, Json>> {
  const json = jsonOf(text);
  if (isJsonObject(json)) {
    return json;
  }
  throw sdkError('ANSWER_INVALID', 'expected a JSON object from the ledger');
}

function jsonOf(text: string): Json {
  try {
    return parseStrict(utf8(text), BODY_LIMITS);
  } catch (error) {
    throw sdkError('ANSWER_INVALID', 'expected JSON from the ledger', { cause: error });
  }
}

function viewOf(view: Readonly<Record<string, Json>>): ActionView {
  if (typeof view['status'] !== 'string' || typeof view['last_index'] !== 'number') {
    throw sdkError('ANSWER_INVALID', 'expected the state of an action from the ledger');
  }
  return view as unknown as ActionView;
}

/** RFC 9457; anything else that is no success is no answer of a ledger. */
function refusalOf(answer: Pick<Answer, 'status' | 'text'>): SdkError {
  let problem: Readonly<Record<string, Json>>;
  try {
    problem = objectOf(answer);
  } catch {
    return unreachable(`expected a problem document, got HTTP ${answer.status}`);
  }
  const { code, detail } = problem;
  if (typeof code !== 'string' || !/^[A-Z][A-Z_]{2,40}$/.test(code)) {
    return unreachable(`expected a problem document, got HTTP ${answer.status}`);
  }
  // A ledger that failed says so with 500; for us INTERNAL is nobody's failure but our own.
  if ((answer.status >= 500 && code !== NOT_RETRIED) || code === 'INTERNAL')
    return unreachable(`the ledger failed (${code})`);
  const words = typeof detail === 'string' ? detail : 'the ledger refused it';
  return new SdkError(code, words, { answer: inputAnswer(problem) });
}
