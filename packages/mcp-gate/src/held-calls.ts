import { errorResponse, progress, refusedResult } from './answers.ts';
import type { RequestId, ToolCall } from './client-message.ts';
import { GateError } from './gate-error.ts';
import {
  refusalOf,
  runHeldCall,
  type CallEnd,
  type CallParts,
  type CallSession,
} from './held-call.ts';
import { exactArguments } from './tool-call.ts';

type AnswerableCall = ToolCall & { readonly id: RequestId };

interface Held {
  readonly stop: AbortController;
  hasStarted: boolean;
}

const HELD_MAX = 64;
const SETTLE_WITHIN_MS = 5_000;
/** Clients that begin their timeout anew at each progress wait for a minute or so. */
const PROGRESS_MS = 10_000;

/** The calls of one session that wait for a human or run under an approval. */
export class HeldCalls {
  readonly #at: { readonly parts: CallParts; readonly session: CallSession };
  readonly #toClient: (text: string, about: RequestId) => void;
  readonly #held = new Map<RequestId, Held>();
  readonly #running = new Set<Promise<void>>();

  constructor(
    at: { readonly parts: CallParts; readonly session: CallSession },
    toClient: (text: string, about: RequestId) => void,
  ) {
    this.#at = at;
    this.#toClient = toClient;
  }

  hold(call: ToolCall): void {
    const { id } = call;
    if (id === undefined) {
      // Nobody could be told what became of it.
      this.#at.parts.log('refused', { code: 'CALL_INVALID', tool: call.tool });
      return;
    }
    const refusal = this.#noRoomFor(id);
    if (refusal !== undefined) {
      this.#toClient(errorResponse(id, refusal), id);
      return;
    }
    const held: Held = { stop: new AbortController(), hasStarted: false };
    this.#held.set(id, held);
    const run = this.#run({ ...call, id }, held).finally(() => this.#running.delete(run));
    this.#running.add(run);
  }

  /** The client does not want it any more: what waits stops, and what runs is asked to. @returns whether it was here */
  cancel(id: RequestId): boolean {
    const held = this.#held.get(id);
    held?.stop.abort();
    return held !== undefined;
  }

  /** Nobody could hear the answer. What waits stops, so that nothing is run for nobody; what runs goes on. */
  release(id: RequestId): void {
    const held = this.#held.get(id);
    if (held?.hasStarted === false) held.stop.abort();
  }

  releaseAll(): void {
    for (const id of this.#held.keys()) this.release(id);
  }

  /** Until each call has been reported, or a while is over: what is not delivered then is sent at the next start. */
  async settled(): Promise<void> {
    const late = new Promise((resolve) => setTimeout(resolve, SETTLE_WITHIN_MS).unref());
    await Promise.race([Promise.all(this.#running), late]);
  }

  #noRoomFor(id: RequestId): GateError | undefined {
    if (this.#held.has(id)) {
      return new GateError('CALL_INVALID', 'expected an id that is not in use');
    }
    if (this.#held.size < HELD_MAX) return undefined;
    return new GateError('TOO_MANY_CALLS', `expected at most ${HELD_MAX} calls that wait`);
  }

  async #run(call: AnswerableCall, held: Held): Promise<void> {
    let stopTelling = (): void => undefined;
    const end = (end: CallEnd): void => {
      stopTelling();
      this.#end(call, held, end);
    };
    try {
      if (call.foreign.length > 0) {
        throw new GateError('CALL_INVALID', 'expected a call with name, arguments and _meta only');
      }
      const gated = { ...call, argumentsText: exactArguments(call.argumentsText) };
      await runHeldCall(gated, this.#at, {
        signal: held.stop.signal,
        onAsked: (actionId) => {
          stopTelling = this.#asked(call, actionId);
        },
        onStart: () => {
          held.hasStarted = true;
        },
        onEnd: end,
      });
    } catch (error) {
      end({ kind: 'refused', refusal: refusalOf(error), facts: {} });
    } finally {
      stopTelling();
      this.#held.delete(call.id);
    }
  }

  #asked({ id, tool, progressToken }: AnswerableCall, actionId: string): () => void {
    const { ledger, log } = this.#at.parts;
    const url = `${ledger.url}/action/${actionId}`;
    log('requested', { action_id: actionId, tool, url });
    if (progressToken === undefined) return () => undefined;
    let count = 0;
    const tell = (): void => {
      count += 1;
      this.#toClient(progress(progressToken, count, `waits for a human: ${url}`), id);
    };
    tell();
    const timer = setInterval(tell, PROGRESS_MS);
    return () => {
      clearInterval(timer);
    };
  }

  #end({ id, tool }: AnswerableCall, { stop, hasStarted }: Held, end: CallEnd): void {
    const { log } = this.#at.parts;
    if (end.kind === 'answered') log('ran', { ...end.facts, tool });
    else log('refused', { ...end.facts, tool, code: end.refusal.code });
    // Who has cancelled a call gets no answer to it: MCP, "Cancellation". When it was running, what is known is told.
    if (stop.signal.aborted && !hasStarted) return;
    const text =
      end.kind === 'answered' ? end.text : refusedResult(id, { ...end.refusal, facts: end.facts });
    this.#toClient(text, id);
  }
}
