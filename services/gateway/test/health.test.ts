import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { LedgerHealth } from '../src/index.ts';
import { GatewayBench } from './testing/gateway-bench.ts';

const WELL: LedgerHealth = {
  writer: { state: 'running' },
  sealedSize: 12,
  sealedAtMs: 0,
  projectedSize: 12,
  bindings: 3,
};

let bench: GatewayBench;
beforeAll(async () => {
  bench = await GatewayBench.start({ limits: { projectorLagEntries: 10 } });
});
beforeEach(() => {
  bench.health = WELL;
});
afterAll(async () => {
  await bench.close();
});

describe('/readyz', () => {
  test.each<[string, Partial<LedgerHealth>, [number, string?]]>([
    ['running', {}, [200]],
    ['a little behind', { sealedSize: 22 }, [200]],
    ['starting', { writer: { state: 'starting' } }, [503, 'WRITER_UNAVAILABLE']],
    ['waiting', { writer: { state: 'waiting-signer' } }, [503, 'WRITER_UNAVAILABLE']],
    ['stopped', { writer: { state: 'stopped', code: 'CLOCK_JUMP' } }, [503, 'WRITER_UNAVAILABLE']],
    ['far behind', { sealedSize: 23 }, [503, 'PROJECTOR_BEHIND']],
    ['empty', { sealedSize: 0, projectedSize: 0 }, [503, 'PROJECTOR_BEHIND']],
  ])('%s', async (_name, change, [status, code]) => {
    bench.health = { ...WELL, ...change };
    const sent = await bench.send({ url: '/readyz' });
    expect([sent.status, sent.body['code']]).toEqual([status, code]);
    expect((await bench.send({ url: '/healthz' })).status).toBe(200);
  });

  test('tells which witnesses are away, and stays ready without them', async () => {
    bench.health = { ...WELL, witnesses: { cosignedSize: 9, away: ['lite'] } };
    const sent = await bench.send({ url: '/readyz' });
    expect([sent.status, sent.body]).toEqual([
      200,
      { status: 'ok', witnesses: { cosigned_size: 9, away: ['lite'] } },
    ]);
    bench.health = WELL;
    expect((await bench.send({ url: '/readyz' })).body).toEqual({ status: 'ok' });
  });

  test('says why the writer stopped', async () => {
    bench.health = { ...WELL, writer: { state: 'stopped', code: 'CLOCK_JUMP' } };
    expect((await bench.send({ url: '/readyz' })).body['detail']).toBe(
      'the writer is stopped: CLOCK_JUMP',
    );
  });
});

describe('what nobody decides', () => {
  test('is counted by how much of its time is over', async () => {
    await bench.request();
    const start = bench.ledger.nowMs;
    const counts = async (): Promise<unknown> => (await bench.read('/v1/status')).body['undecided'];
    const pending = async (): Promise<unknown> => {
      const { text } = await bench.send({ url: '/metrics' });
      return text.split('\n').filter((line) => line.startsWith('countersign_requests_undecided{'));
    };
    const { body } = await bench.read('/v1/inbox');
    const [row] = body['actions'] as unknown as readonly Record<string, string>[];
    const span = Date.parse(row?.['decide_by'] ?? '') - start;
    expect(await counts()).toEqual({ half: 0, last_tenth: 0 });
    bench.ledger.nowMs = start + span / 2;
    expect(await counts()).toEqual({ half: 1, last_tenth: 0 });
    bench.ledger.nowMs = start + span * 0.9;
    expect(await counts()).toEqual({ half: 0, last_tenth: 1 });
    expect(await pending()).toEqual([
      'countersign_requests_undecided{stage="half"} 0',
      'countersign_requests_undecided{stage="last-tenth"} 1',
    ]);
    bench.ledger.nowMs = start;
  });

  test('F10: is ended by a freeze, and waits for nobody any more', async () => {
    const { actionId } = await bench.request();
    const standing = async (): Promise<unknown[]> => {
      const { actions } = (await bench.read('/v1/inbox')).body;
      const { status } = (await bench.read(`/v1/actions/${actionId}`)).body;
      const open = actions as unknown as readonly Record<string, string>[];
      return [status, open.some(({ action_id: id }) => id === actionId)];
    };
    expect(await standing()).toEqual(['pending', true]);
    await bench.ledger.freeze();
    expect(await standing()).toEqual(['epoch-ended', false]);
    const later = await bench.request();
    expect((await bench.read(`/v1/actions/${later.actionId}`)).body['status']).toBe('pending');
    const { body } = await bench.read('/v1/actions');
    const start = bench.ledger.nowMs;
    const [row] = body['actions'] as unknown as readonly Record<string, string>[];
    bench.ledger.nowMs = start + (Date.parse(row?.['decide_by'] ?? '') - start) / 2;
    expect((await bench.read('/v1/status')).body['undecided']).toEqual({ half: 1, last_tenth: 0 });
    bench.ledger.nowMs = start;
    await bench.ledger.removeMember('freeze', 'freeze');
  });
});

describe('/metrics', () => {
  test('count requests, decisions by verdict, refusals by code, and how long a receipt took', async () => {
    const passkey = await bench.ledger.enrolPasskey();
    const { actionId } = await bench.request();
    const decision = await bench.decisionOf(actionId, passkey);
    await bench.post('/v1/decisions', decision);
    await bench.post('/v1/decisions', decision);
    await bench.post('/v1/requests', { approved: true });
    const { text } = await bench.send({ url: '/metrics' });
    for (const line of [
      'countersign_http_requests_total{method="POST",route="/v1/decisions",status="201"} 1',
      'countersign_http_requests_total{method="POST",route="/v1/decisions",status="200"} 1',
      'countersign_decisions_total{verdict="approve"} 1',
      'countersign_refusals_total{code="UNKNOWN_MEMBER"} 1',
      'countersign_receipt_seconds_count{kind="decision"} 1',
      'countersign_log_size 12',
      'countersign_projected_size 12',
      'countersign_bindings 3',
      'countersign_waiters 0',
      'countersign_frozen 0',
      'countersign_recoveries_pending 0',
      'countersign_writer_state{state="running"} 1',
      'countersign_writer_state{state="stopped"} 0',
    ]) {
      expect(text).toContain(`${line}\n`);
    }
    expect(text).toMatch(/^countersign_head_age_seconds \d/m);
    expect(text).not.toContain(actionId);
  });
});
