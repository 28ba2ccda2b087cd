import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalText, digestOf, parseStrict, type Json } from '@countersign/canonical';
import { createDurably, isSystemError, makePrivateFolder } from '@countersign/durable-file';
import { ConnectorError } from './connector-error.ts';
import type { Effect, VerifiedUse } from './connector.ts';

/** Knows whether the target may have been touched yet. */
export interface Attempt {
  /**
   * Every call that could change the target goes through here: from it on, an error no longer means that nothing happened.
   * A call that the target itself refused, so that it changed nothing, MUST throw a ConnectorError.
   */
  send<T>(call: () => Promise<T>): Promise<T>;
}

export interface Work {
  /** The target's name, for a report of what never reached it. */
  readonly targetRef: string;
  run(attempt: Attempt): Promise<Effect>;
}

const KEY = /^[0-9A-Za-z][0-9A-Za-z_-]{7,127}$/;

/**
 * A folder with one record for each idempotency key: first that it was begun, then what came of it.
 *
 * Crash story: the record is on the disk before the target is touched. If we stop in between, a repeated execution finds
 * a beginning without an end and answers `unknown`; reconciliation finds out, and nothing is sent a second time.
 */
export class OnceJournal {
  readonly #folder: string;
  readonly #running = new Map<
    string,
    { readonly params: string; readonly effect: Promise<Effect> }
  >();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Never throws, and never does the work of one key twice. */
  async execute(use: VerifiedUse<unknown>, work: Work): Promise<Effect> {
    const key = use.idempotencyKey;
    const params = paramsDigest(use);
    const running = this.#running.get(key);
    if (running !== undefined) {
      return running.params === params ? running.effect : conflict(work.targetRef);
    }
    const effect = this.#execute(use, work);
    this.#running.set(key, { params, effect });
    try {
      return await effect;
    } finally {
      this.#running.delete(key);
    }
  }

  async #execute(use: VerifiedUse<unknown>, work: Work): Promise<Effect> {
    let isFirst;
    try {
      isFirst = await this.#begin(use);
      if (!isFirst) return await this.#earlier(use, work.targetRef);
    } catch (error) {
      // A journal that cannot be read could hold a beginning: only one that was never written means that nothing was sent.
      return isFirst === undefined ? failed(error, work.targetRef) : unknown(work.targetRef);
    }
    const effect = await attempted(work);
    try {
      await createDurably(this.#path(use, 'done'), canonicalText(effect as unknown as Json));
    } catch {
      // The effect is known, here and now. A repeated execution will say `unknown`, as after a crash.
    }
    return effect;
  }

  async #begin(use: VerifiedUse<unknown>): Promise<boolean> {
    if (!KEY.test(use.idempotencyKey)) {
      throw new ConnectorError('NOT_SUPPORTED', 'expected an idempotency key of 8 to 128 letters');
    }
    await makePrivateFolder(this.#folder);
    return createDurably(this.#path(use, 'begun'), paramsDigest(use));
  }

  async #earlier(use: VerifiedUse<unknown>, targetRef: string): Promise<Effect> {
    if ((await readFile(this.#path(use, 'begun'), 'utf8')) !== paramsDigest(use)) {
      return conflict(targetRef);
    }
    try {
      return parseStrict(await readFile(this.#path(use, 'done'))) as unknown as Effect;
    } catch (error) {
      if (isSystemError(error, 'ENOENT')) return unknown(targetRef);
      throw error;
    }
  }

  #path({ idempotencyKey }: VerifiedUse<unknown>, part: 'begun' | 'done'): string {
    return join(this.#folder, `${idempotencyKey}.${part}`);
  }
}

function paramsDigest({ params }: VerifiedUse<unknown>): string {
  return digestOf('countersign/value/v1', params as Json);
}

async function attempted(work: Work): Promise<Effect> {
  const { targetRef } = work;
  const progress = { isSent: false, mayHaveActed: false, refusal: undefined as unknown };
  const send: Attempt['send'] = async (call) => {
    progress.isSent = true;
    try {
      const answer = await call();
      progress.mayHaveActed = true;
      return answer;
    } catch (error) {
      if (error instanceof ConnectorError) progress.refusal = error;
      else progress.mayHaveActed = true;
      throw error;
    }
  };
  try {
    return await work.run({ send });
  } catch (error) {
    if (!progress.isSent) return failed(error, targetRef);
    // What the target has answered is known: what is there instead, or that it refused. A refusal tells of its own call
    // alone: what an earlier one did is done. A timeout, a cut connection and a failure to look again are no answers.
    const isSeen = error instanceof ConnectorError && error.code === 'EFFECT_DIFFERS';
    const isRefused = !progress.mayHaveActed && error === progress.refusal;
    return isSeen || isRefused ? failed(error, targetRef) : unknown(targetRef);
  }
}

function failed(error: unknown, targetRef: string): Effect {
  const code = error instanceof ConnectorError ? error.code : 'NOT_SENT';
  return { result: 'failed', targetRef, code };
}

function conflict(targetRef: string): Effect {
  return { result: 'failed', targetRef, code: 'IDEMPOTENCY_CONFLICT' };
}

function unknown(targetRef: string): Effect {
  return { result: 'unknown', targetRef, code: 'OUTCOME_UNKNOWN' };
}

/** @throws {ConnectorError} PRECONDITION_STALE, before anything was sent */
export function assertApproved(
  approved: Readonly<Record<string, string>>,
  live: Readonly<Record<string, string>>,
): void {
  for (const [name, digest] of Object.entries(approved)) {
    if (live[name] !== digest) {
      throw new ConnectorError(
        'PRECONDITION_STALE',
        `expected ${name} as it was approved, got another state`,
      );
    }
  }
}
