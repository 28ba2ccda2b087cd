import { mkdir, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatTimestamp } from '@countersign/canonical';
import { GrantConnector, guardedCalls } from '@countersign/connectors';
import { guard, type RunResult } from '@countersign/sdk';
import { fileRunStore } from '@countersign/sdk/file-store';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Bound } from '../support/founded-ledger.ts';
import { HttpLedger } from '../support/http-ledger.ts';
import { commandPolicy } from '../support/parties.ts';
import { GRANT_PARAMS } from '../support/grant-params.ts';

let at: HttpLedger;
let folder: string;

beforeAll(async () => {
  at = await HttpLedger.start({ policy: commandPolicy({ types: ['payment.grant'], max_uses: 3 }) });
  folder = await mkdtemp(join(tmpdir(), 'payment-grant-'));
});
afterAll(async () => {
  await at.discard();
  await rm(folder, { recursive: true, force: true });
});

/** A grant of three payments within ten minutes, and the bank's outbox, with an executor of the real connector. */
class GrantStage {
  readonly bound: Bound;
  readonly #evidence: string;
  readonly #folder: string;

  private constructor(bound: Bound, parts: { evidence: string; folder: string }) {
    this.bound = bound;
    this.#evidence = parts.evidence;
    this.#folder = parts.folder;
  }

  static async open(): Promise<GrantStage> {
    const { parties, clock } = at.ledger;
    const bound = await at.ledger.bind(
      parties.action({
        type: 'payment.grant',
        params: GRANT_PARAMS,
        max_uses: 3,
        not_after: formatTimestamp(clock.nowMs() + 600_000),
      }),
    );
    const work = await mkdtemp(join(folder, 'bank-'));
    await mkdir(join(work, 'outbox'));
    const evidence = await at.client(parties.executor).evidence(bound.actionId);
    return new GrantStage(bound, { evidence, folder: work });
  }

  /** @param how `kept`: as it was when nothing was used yet, evidence and clock; `killed`: when the file is written */
  pay(
    name: string,
    chosen: Record<string, string>,
    how: 'fresh' | 'kept' | 'killed' = 'fresh',
  ): Promise<RunResult> {
    const { executor } = at.ledger.parties;
    const guarded = guard({
      ledger: at.client(executor),
      trust: at.trustFile(),
      executor: {
        id: executor.id,
        audience: 'host:build-1',
        key: { thumbprint: executor.thumbprint, sign: (message) => executor.sign(message) },
        interfaceDigest: `sha256:${'ab'.repeat(32)}`,
      },
      nowMs: () => (how === 'kept' ? Date.now() : at.ledger.clock.nowMs()),
      store: fileRunStore(join(this.#folder, 'runs')),
    });
    const calls = guardedCalls(this.#connector());
    return guarded.run(
      {
        action: this.bound.action,
        preconditions: (approved) => calls.preconditions(approved),
        name,
        chosen,
        ...(how === 'kept' && { evidence: this.#evidence }),
      },
      async (verified) => {
        const effect = await calls.execute(verified);
        if (how === 'killed') throw new Error('killed');
        return effect;
      },
    );
  }

  #connector(): GrantConnector {
    return new GrantConnector({
      outbox: join(this.#folder, 'outbox'),
      journal: join(this.#folder, 'journal'),
      debtors: { DE89370400440532013000: { name: 'Hansa Maschinen AG' } },
    });
  }

  /** What the bank is asked to pay, each file with the reference of its use. */
  async paid(): Promise<string[]> {
    const path = join(this.#folder, 'outbox');
    const files = (await readdir(path)).map(async (name) => {
      const text = await readFile(join(path, name), 'utf8');
      expect(text).toContain(`<EndToEndId>${name.replace('.xml', '')}</EndToEndId>`);
      return /<InstdAmt Ccy="(.*)<\/InstdAmt>/.exec(text)?.[1] ?? '';
    });
    return (await Promise.all(files)).sort();
  }
}

function told(result: RunResult): string {
  return result.outcome === 'ended' ? `ended ${result.result}` : `${result.outcome} ${result.code}`;
}

describe('a grant of payments, from its approval to the files of the bank', () => {
  it('A13: pays what each use has chosen, three times and not once more', async () => {
    const stage = await GrantStage.open();
    for (const [name, amount] of [
      ['1', '0.01'],
      ['2', '12.50'],
      ['3', '500.00'],
    ] as const) {
      expect(told(await stage.pay(name, { amount }))).toBe('ended succeeded');
    }
    const all = ['EUR">0.01', 'EUR">12.50', 'EUR">500.00'];
    expect(await stage.paid()).toEqual(all);
    // The evidence says so by itself; an executor that has none of the uses in it hears it from the ledger.
    expect(told(await stage.pay('4', { amount: '1.00' }))).toBe('refused ALREADY_CONSUMED');
    const fourth = await stage.pay('4', { amount: '1.00' }, 'kept');
    expect(told(fourth)).toBe('refused CONSTRAINT_VIOLATED');
    // The same run again is the same payment, whatever it would choose now.
    expect(await stage.pay('2', { amount: '400.00' })).toMatchObject({ isRepeat: true });
    expect(await stage.paid()).toEqual(all);
  });

  it.each([
    ['above its limit', { amount: '500.01' }],
    ['below its limit', { amount: '0.00' }],
    ['in another currency', { amount: '5.00', currency: 'USD' }],
    ['to somebody else', { amount: '5.00', account: 'DE02120300000000202051' }],
    ['without an amount', {}],
  ])('A13: pays nothing %s: CONSTRAINT_VIOLATED', async (_, chosen) => {
    const stage = await GrantStage.open();
    expect(told(await stage.pay('1', chosen))).toBe('refused CONSTRAINT_VIOLATED');
    expect(await stage.paid()).toEqual([]);
    expect(told(await stage.pay('1', { amount: '5.00' }))).toBe('ended succeeded');
  });

  it('C16: pays nothing more while nobody knows what came of one payment', async () => {
    const stage = await GrantStage.open();
    const killed = await stage.pay('1', { amount: '7.00' }, 'killed');
    expect(told(killed)).toBe('unknown OUTCOME_UNKNOWN');
    expect(told(await stage.pay('2', { amount: '8.00' }))).toBe('refused OUTCOME_UNKNOWN');
    expect(told(await stage.pay('2', { amount: '8.00' }, 'kept'))).toBe('refused OUTCOME_UNKNOWN');
    expect(await stage.paid()).toEqual(['EUR">7.00']);
  });

  it('A13: pays nothing after its end, whatever the clock of the executor says', async () => {
    const stage = await GrantStage.open();
    expect(told(await stage.pay('1', { amount: '5.00' }))).toBe('ended succeeded');
    at.ledger.clock.forward(900_000);
    expect(told(await stage.pay('2', { amount: '6.00' }))).toBe('refused EXPIRED');
    const late = await stage.pay('2', { amount: '6.00' }, 'kept');
    expect(told(late)).toBe('refused CONSTRAINT_VIOLATED');
    expect(await stage.paid()).toEqual(['EUR">5.00']);
  });
});
