import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fromUtf8 } from '@countersign/canonical';
import { decodeContent, decodeIntake, decodeLogRecord } from '@countersign/wire';
import { Client } from 'pg';
import type { LocalCluster } from '../../support/cluster/local-cluster.ts';
import { rounded } from '../percentile.ts';
import { recordsBetween, sizeOf, type Lane } from './bare-copy.ts';
import { decide, finish, prepare } from './load.ts';
import { rememberedBytes } from './remembered.ts';
import type { Shard, Shards } from './shards.ts';

const PROJECTED_WITHIN_MS = 60_000;

/** What of one kind is kept, for one action from the request to the report. */
export interface SizeRow {
  readonly where: string;
  readonly what: string;
  readonly per_action: number;
  readonly mean_bytes: number;
  readonly bytes_per_action: number;
}

export interface SizeFigures {
  readonly actions: number;
  readonly topics: readonly SizeRow[];
  /** Bytes of the segment files on the disk of one broker, for each action. */
  readonly on_disk: Readonly<Record<string, number>>;
  /** Heap of a writer for each action that its fold remembers. */
  readonly remembered: number;
  /** With indexes, for each action. */
  readonly postgres: Readonly<Record<string, number>>;
}

const TOPICS = ['log', 'content', 'intake'] as const;

/** Actions from the request to the report on a ledger of its own, and what they leave: it does not depend on any load. */
export async function measureSizes(
  cluster: LocalCluster,
  shards: Shards,
  actions: number,
): Promise<SizeFigures> {
  const [shard] = shards.all;
  if (shard === undefined) throw new Error('expected a shard');
  // The first actions bring what is there once.
  await finish(shards, await decide(shards, actions, await prepare(shards, 1)));
  const before = await state(cluster, shards, shard);
  await finish(shards, await decide(shards, actions, await prepare(shards, actions)));
  const after = await state(cluster, shards, shard);
  const each = (of: 'postgres' | 'disk'): Record<string, number> =>
    Object.fromEntries(
      [...after[of]]
        .map(([name, bytes]) => [name, (bytes - (before[of].get(name) ?? 0)) / actions] as const)
        .filter(([, bytes]) => bytes > 0)
        .map(([name, bytes]) => [name, rounded(bytes, 0)]),
    );
  const topics: SizeRow[] = [];
  for (const topic of TOPICS) {
    const span = { from: before.ends.get(topic) ?? 0, to: after.ends.get(topic) ?? 0 };
    const lane = await recordsBetween(shards.broker, { topic, partition: 0 }, span);
    topics.push(...rowsOf(lane, actions));
  }
  const span = { from: 0, to: after.ends.get('log') ?? 0 };
  const log = await recordsBetween(shards.broker, { topic: 'log', partition: 0 }, span);
  const remembered = rememberedBytes(log, before.ends.get('log') ?? 0, actions);
  return { actions, topics, on_disk: each('disk'), postgres: each('postgres'), remembered };
}

interface State {
  readonly ends: ReadonlyMap<string, number>;
  readonly disk: ReadonlyMap<string, number>;
  readonly postgres: ReadonlyMap<string, number>;
}

async function state(cluster: LocalCluster, shards: Shards, shard: Shard): Promise<State> {
  const postgres = await projectedSizes(cluster.postgres.url, shard);
  const ends = new Map<string, number>();
  const disk = new Map<string, number>();
  for (const topic of TOPICS) {
    ends.set(topic, await shards.broker.end({ topic, partition: 0 }));
    const folder = join(cluster.kafka.dataFolder, `${shards.prefix}${topic}-0`);
    disk.set(topic, await segmentBytes(folder));
  }
  return { ends, disk, postgres };
}

async function segmentBytes(folder: string): Promise<number> {
  const segments = (await readdir(folder)).filter((name) => name.endsWith('.log'));
  const sizes = await Promise.all(segments.map((name) => stat(join(folder, name))));
  return sizes.reduce((sum, { size }) => sum + size, 0);
}

/** Of each table with its indexes, once everything that is sealed is in them. */
async function projectedSizes(url: string, shard: Shard): Promise<Map<string, number>> {
  const { schema, follower } = shard;
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const untilMs = Date.now() + PROJECTED_WITHIN_MS;
    for (;;) {
      const { rows } = await client.query<{ size: string }>(
        `select coalesce(max(size), 0) as size from ${schema}.position`,
      );
      if (Number(rows[0]?.size) >= follower.sealedSize) break;
      if (Date.now() > untilMs) throw new Error('expected the projector to catch up');
      await sleep(100);
    }
    const { rows } = await client.query<{ name: string; bytes: string }>(
      `select c.relname as name, pg_total_relation_size(c.oid) as bytes
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where n.nspname = $1 and c.relkind = 'r'`,
      [schema],
    );
    return new Map(rows.map(({ name, bytes }) => [name, Number(bytes)]));
  } finally {
    await client.end();
  }
}

interface Tally {
  count: number;
  bytes: number;
}

function rowsOf(lane: Lane, actions: number): SizeRow[] {
  const tallies = new Map<string, Tally>();
  const note = (what: string, bytes: number): void => {
    const tally = tallies.get(what) ?? { count: 0, bytes: 0 };
    tallies.set(what, { count: tally.count + 1, bytes: tally.bytes + bytes });
  };
  for (const message of lane.messages) {
    const size = sizeOf(message);
    switch (lane.topic) {
      case 'log':
        noteLogRecord(message.value, size, note);
        break;
      case 'content':
        note(decodeContent(message.value).kind, size);
        break;
      case 'intake':
        note(decodeIntake(message.value).kind, size);
    }
  }
  return [...tallies].map(([what, { count, bytes }]) => ({
    where: lane.topic,
    what,
    per_action: rounded(count / actions),
    mean_bytes: rounded(bytes / count, 0),
    bytes_per_action: rounded(bytes / actions, 0),
  }));
}

function noteLogRecord(
  value: Uint8Array,
  size: number,
  note: (what: string, bytes: number) => void,
): void {
  const record = decodeLogRecord(value);
  switch (record.kind) {
    case 'batch': {
      let entriesBytes = 0;
      for (const entry of record.entries) {
        const { type } = JSON.parse(fromUtf8(entry)) as { type: string };
        note(`entry ${type}`, entry.length);
        entriesBytes += entry.length;
      }
      note('batch around its entries', size - entriesBytes);
      return;
    }
    case 'binding':
      note('published binding', size);
      return;
    case 'checkpoint':
      note('checkpoint', size);
  }
}
