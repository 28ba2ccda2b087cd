import type { RequestId } from './client-message.ts';
import { GateError } from './gate-error.ts';

/** A response as it came. */
export interface Answer {
  readonly text: string;
  readonly json: Readonly<Record<string, unknown>>;
}

interface Open {
  readonly about: RequestId | undefined;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: GateError) => void;
}

/**
 * Requests that the gate itself sends to the server of a session. Their ids begin with a number that nobody else knows, so no
 * request of the client has one of them.
 */
export class OwnRequests {
  readonly #send: (text: string, id: string) => Promise<void>;
  readonly #prefix: string;
  readonly #open = new Map<string, Open>();
  #count = 0;

  constructor(send: (text: string, id: string) => Promise<void>, secret: string) {
    this.#send = send;
    this.#prefix = `countersign-${secret}-`;
  }

  /**
   * @param about the client's request that this one is sent for
   * @throws GateError UPSTREAM_FAILED, UPSTREAM_GONE
   */
  ask(
    method: string,
    params: string,
    { about, signal }: { readonly about?: RequestId; readonly signal?: AbortSignal } = {},
  ): Promise<Answer> {
    this.#count += 1;
    const id = `${this.#prefix}${this.#count}`;
    const text = `{"jsonrpc":"2.0","id":"${id}","method":"${method}","params":${params}}`;
    return new Promise((resolve, reject) => {
      const cancel = (): void => {
        this.#cancel(id);
      };
      const done = (): void => {
        this.#open.delete(id);
        signal?.removeEventListener('abort', cancel);
      };
      this.#open.set(id, {
        about,
        resolve: (answer) => {
          done();
          resolve(answer);
        },
        reject: (error) => {
          done();
          reject(error);
        },
      });
      signal?.addEventListener('abort', cancel, { once: true });
      this.#send(text, id).catch((error: unknown) => {
        this.#open
          .get(id)
          ?.reject(
            new GateError('UPSTREAM_FAILED', 'the server took no request', { cause: error }),
          );
      });
    });
  }

  /** An answer to it would be taken for one to the gate, whoever asked. */
  owns(id: RequestId | undefined): boolean {
    return typeof id === 'string' && id.startsWith(this.#prefix);
  }

  /** Whether it was an answer for the gate. */
  settle(answer: Answer): boolean {
    const id = answer.json['id'];
    const open = typeof id === 'string' ? this.#open.get(id) : undefined;
    open?.resolve(answer);
    // One that came late or twice is not the client's either.
    return open !== undefined || (typeof id === 'string' && this.owns(id));
  }

  /** The client's request for which one of ours was sent. */
  about(id: RequestId | undefined): RequestId | undefined {
    return typeof id === 'string' && this.owns(id) ? this.#open.get(id)?.about : id;
  }

  failOne(id: RequestId, error: GateError): void {
    if (typeof id === 'string') this.#open.get(id)?.reject(error);
  }

  fail(error: GateError): void {
    for (const open of [...this.#open.values()]) open.reject(error);
  }

  /** Who is asked to stop need not answer: from here on nobody knows what came of it. */
  #cancel(id: string): void {
    const open = this.#open.get(id);
    const note = `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"${id}"}}`;
    void this.#send(note, id).catch(() => undefined);
    open?.reject(new GateError('UPSTREAM_GONE', 'it was cancelled before it was answered'));
  }
}
