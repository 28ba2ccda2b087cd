import { afterEach, describe, expect, it } from 'vitest';
import { MemoryBroker } from '@countersign/broker';
import { canonicalBytes, toBase64url, utf8, type JsonObject } from '@countersign/canonical';
import { Router, inputDigest, type PublicPartition } from '@countersign/ledger';
import { decodeIntake, decodeQuarantined, encodePublic } from '@countersign/wire';

const ID = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
const clock = { nowMs: () => Date.now(), sleep: () => Promise.resolve() };

let routers: { router: Router; running: Promise<void> }[] = [];

afterEach(async () => {
  for (const { router } of routers) router.stop();
  await Promise.all(routers.map(({ running }) => running));
  routers = [];
});

interface Setup {
  readonly broker: MemoryBroker;
  readonly positions: Map<string, number>;
  readonly start: () => Router;
}

function setup(): Setup {
  const broker = new MemoryBroker({ clock: () => Date.now() });
  const positions = new Map<string, number>();
  const keyOf = ({ topic, partition }: PublicPartition): string => `${topic}/${partition}`;
  const start = (): Router => {
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
): Promise<void> {
  const value = encodePublic('action-requested', event);
  await broker.append({ topic: 'action-requested', partition: 0 }, [{ key: 'any', value }]);
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
