import { fromUtf8, parseStrict, toBase64url, type Json } from '@countersign/canonical';
import { signRequest, type RequestSigner, type TokenSigner } from '@countersign/http-auth';
import { CliError, cliError } from './cli-error.ts';

/** An answer to something that was sent in. */
export interface InputAnswer {
  readonly input: string;
  readonly entry: LoggedEntry;
  readonly receipt: string;
}

export interface LoggedEntry {
  readonly index: number;
  readonly leaf: string;
  readonly type: string;
  /** The exact text in the log. */
  readonly text: string;
}

export interface ActionView {
  readonly action_id: string;
  readonly status: string;
  readonly last_index: number;
  readonly code: string | null;
  readonly [member: string]: unknown;
}

export type InputPath = 'requests' | 'uses' | 'reports' | 'erasures';

export interface LedgerClientOptions {
  readonly url: string;
  /** Who signs each read. A secret is never sent: whoever answers at the address may be anybody. */
  readonly reader: RequestSigner | TokenSigner;
  readonly interrupted: AbortSignal;
  readonly nowMs: () => number;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly patience?: Patience;
}

/** For whoever waits anyway: how long a ledger may be away, as when it is started again. */
export interface Patience {
  readonly forMs: number;
  /** Told once for each time that it is away. */
  readonly onAway: () => void;
  readonly onBack: () => void;
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

interface Answer {
  readonly status: number;
  readonly text: string;
}

/**
 * The HTTP API, http.md. A refusal becomes a CliError with the ledger's code; no answer, or none that can be read,
 * becomes LEDGER_UNREACHABLE, which is never taken for a yes.
 */
export class LedgerClient {
  readonly #options: LedgerClientOptions;

  constructor(options: LedgerClientOptions) {
    this.#options = options;
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

  /** Sends a signed object in and waits for the ledger's answer. The same frame again gets the same answer. */
  async submit(path: InputPath, frame: string): Promise<InputAnswer> {
    let answer = await this.#call('POST', `/v1/${path}?wait_ms=${WAIT_MS}`, frame);
    while (answer.status === 202) {
      const { input: waiting } = objectOf(answer);
      if (typeof waiting !== 'string') throw noEntry();
      answer = await this.#call('GET', `/v1/inputs/${waiting}?wait_ms=${WAIT_MS}`);
    }
    const { input, entry, receipt } = objectOf(answer);
    if (typeof input !== 'string' || typeof receipt !== 'string' || !isEntry(entry)) {
      throw noEntry();
    }
    return { input, entry, receipt };
  }

  /** With `since` it answers as soon as there is an entry beyond that index, or when the time is over. */
  async action(id: string, since?: number): Promise<ActionView> {
    const query = since === undefined ? '' : `?since=${since}&wait_ms=${WAIT_MS}`;
    const view = await this.getObject(`/v1/actions/${id}${query}`);
    if (typeof view['status'] !== 'string' || typeof view['last_index'] !== 'number') {
      throw cliError('ANSWER_INVALID', 'expected the state of an action from the ledger');
    }
    return view as unknown as ActionView;
  }

  /** The evidence file as the ledger gives it: to be verified, never believed. */
  async evidence(id: string): Promise<string> {
    return (await this.#call('GET', `/v1/actions/${id}/evidence`)).text;
  }

  async getObject(path: string): Promise<Readonly<Record<string, Json>>> {
    return objectOf(await this.#call('GET', path));
  }

  async getText(path: string): Promise<string> {
    return (await this.#call('GET', path)).text;
  }

  async #call(method: 'GET' | 'POST', path: string, body?: string): Promise<Answer> {
    const { patience, nowMs } = this.#options;
    if (patience === undefined || method !== 'GET') return this.#answered(method, path, body);
    let untilMs: number | undefined;
    for (;;) {
      try {
        const answer = await this.#answered(method, path);
        if (untilMs !== undefined) patience.onBack();
        return answer;
      } catch (error) {
        if (!(error instanceof CliError) || error.code !== 'LEDGER_UNREACHABLE') throw error;
        const isFirst = untilMs === undefined;
        untilMs ??= nowMs() + patience.forMs;
        if (nowMs() >= untilMs) throw error;
        if (isFirst) patience.onAway();
        await this.#pause(RETRY_MS);
      }
    }
  }

  async #answered(method: 'GET' | 'POST', path: string, body?: string): Promise<Answer> {
    for (let attempt = 1; ; attempt += 1) {
      const answer = await this.#once(method, path, body);
      if (answer.status < 400) return answer;
      if (!RETRIED_STATUS.has(answer.status)) throw refusalOf(answer);
      if (attempt >= RETRIES) {
        const { code, message } = refusalOf(answer);
        throw unreachable(`${this.#options.url} takes nothing now (${code}: ${message})`);
      }
      await this.#pause(RETRY_MS * attempt);
    }
  }

  async #once(method: 'GET' | 'POST', path: string, body: string | undefined): Promise<Answer> {
    const { interrupted } = this.#options;
    const url = `${this.#options.url}${path}`;
    const signal = AbortSignal.any([interrupted, AbortSignal.timeout(WAIT_MS + ANSWER_WITHIN_MS)]);
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
      return { status: response.status, text: await textOf(response) };
    } catch (error) {
      if (error instanceof CliError) throw error;
      if (interrupted.aborted) throw cliError('INTERRUPTED', 'stopped waiting', { cause: error });
      throw unreachable(`no answer from ${this.#options.url}`, error);
    }
  }

