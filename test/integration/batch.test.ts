import { mkdir, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatTimestamp, type JsonObject } from '@countersign/canonical';
import { PaymentConnector, guardedCalls, vendorFolder } from '@countersign/connectors';
import { guard, type RunOrder, type RunResult } from '@countersign/sdk';
import { fileRunStore } from '@countersign/sdk/file-store';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Bound } from '../support/founded-ledger.ts';
import { HttpLedger } from '../support/http-ledger.ts';
import { paymentItem } from '../support/batch-params.ts';
import { commandPolicy } from '../support/parties.ts';

let at: HttpLedger;
let folder: string;

beforeAll(async () => {
  const types = ['payment.transfer', 'batch.payment.transfer'];
  at = await HttpLedger.start({ policy: commandPolicy({ types }) });
  folder = await mkdtemp(join(tmpdir(), 'batch-'));
});
afterAll(async () => {
  await at.discard();
  await rm(folder, { recursive: true, force: true });
});

const AMOUNTS = ['12.50', '999.00', '0.01'];

/** Three payments that were approved once, and the outbox of the bank with an executor of the real connector. */
class BatchStage {
  readonly bound: Bound;
  readonly #folder: string;

  private constructor(bound: Bound, work: string) {
    this.bound = bound;
    this.#folder = work;
  }

  static async open(order: 'any' | 'listed', items = AMOUNTS): Promise<BatchStage> {
    const { parties, clock } = at.ledger;
    const bound = await at.ledger.bind(
      parties.action({
        type: 'batch.payment.transfer',
        params: { order, items: items.map((amount) => paymentItem(amount)) },
        max_uses: items.length,
        not_after: formatTimestamp(clock.nowMs() + 600_000),
      }),
    );
    const work = await mkdtemp(join(folder, 'bank-'));
    await mkdir(join(work, 'outbox'));
    return new BatchStage(bound, work);
  }

  pay(
    order: Pick<RunOrder, 'item' | 'name' | 'params'>,
    action: JsonObject = this.bound.action,
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
      nowMs: () => at.ledger.clock.nowMs(),
      store: fileRunStore(join(this.#folder, 'runs')),
    });
    const calls = guardedCalls(
      new PaymentConnector({
        outbox: join(this.#folder, 'outbox'),
        journal: join(this.#folder, 'journal'),
        debtors: { DE89370400440532013000: { name: 'Hansa Maschinen AG' } },
        vendors: vendorFolder(join(this.#folder, 'payables')),
      }),
    );
    return guarded.run(
      { ...order, action, preconditions: (approved) => calls.preconditions(approved) },
      (verified) => calls.execute(verified),
    );
  }

  /** What the bank is asked to pay. */
  async paid(): Promise<string[]> {
    const path = join(this.#folder, 'outbox');
    const files = (await readdir(path)).map(async (name) => {
      const text = await readFile(join(path, name), 'utf8');
      return /<InstdAmt Ccy="EUR">(.*)<\/InstdAmt>/.exec(text)?.[1] ?? '';
    });
    return (await Promise.all(files)).sort();
  }
}

function told(result: RunResult): string {
  return result.outcome === 'ended' ? `ended ${result.result}` : `${result.outcome} ${result.code}`;
}

describe('a batch of payments, from one approval to the files of the bank', () => {
  it('A12: pays each item once, in any order, and tells a repeated run from another one', async () => {
    const stage = await BatchStage.open('any');
    for (const item of [3, 1]) expect(told(await stage.pay({ item }))).toBe('ended succeeded');
    expect(await stage.pay({ item: 3 })).toMatchObject({ outcome: 'ended', isRepeat: true });
    expect(told(await stage.pay({ item: 3, name: 'once-more' }))).toBe('refused ALREADY_CONSUMED');
    expect(await stage.paid()).toEqual(['0.01', '12.50']);
  });

  it('A12: pays no item that was not approved: one more, a replaced one, or none', async () => {
    const stage = await BatchStage.open('any');
    const replaced = paymentItem('77.00')['params'] as JsonObject;
    const payee = paymentItem('999.00', 'Suedlicht GmbH')['params'] as JsonObject;
    for (const order of [{ item: 4 }, { item: 0 }, { item: 2, params: replaced }]) {
      expect(told(await stage.pay(order))).toBe('refused NOT_IN_BATCH');
    }
    expect(told(await stage.pay({ item: 2, params: payee }))).toBe('refused NOT_IN_BATCH');
    expect(await stage.paid()).toEqual([]);
    const own = paymentItem('999.00')['params'] as JsonObject;
    expect(told(await stage.pay({ item: 2, params: own }))).toBe('ended succeeded');
    expect(await stage.paid()).toEqual(['999.00']);
  });

  it('A12: pays nothing of a batch that has grown by an item since it was approved', async () => {
    const stage = await BatchStage.open('any');
    const { action } = (await BatchStage.open('any', [...AMOUNTS, '77.00'])).bound;
    const grown = { ...action, action_id: stage.bound.actionId };
    expect(told(await stage.pay({ item: 4 }, grown))).toBe('refused ACTION_DIGEST_MISMATCH');
    expect(await stage.paid()).toEqual([]);
  });

  it('A16: pays the steps of a plan in their order alone', async () => {
    const stage = await BatchStage.open('listed');
    expect(told(await stage.pay({ item: 2 }))).toBe('refused PLAN_ORDER');
    expect(told(await stage.pay({ item: 1 }))).toBe('ended succeeded');
    expect(told(await stage.pay({ item: 2, name: 'again' }))).toBe('ended succeeded');
    expect(await stage.paid()).toEqual(['12.50', '999.00']);
  });
});
