import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConnectorError } from '../src/connector-error.ts';
import { OnceJournal, type Attempt, type Work } from '../src/once.ts';

const USE = {
  params: {},
  preconditions: {},
  useId: '01M83G8PGDVFCDVZ5H41H6NGY8',
  shortId: 'cs-5H41H6NGY8',
  idempotencyKey: 'a7'.repeat(32),
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'once-'));
});
afterEach(() => rm(folder, { recursive: true }));

const refused = (): Promise<never> =>
  Promise.reject(new ConnectorError('TARGET_REFUSED', 'expected to be let in'));
const taken = (): Promise<void> => Promise.resolve();
const cut = (): Promise<never> => Promise.reject(new Error('cut'));

/** Sends the calls one after the other, and goes on after a refusal where it is told to. */
function sending(calls: readonly (() => Promise<void>)[], goesOn = false): Work {
  const run = async (attempt: Attempt): Promise<never> => {
    for (const [at, call] of calls.entries()) {
      try {
        await attempt.send(call);
      } catch (error) {
        if (!goesOn || at === calls.length - 1) throw error;
      }
    }
    throw new Error('expected the last call to fail');
  };
  return { targetRef: 'target', run };
}

describe('what is known of a target that refused', () => {
  it.each<readonly [what: string, result: string, work: Work]>([
    ['its only call', 'failed TARGET_REFUSED', sending([refused])],
    ['each of its calls', 'failed TARGET_REFUSED', sending([refused, refused], true)],
    ['a call after one that it took', 'unknown OUTCOME_UNKNOWN', sending([taken, refused])],
    ['a call after a lost answer', 'unknown OUTCOME_UNKNOWN', sending([cut, refused], true)],
  ])('C16: where it refused %s it is %s', async (_, told, work) => {
    const { result, code = '' } = await new OnceJournal(folder).execute(USE, work);
    expect(`${result} ${code}`).toBe(told);
  });
});