  async #proofOfReader(method: 'GET', url: string): Promise<Record<string, string>> {
    const { reader, nowMs, randomBytes } = this.#options;
    const nonce = toBase64url(randomBytes(NONCE_BYTES));
    return signRequest({ method, url, nowMs: nowMs(), nonce }, reader);
  }

  async #pause(ms: number): Promise<void> {
    const { interrupted } = this.#options;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        interrupted.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      interrupted.addEventListener('abort', done, { once: true });
    });
    if (interrupted.aborted) throw cliError('INTERRUPTED', 'stopped waiting');
  }
}

function noEntry(): CliError {
  return cliError('ANSWER_INVALID', 'expected an entry and its receipt from the ledger');
}

async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of response.body ?? []) {
    const bytes = Buffer.from(chunk as Uint8Array);
    total += bytes.length;
    if (total > BODY_BYTES_MAX) throw cliError('ANSWER_INVALID', 'expected at most 16 MiB');
    chunks.push(bytes);
  }
  return fromUtf8(new Uint8Array(Buffer.concat(chunks)));
}

function unreachable(message: string, cause?: unknown): CliError {
  return new CliError('LEDGER_UNREACHABLE', message, {
    cause,
    hint: 'is `countersign serve` running, and is --url right?',
  });
}

function objectOf({ text }: Answer): Readonly<Record<string, Json>> {
  const json = jsonOf(text);
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) {
    return json as Readonly<Record<string, Json>>;
  }
  throw cliError('ANSWER_INVALID', 'expected a JSON object from the ledger');
}

function jsonOf(text: string): Json {
  try {
    return parseStrict(Buffer.from(text), BODY_LIMITS);
  } catch (error) {
    throw cliError('ANSWER_INVALID', 'expected JSON from the ledger', { cause: error });
  }
}

export function isEntry(json: Json | undefined): json is Json & LoggedEntry {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return false;
  const entry = json as Readonly<Record<string, Json>>;
  return (
    typeof entry['index'] === 'number' &&
    typeof entry['leaf'] === 'string' &&
    typeof entry['type'] === 'string' &&
    typeof entry['text'] === 'string'
  );
}

/** RFC 9457; anything else that is no success is no answer of a ledger. */
function refusalOf(answer: Answer): CliError {
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
  if (answer.status >= 500 || code === 'INTERNAL')
    return unreachable(`the ledger failed (${code})`);
  return new CliError(code, typeof detail === 'string' ? detail : 'the ledger refused it');
}
