import { BrokerError } from '@countersign/broker';
import { StoreError } from '@countersign/store';
import { SignerError } from '@countersign/tlog';
import { cliError } from './cli-error.ts';
import type { CliContext } from './context.ts';
import type { ProbeSource } from './process-probe.ts';
import { sleep } from './service.ts';
import type { Waiting } from './wait-watch.ts';

const FIRST_PAUSE_MS = 100;
const LAST_PAUSE_MS = 5_000;
const MS_PER_S = 1_000;

export type StartPatienceParts = Pick<CliContext, 'env' | 'interrupted' | 'nowMs'>;

export interface StartingLedger {
  readonly tenant: string;
  readonly shard: number;
}

/** The process was told to end while it waited for what it needs to start. */
export class StartInterrupted extends Error {
  override readonly name = 'StartInterrupted';
}

/**
 * Waits out what is away while a service starts, as the service itself does later: a process that ended instead would be started
 * again and again by whoever supervises it, and tell less. What no waiting mends (a wrong password, a key that is none,
 * topics set up wrong) ends the start at once.
 */
export class StartPatience implements ProbeSource {
  readonly #parts: StartPatienceParts;
  readonly #forMs: number;
  #at: StartingLedger | undefined;
  #waiting: { readonly waiting: Waiting; readonly sinceMs: number } | undefined;

  /** @throws CliError USAGE */
  constructor(parts: StartPatienceParts) {
    this.#parts = parts;
    this.#forMs = waitMs(parts.env);
  }

  readonly waits = (): readonly Waiting[] => {
    return this.#waiting === undefined ? [] : [this.#waiting.waiting];
  };

  readonly unready = (): { code: string; detail: string } => {
    const whose = this.#at === undefined ? '' : ` the ledger of ${this.#at.tenant}`;
    if (this.#waiting === undefined) return { code: 'STARTING', detail: `opening${whose}` };
    const { waiting, sinceMs } = this.#waiting;
    const seconds = Math.round((this.#parts.nowMs() - sinceMs) / MS_PER_S);
    return { code: waiting.code, detail: `starting${whose}: ${waiting.state} for ${seconds} s` };
  };

  /**
   * @param step may be repeated whatever became of it
   * @throws StartInterrupted; else what the step ends with
   */
  async until<T>(ledger: StartingLedger, step: () => Promise<T>): Promise<T> {
    const { nowMs } = this.#parts;
    const sinceMs = nowMs();
    this.#at = ledger;
    try {
      for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LAST_PAUSE_MS)) {
        try {
          return await this.#unlessInterrupted(step());
        } catch (error) {
          const away = awayIn(error);
          if (away === undefined || nowMs() - sinceMs > this.#forMs) throw error;
          const { tenant, shard } = ledger;
          this.#waiting = { waiting: { tenant, shard, ...away }, sinceMs };
          await this.#unlessInterrupted(sleep(pauseMs));
        }
      }
    } finally {
      this.#waiting = undefined;
    }
  }

  /** An attempt may hang for as long as a connection does; whoever is told to end does not wait for it. */
  async #unlessInterrupted<T>(work: Promise<T>): Promise<T> {
    const { interrupted } = this.#parts;
    let onAbort: () => void = () => undefined;
    const ended = new Promise<never>((_, reject) => {
      onAbort = () => {
        reject(new StartInterrupted('told to end while it was started'));
      };
      if (interrupted.aborted) onAbort();
      interrupted.addEventListener('abort', onAbort);
    });
    try {
      return await Promise.race([work, ended]);
    } finally {
      interrupted.removeEventListener('abort', onAbort);
      work.catch(() => undefined);
    }
  }
}

type Away = Pick<Waiting, 'state' | 'code' | 'detail'>;

/** What comes back by itself; the outermost error that an adapter named decides. */
function awayIn(error: unknown): Away | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const state = waitingState(at);
    if (state === 'never') return undefined;
    if (state !== undefined && 'code' in at) {
      return { state, code: String(at.code), detail: at.message };
    }
  }
  return undefined;
}

function waitingState(error: Error): string | undefined {
  if (error instanceof BrokerError) return error.kind === 'fatal' ? 'never' : 'waiting-broker';
  if (error instanceof SignerError) return error.kind === 'fatal' ? 'never' : 'waiting-signer';
  if (!(error instanceof StoreError)) return undefined;
  return error.code === 'STORE_UNAVAILABLE' ? 'waiting-store' : 'never';
}

/** As long as it takes, unless said. */
function waitMs(env: StartPatienceParts['env']): number {
  const text = env['COUNTERSIGN_START_WAIT_S'];
  if (text === undefined) return Infinity;
  if (/^[0-9]{1,6}$/.test(text)) return Number(text) * MS_PER_S;
  throw cliError('USAGE', 'COUNTERSIGN_START_WAIT_S: expected 0 to 999999 seconds');
}
