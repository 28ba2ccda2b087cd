import { createHmac } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { canonicalText, type JsonObject } from '@countersign/canonical';
import { StoreError } from '@countersign/store';
import { ProjectorError } from './projector-error.ts';

/** Who is told, and the secret that whoever is told knows us by. */
export interface WebhookTarget {
  readonly url: string;
  readonly secret: Uint8Array;
}

const ANSWER_WITHIN_MS = 10_000;

/** The receiver is not there, or does not take it: tried again. */
class ReceiverAway extends Error {
  override readonly name = 'ReceiverAway';
  readonly code: 'WEBHOOK_REFUSED' | 'WEBHOOK_UNREACHABLE';

  constructor(code: ReceiverAway['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Posts to one target, signed: docs/connectors.md. Stops with the signal. */
export class WebhookPost {
  readonly #target: WebhookTarget;
  readonly #nowMs: () => number;
  readonly #stopped: AbortSignal;

  constructor(target: WebhookTarget, nowMs: () => number, stopped: AbortSignal) {
    this.#target = target;
    this.#nowMs = nowMs;
    this.#stopped = stopped;
  }

  async tell(message: JsonObject): Promise<void> {
    const body = canonicalText(message);
    const time = Math.floor(this.#nowMs() / 1000);
    const mac = createHmac('sha256', this.#target.secret).update(`${time}.${body}`).digest('hex');
    const response = await this.#post(body, `t=${time},v1=${mac}`);
    await response.body?.cancel();
    if (response.ok) return;
    throw new ReceiverAway('WEBHOOK_REFUSED', `expected status 2xx, got ${response.status}`);
  }

  async #post(body: string, signature: string): Promise<Response> {
    const within = AbortSignal.timeout(ANSWER_WITHIN_MS);
    try {
      return await fetch(this.#target.url, {
        method: 'POST',
        // Whoever is told is who was configured, and nobody that they name.
        redirect: 'error',
        headers: { 'content-type': 'application/json', 'countersign-signature': signature },
        body,
        signal: AbortSignal.any([this.#stopped, within]),
      });
    } catch (cause) {
      throw new ReceiverAway('WEBHOOK_UNREACHABLE', 'expected an answer', { cause });
    }
  }

  async pause(ms: number): Promise<void> {
    const signal = this.#stopped;
    await delay(ms, undefined, { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }
}

/** Of what passes, and is tried again; anything else is thrown. */
export function passingCode(error: unknown): string {
  const isPassing =
    error instanceof ReceiverAway || error instanceof StoreError || error instanceof ProjectorError;
  if (!isPassing) throw error;
  return error.code;
}
