import type { Json, JsonObject } from '@countersign/canonical';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GatewayBench } from './testing/gateway-bench.ts';
import { T0 } from './testing/scripted-ledger.ts';

let bench: GatewayBench;
beforeAll(async () => {
  bench = await GatewayBench.start();
  await bench.request();
  await bench.request(bench.ledger.otherAgent);
});
afterAll(async () => {
  await bench.close();
});

async function listed(path: string, member: string): Promise<readonly JsonObject[]> {
  const { status, body } = await bench.read(`/v1/${path}`);
  expect([path, status]).toEqual([path, 200]);
  expect(body['log_size']).toBe(bench.ledger.size);
  return body[member] as readonly JsonObject[];
}

/** All of a list, a row at a time. */
async function walked(path: string, member: string, filter = ''): Promise<readonly JsonObject[]> {
  const rows: JsonObject[] = [];
  let cursor: Json | undefined;
  do {
    const more = typeof cursor === 'string' ? `&cursor=${encodeURIComponent(cursor)}` : '';
    const { body } = await bench.read(`/v1/${path}?limit=1${filter}${more}`);
    rows.push(...(body[member] as readonly JsonObject[]));
    cursor = body['cursor'];
  } while (typeof cursor === 'string');
  return rows;
}

describe('lists', () => {
  test.each(['persons', 'credentials', 'agents', 'executors'])('%s, by id', async (path) => {
    if (path === 'credentials') await bench.ledger.enrolPasskey();
    const rows = await listed(path, 'members');
    expect(rows.length).toBeGreaterThan(0);
    const ids = rows.map(({ member }) => (member as { id: string }).id);
    expect(ids).toEqual([...ids].sort());
    expect(rows[0]?.['member']).toMatchObject({ kind: path.slice(0, -1) });
    expect(await walked(path, 'members')).toEqual(rows);
  });

  test('credentials of one person', async () => {
    const { person } = bench.ledger;
    expect((await listed(`credentials?person=${person}`, 'members')).length).toBeGreaterThan(0);
    expect(await listed('credentials?person=prs_0', 'members')).toEqual([]);
  });

  test('members that were removed, with entry, time and receipt, and no longer among the others', async () => {
    const { ledger } = bench;
    const { credentialId } = await ledger.enrolPasskey();
    await ledger.removeMember('credential', credentialId);
    const index = ledger.size - 1;
    const [gone, ...others] = await listed('credentials?removed=1', 'members');
    expect(others).toEqual([]);
    expect(gone).toMatchObject({
      member: { kind: 'credential', id: credentialId, person: ledger.person },
      removed_index: index,
      removed_at: new Date(ledger.nowMs).toISOString(),
    });
    expect(await walked('credentials', 'members', '&removed=1')).toEqual([gone]);
    const ids = (await listed('credentials', 'members')).map(({ member }) => member);
    expect(ids).not.toContainEqual(expect.objectContaining({ id: credentialId }));
    const { body } = await bench.read('/v1/credentials?removed=1&proofs=1');
    expect(body['proofs']).toMatchObject({ entries: [{ entry: { index } }] });
    expect(await listed('credentials?removed=1&person=prs_0', 'members')).toEqual([]);
    expect(await listed('agents?removed=1', 'members')).toEqual([]);
    const bad = await bench.read('/v1/agents?removed=yes');
    expect([bad.status, bad.body['code']]).toEqual([400, 'SCHEMA_INVALID']);
  });

  test('policies, with entry and time, and with receipts', async () => {
    const [policy, ...others] = await listed('policies', 'policies');
    expect([policy?.['index'], others]).toEqual([0, []]);
    const { body } = await bench.read('/v1/policies?proofs=1');
    const { entries } = body['proofs'] as {
      entries: readonly { readonly receipt: string }[];
    };
    expect(entries).toMatchObject([{ entry: { index: 0, type: 'ledger-founded' } }]);
    expect(entries[0]?.receipt).toContain('c2sp.org/tlog-proof@v1\nindex 0\n');
  });

  test('requests by agent, type and time', async () => {
    const { id } = bench.ledger.otherAgent;
    expect(await listed(`actions?agent=${id}`, 'actions')).toMatchObject([{ agent: id }]);
    expect(await listed('actions?type=key.rotate', 'actions')).toEqual([]);
    const at = (ms: number): string => new Date(ms).toISOString();
    expect(await listed(`actions?from=${at(T0 + 86_400_000)}`, 'actions')).toEqual([]);
    expect(await listed(`actions?to=${at(T0 + 86_400_000)}`, 'actions')).toHaveLength(2);
    expect(await listed('bindings', 'actions')).toEqual([]);
    const bad = await bench.read('/v1/actions?from=yesterday');
    expect([bad.status, bad.body['code']]).toEqual([400, 'SCHEMA_INVALID']);
  });

  test('requests and bindings by who has decided on them', async () => {
    const { person } = bench.ledger;
    expect(await listed(`actions?person=${person}`, 'actions')).toEqual([]);
    const passkey = await bench.ledger.enrolPasskey();
    const ids: string[] = [];
    for (const verdict of ['deny', 'approve'] as const) {
      // Ids of one moment are in any order.
      bench.ledger.nowMs += 1;
      const { actionId } = await bench.request();
      await bench.post('/v1/decisions', await bench.decisionOf(actionId, passkey, { verdict }));
      ids.unshift(actionId);
    }
    const idsOf = async (list: string): Promise<unknown[]> =>
      (await listed(list, 'actions')).map(({ action_id }) => action_id);
    expect(await idsOf(`actions?person=${person}`)).toEqual(ids);
    expect(await idsOf(`actions?person=${person}&status=denied`)).toEqual(ids.slice(1));
    expect(await idsOf(`bindings?person=${person}`)).toEqual(ids.slice(0, 1));
    expect(await idsOf('actions?person=prs_0')).toEqual([]);
  });

  test('findings by code', async () => {
    expect(await listed('findings?code=CLONE_SUSPECTED', 'findings')).toEqual([]);
    const bad = await bench.read('/v1/findings?code=nothing');
    expect(bad.status).toBe(400);
  });

  test('how people decided, by person and by when', async () => {
    // What others have decided before is none of it.
    bench.ledger.nowMs += 1_000;
    const period = `from=${new Date(bench.ledger.nowMs).toISOString()}`;
    const passkey = await bench.ledger.enrolPasskey();
    const { actionId } = await bench.request();
    const denial = await bench.decisionOf(actionId, passkey, { verdict: 'deny' });
    expect((await bench.post('/v1/decisions', denial)).status).toBe(201);
    const { person, nowMs } = bench.ledger;
    const [figures, ...others] = await listed(`reports/decisions?${period}`, 'persons');
    expect(figures).toMatchObject({ person, approved: 0, denied: 1, denied_per_mille: 1_000 });
    expect(others).toEqual([]);
    expect(await listed(`reports/decisions?${period}&person=${person}`, 'persons')).toEqual([
      figures,
    ]);
    const after = new Date(nowMs + 1).toISOString();
    expect(await listed(`reports/decisions?from=${after}`, 'persons')).toEqual([]);
  });

  test.each([
    'persons',
    'credentials',
    'agents',
    'executors',
    'policies',
    'findings',
    'bindings',
    'reports/decisions',
  ])('G17: %s are for those who may read everything', async (path) => {
    const sent = await bench.readAs(bench.ledger.agent, `/v1/${path}`);
    expect([sent.status, sent.body['code']]).toEqual([403, 'READ_SCOPE']);
  });
});
