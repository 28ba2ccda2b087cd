import type { ObservedCluster } from '../../support/cluster/local-cluster.ts';
import type { Signing } from '../../support/kms-proxy.ts';
import { percentile, rounded } from '../percentile.ts';
import { bareCopy, recordsBetween, type Lane } from './bare-copy.ts';
import { decide, prepare, type Done } from './load.ts';
import type { Shards } from './shards.ts';

/** Decisions one after the other, on one shard. */
export interface AloneFigures {
  readonly decisions: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  /** Without the time in which a signature was waited for. */
  readonly without_kms_p50_ms: number;
  readonly without_kms_p99_ms: number;
  readonly kms: KmsFigures;
}

export interface KmsFigures {
  readonly calls_per_binding: number;
  /** From the question to the whole answer, as the ledger's side sees it. */
  readonly p50_ms: number;
}

export interface LoadFigures {
  readonly shards: number;
  readonly processes: number;
  readonly in_flight: number;
  readonly bindings: number;
  readonly per_second: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly kms: KmsFigures;
  /** The same output records copied by kafkajs alone. */
  readonly bare: {
    readonly records: number;
    readonly megabytes: number;
    readonly records_per_second: number;
    readonly bindings_per_second: number;
  };
  /** Of the bare copy's bindings a second. */
  readonly ratio: number;
}

export async function measureAlone(
  { kms }: ObservedCluster,
  shards: Shards,
  count: number,
): Promise<AloneFigures> {
  const ready = await prepare(shards, count);
  const first = kms.signings.length;
  const done = await decide(shards, 1, ready);
  const signings = kms.signings.slice(first);
  await verifyReceipts(done);
  const whole = done.map(latencyMs);
  const without = done.map((each) => latencyMs(each) - signingMs(each, signings));
  return {
    decisions: count,
    p50_ms: rounded(percentile(whole, 0.5)),
    p99_ms: rounded(percentile(whole, 0.99)),
    without_kms_p50_ms: rounded(percentile(without, 0.5)),
    without_kms_p99_ms: rounded(percentile(without, 0.99)),
    kms: kmsFigures(signings, count),
  };
}

/** Ends the services: the copy has the machine for itself, as they had it. */
export async function measureLoad(
  cluster: ObservedCluster,
  shards: Shards,
  amounts: { readonly count: number; readonly inFlight: number; readonly name: string },
): Promise<LoadFigures> {
  const { count, name } = amounts;
  const inFlight = amounts.inFlight * shards.all.length;
  const ready = await prepare(shards, count);
  const before = await endsOf(shards);
  const first = cluster.kms.signings.length;
  const done = await decide(shards, inFlight, ready);
  const signings = cluster.kms.signings.slice(first);
  const lanes = await lanesSince(shards, before);
  await verifyReceipts(done);
  await shards.stop();
  const copy = await bareCopy(cluster.kafkaAddress, { prefix: `${name}-bare.`, lanes });
  const sent = Math.min(...done.map(({ sentAtMs }) => sentAtMs));
  const published = Math.max(...done.map(({ publishedAtMs }) => publishedAtMs));
  const perSecond = (count * 1_000) / (published - sent);
  const latencies = done.map(latencyMs);
  return {
    shards: shards.all.length,
    processes: shards.ledgerProcesses,
    in_flight: inFlight,
    bindings: count,
    per_second: rounded(perSecond, 0),
    p50_ms: rounded(percentile(latencies, 0.5), 0),
    p99_ms: rounded(percentile(latencies, 0.99), 0),
    kms: kmsFigures(signings, count),
    bare: {
      records: copy.records,
      megabytes: rounded(copy.bytes / 1_000_000),
      records_per_second: rounded(copy.records / copy.seconds, 0),
      bindings_per_second: rounded(count / copy.seconds, 0),
    },
    ratio: rounded((perSecond * copy.seconds) / count, 3),
  };
}

const OUTPUTS = ['log', 'content'] as const;

interface End {
  readonly at: { readonly topic: (typeof OUTPUTS)[number]; readonly partition: number };
  readonly end: number;
}

function endsOf({ broker, all }: Shards): Promise<End[]> {
  const places = all.flatMap(({ partition }) => OUTPUTS.map((topic) => ({ topic, partition })));
  return Promise.all(places.map(async (at) => ({ at, end: await broker.end(at) })));
}

async function lanesSince({ broker }: Shards, before: readonly End[]): Promise<Lane[]> {
  return Promise.all(
    before.map(async ({ at, end: from }) =>
      recordsBetween(broker, at, { from, to: await broker.end(at) }),
    ),
  );
}

/** After the clock has stopped: who is fast and wrong is not fast. */
async function verifyReceipts(done: readonly Done[]): Promise<void> {
  for (const { shard, binding } of done) await shard.follower.verify(binding);
}

function latencyMs({ sentAtMs, publishedAtMs }: Done): number {
  return publishedAtMs - sentAtMs;
}

/** How much of the wait for this decision was a wait for KMS. */
function signingMs({ sentAtMs, publishedAtMs }: Done, signings: readonly Signing[]): number {
  return signings
    .map(
      ({ askedAtMs, answeredAtMs }) =>
        Math.min(answeredAtMs, publishedAtMs) - Math.max(askedAtMs, sentAtMs),
    )
    .filter((ms) => ms > 0)
    .reduce((sum, ms) => sum + ms, 0);
}

function kmsFigures(signings: readonly Signing[], bindings: number): KmsFigures {
  const times = signings.map(({ askedAtMs, answeredAtMs }) => answeredAtMs - askedAtMs);
  return {
    calls_per_binding: rounded(signings.length / bindings, 3),
    p50_ms: rounded(percentile(times, 0.5)),
  };
}
