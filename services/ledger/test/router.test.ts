import { afterEach, describe, expect, it } from 'vitest';
import { BrokerError, MemoryBroker, type TopicPartition } from '@countersign/broker';
import { canonicalBytes, toBase64url, utf8, type JsonObject } from '@countersign/canonical';
import { setTimeout as sleep } from 'node:timers/promises';
import { Router, inputDigest, type InputPartition, type RouterOptions } from '@countersign/ledger';
import {
  decodeIntake,
  decodeQuarantined,
  encodeIntake,
  encodePublic,
  type IntakeKind,
} from '@countersign/wire';

const ID = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
const clock = { nowMs: () => Date.now(), sleep: (ms: number) => sleep(Math.min(ms, 5)) };

let routers: { router: Router; running: Promise<void> }[] = [];

afterEach(async () => {
  for (const { router } of routers) router.stop();
  await Promise.all(routers.map(({ running }) => running));
  routers = [];
});

interface Setup {
  readonly broker: MemoryBroker;
  readonly positions: Map<string, number>;
  readonly start: (more?: Partial<RouterOptions>) => Router;
}

function setup(): Setup {
  const broker = new MemoryBroker({ clock: () => Date.now() });
  const positions = new Map<string, number>();
  const keyOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`;
  const start = (more: Partial<RouterOptions> = {}): Router => {
    const router = new Router({
      broker,
      clock,
      partitionOf: (tenant) => ({ acme: 0, globex: 1 })[tenant],
      positions: {
        load: (from) => Promise.resolve(positions.get(keyOf(from)) ?? 0),
        save: (from, next) => {
          positions.set(keyOf(from), next);
          return Promise.resolve();
        },
      },
      ...more,
    });
    routers.push({ router, running: router.run() });
    return router;
  };
  return { broker, positions, start };
}

/** A frame that nobody has signed: the router does not look at signatures. */
function frame(payload: JsonObject): Uint8Array {
  return canonicalBytes({
    payload: toBase64url(canonicalBytes(payload)),
    key: `sha256:${'11'.repeat(32)}`,
    signature: toBase64url(new Uint8Array(64)),
  });
}

async function published(
  broker: MemoryBroker,
  event: { tenant: string; actionId: string; payload: Uint8Array },
  partition = 0,
): Promise<void> {
  const value = encodePublic('action-requested', event);
  await broker.append({ topic: 'action-requested', partition }, [{ key: 'any', value }]);
}

async function intakeOf(broker: MemoryBroker, partition: number) {
  const records = await broker.read({ topic: 'intake', partition }, 0, 100);
  return records.map(({ key, value }) => ({ key, ...decodeIntake(value ?? new Uint8Array()) }));
}

async function refusedOf(broker: MemoryBroker) {
  const records = await broker.read({ topic: 'quarantine', partition: 0 }, 0, 100);
  return records.map(({ value }) => decodeQuarantined(value ?? new Uint8Array()));
}

describe('the router', () => {
  it('moves an event to the intake of its tenant, byte for byte', async () => {
    const { broker, start } = setup();
    const payload = frame({ tenant: 'globex', action_id: ID });
    await published(broker, { tenant: 'globex', actionId: ID, payload });
    start();
    await expect.poll(() => intakeOf(broker, 1)).toHaveLength(1);
    expect(await intakeOf(broker, 1)).toEqual([
      { key: `globex/${ID}`, kind: 'ActionRequested', tenant: 'globex', actionId: ID, payload },
    ]);
    expect(await intakeOf(broker, 0)).toEqual([]);
  });

  it('moves a finding, which is about no action, and refuses one of another tenant than it says', async () => {
    const { broker, start } = setup();
    const topic = 'finding-submitted';
    const payload = frame({ tenant: 'acme', use: { action_id: ID } });
    const values = ['acme', 'globex'].map((tenant) =>
      encodePublic(topic, { tenant, actionId: '', payload }),
    );
    await broker.append(
      { topic, partition: 0 },
      values.map((value) => ({ key: 'any', value })),
    );
    start();
    await expect.poll(() => refusedOf(broker)).toHaveLength(1);
    expect(await refusedOf(broker)).toMatchObject([
      { kind: 'FindingSubmitted', reason: 'TYPE_CONFUSION', inputDigest: inputDigest(payload) },
    ]);
    expect(await intakeOf(broker, 0)).toEqual([
      { key: 'acme//finding', kind: 'FindingSubmitted', tenant: 'acme', actionId: '', payload },
    ]);
  });

  it.each([
    ['TENANT_UNKNOWN', { tenant: 'nobody' }, frame({ tenant: 'nobody', action_id: ID })],
    ['TYPE_CONFUSION', {}, frame({ tenant: 'globex', action_id: ID })],
    ['TYPE_CONFUSION', {}, frame({ tenant: 'acme', action_id: ID.replace('V', 'W') })],
    ['TYPE_CONFUSION', {}, frame({ tenant: 'acme' })],
    ['SCHEMA_INVALID', {}, utf8('{}')],
    ['LIMIT_EXCEEDED', {}, new Uint8Array(131_073)],
  ])('refuses with %s, and keeps no payload', async (reason, more, payload) => {
    const { broker, start } = setup();
    await published(broker, { tenant: 'acme', actionId: ID, payload, ...more });
    start();
    await expect.poll(() => refusedOf(broker)).toHaveLength(1);
    expect(await refusedOf(broker)).toEqual([
      {
        kind: 'ActionRequested',
        reason,
        inputDigest: inputDigest(payload),
        sizeBytes: payload.length,
      },
    ]);
    expect(await intakeOf(broker, 0)).toEqual([]);
  });

  it('moves what still comes to an intake that its ledger has left, and nothing else of it', async () => {
    const { broker, positions, start } = setup();
    const intake = { topic: 'intake', partition: 7 } as const;
    const put = (kind: IntakeKind, tenant: string, actionId: string) =>
      broker.append(intake, [
        { key: `${tenant}/${actionId}`, value: encodeIntake({ kind, tenant, actionId, payload }) },
      ]);
    const payload = frame({ tenant: 'globex', action_id: ID });
    await put('ActionRequested', 'globex', 'decided');
    await put('ActionRequested', 'globex', ID);
    await put('Tick', '', '');
    await put('ActionRequested', 'acme', 'others');
    await broker.append(intake, [{ key: 'x', value: utf8('rubbish') }]);
    await put('DecisionMade', 'globex', ID);
    const left = [{ tenant: 'globex', partition: 7, fromOffset: 1 }];
    const router = start({ publicPartitions: 'assigned', left });
    await router.assign([intake]);
    await expect.poll(() => positions.get('intake/7')).toBe(6);
    const moved = await intakeOf(broker, 1);
    expect(moved.map(({ kind, actionId }) => `${kind} ${actionId}`)).toEqual([
      `ActionRequested ${ID}`,
      `DecisionMade ${ID}`,
    ]);
    expect(moved.map((each) => each.payload)).toEqual([payload, payload]);
    expect([await intakeOf(broker, 0), await refusedOf(broker)]).toEqual([[], []]);
  });

  it('counts a record that is no event, and goes on', async () => {
    const { broker, start } = setup();
    const tp = { topic: 'action-requested', partition: 0 } as const;
    await broker.append(tp, [{ key: 'x', value: utf8('rubbish') }]);
    const payload = frame({ tenant: 'acme', action_id: ID });
    await published(broker, { tenant: 'acme', actionId: ID, payload });
    start();
    await expect.poll(() => intakeOf(broker, 0)).toHaveLength(1);
    expect((await refusedOf(broker)).map(({ reason }) => reason)).toEqual(['SCHEMA_INVALID']);
  });

  it('goes on where it was, and moves again what it did not count as moved', async () => {
    const { broker, positions, start } = setup();
    const payload = frame({ tenant: 'acme', action_id: ID });
    await published(broker, { tenant: 'acme', actionId: ID, payload });
    const first = start();
    await expect.poll(() => positions.get('action-requested/0')).toBe(1);
    first.stop();
    await Promise.all(routers.map(({ running }) => running));
    start();
    await published(broker, { tenant: 'acme', actionId: ID, payload });
    await expect.poll(() => intakeOf(broker, 0)).toHaveLength(2);
    positions.clear();
    start();
    await expect.poll(() => intakeOf(broker, 0)).toHaveLength(4);
  });

  it('begins again with a topic that was made anew', async () => {
    const { broker, positions, start } = setup();
    positions.set('action-requested/0', 17);
    const payload = frame({ tenant: 'acme', action_id: ID });
    await published(broker, { tenant: 'acme', actionId: ID, payload });
    start();
    await expect.poll(() => intakeOf(broker, 0)).toHaveLength(1);
  });

  it('submits to the shard of a tenant, and refuses one that has none', async () => {
    const { broker, start } = setup();
    const router = start();
    const payload = utf8('{}');
    const submitted = await router.submit({ kind: 'use', tenant: 'acme', actionId: ID, payload });
    expect(submitted).toEqual({ input: inputDigest(payload), offset: 0 });
    // Not the key of the content: an erasure must not take a claim along.
    expect((await intakeOf(broker, 0))[0]?.key).toBe(`acme/${ID}/use`);
    await expect(
      router.submit({ kind: 'use', tenant: 'nobody', actionId: ID, payload }),
    ).rejects.toMatchObject({ code: 'TENANT_UNKNOWN' });
  });
});

describe('the partitions that a router moves', () => {
  const event = { tenant: 'acme', actionId: ID, payload: frame({ tenant: 'acme', action_id: ID }) };
  const place = (partition: number): InputPartition => ({ topic: 'action-requested', partition });

  it('are all that the broker names, those that are added later too', async () => {
    const { broker, start } = setup();
    let count = 2;
    for (const partition of [0, 1, 2]) await published(broker, event, partition);
    start({ publicPartitions: () => Promise.resolve(count) });
    await expect.poll(() => intakeOf(broker, 0)).toHaveLength(2);
    count = 3;
    await expect.poll(() => intakeOf(broker, 0), { timeout: 10_000 }).toHaveLength(3);
  });

  it('are asked for again while the broker is away, and so are positions', async () => {
    const { broker, start } = setup();
    await published(broker, event, 1);
    const away = { count: 2, load: 2, save: 2 };
    const tried = (what: keyof typeof away, answer: number): Promise<number> => {
      away[what] -= 1;
      return away[what] >= 0
        ? Promise.reject(new BrokerError('BROKER_UNAVAILABLE', 'away'))
        : Promise.resolve(answer);
    };
    let saved = 0;
    start({
      publicPartitions: () => tried('count', 2),
      positions: {
        load: () => tried('load', 0),
        save: async (_, next) => {
          saved = await tried('save', next);
        },
      },
    });
    await expect.poll(() => saved).toBe(1);
    expect(await intakeOf(broker, 0)).toHaveLength(1);
  });

  it('are those that it is assigned, and what it gives up rests with its position saved', async () => {
    const { broker, positions, start } = setup();
    const one = start({ publicPartitions: 'assigned' });
    const other = start({ publicPartitions: 'assigned' });
    for (const partition of [0, 1]) await published(broker, event, partition);
    await sleep(50);
    expect(await intakeOf(broker, 0)).toEqual([]);
    await one.assign([place(0), place(1)]);
    await expect.poll(() => intakeOf(broker, 0)).toHaveLength(2);
    // Handed over while records come: none is moved twice.
    const publishing = (async () => {
      for (let i = 0; i < 200; i += 1) {
        await published(broker, event, i % 2);
        if (i % 20 === 0) await sleep(1);
      }
    })();
    for (let round = 0; round < 5; round += 1) {
      await one.assign([place(0)]);
      await other.assign([place(1)]);
      await sleep(2);
      await other.assign([]);
      await one.assign([place(0), place(1)]);
    }
    await publishing;
    await expect
      .poll(() => [positions.get('action-requested/0'), positions.get('action-requested/1')])
      .toEqual([101, 101]);
    expect(await broker.end({ topic: 'intake', partition: 0 })).toBe(202);
  });

  it('end all of them when one cannot be moved', async () => {
    const { start } = setup();
    const failing = start({
      positions: {
        load: () => Promise.reject(new Error('damaged')),
        save: () => Promise.resolve(),
      },
    });
    const { running } = routers.find(({ router }) => router === failing) ?? {};
    routers = [];
    await expect(running).rejects.toThrow('damaged');
  });
});
