import { actionIdOf } from '../../support/parties.ts';
import { OPEN_PER_AGENT } from '../decisions.ts';
import type { Published } from './log-follower.ts';
import type { Shard, Shards } from './shards.ts';

/** A decision that only needs to be sent. */
export interface Ready {
  readonly shard: Shard;
  readonly actionId: string;
  readonly frame: Uint8Array;
  /** Of the action, for who reports on it. */
  readonly actionDigest: string;
}

/** What became of it, on the clock of `performance.now`. */
export interface Done extends Ready {
  readonly sentAtMs: number;
  readonly publishedAtMs: number;
  readonly binding: Published;
}

/** Admits requests and signs the decisions: agents and persons are not measured. In turn, so that no shard waits for another. */
export async function prepare(shards: Shards, count: number): Promise<Ready[]> {
  const of = await Promise.all(
    shards.all.map((shard, at) => {
      const share = Math.floor((count + at) / shards.all.length);
      return shards.unlessFailed(prepareShard(shards, shard, share));
    }),
  );
  const longest = Math.max(...of.map(({ length }) => length));
  return Array.from({ length: longest }, (_, at) => of.flatMap((each) => each[at] ?? [])).flat();
}

async function prepareShard(shards: Shards, shard: Shard, count: number): Promise<Ready[]> {
  const { parties } = shard;
  const ready: Ready[] = [];
  for (let at = 0; at < count; at += OPEN_PER_AGENT) {
    const agent = parties.crew[at / OPEN_PER_AGENT];
    if (agent === undefined) throw new Error('expected an agent for each bound of requests');
    const batch = Array.from({ length: Math.min(OPEN_PER_AGENT, count - at) }, async () => {
      const action = parties.action({
        agent: { id: agent.id, key_thumbprint: agent.thumbprint },
      });
      const actionId = actionIdOf(action);
      const arriving = shard.follower.arriving('request-admitted', actionId);
      const payload = agent.frame('request', action);
      const { tenant } = parties;
      await shards.router.submit({ kind: 'request', tenant, actionId, payload });
      const admission = await arriving;
      const { action_digest: actionDigest } = JSON.parse(admission.text) as {
        action_digest: string;
      };
      return { shard, actionId, actionDigest, frame: parties.decisionFrame(admission) };
    });
    ready.push(...(await Promise.all(batch)));
  }
  return ready;
}

/** Sends the decisions as a gateway does, `inFlight` of them at a time, and waits until each binding is published under a verified head. */
export async function decide(
  shards: Shards,
  inFlight: number,
  decisions: readonly Ready[],
): Promise<Done[]> {
  const done: Done[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let each = decisions[next++]; each !== undefined; each = decisions[next++]) {
      done.push(await decideOne(shards, each));
    }
  };
  await shards.unlessFailed(Promise.all(Array.from({ length: inFlight }, work)));
  return done;
}

async function decideOne(shards: Shards, ready: Ready): Promise<Done> {
  const { shard, actionId, frame: payload } = ready;
  const sentAtMs = performance.now();
  const arriving = shard.follower.arriving('published', actionId);
  const { tenant } = shard.parties;
  await shards.router.submit({ kind: 'decision', tenant, actionId, payload });
  const binding = await arriving;
  return { ...ready, sentAtMs, publishedAtMs: performance.now(), binding };
}

/** Uses the bindings and reports on it, so that nothing of these actions is left to happen. */
export async function finish(shards: Shards, bound: readonly Done[]): Promise<void> {
  const finishing = bound.map(async ({ shard, actionId, actionDigest, binding }) => {
    const { follower, parties } = shard;
    const { tenant } = parties;
    const using = follower.arriving('binding-used', actionId);
    const claim = parties.useFrame(binding);
    await shards.router.submit({ kind: 'use', tenant, actionId, payload: claim });
    const reporting = follower.arriving('execution-reported', actionId);
    const report = parties.reportFrame(await using, actionDigest);
    await shards.router.submit({ kind: 'report', tenant, actionId, payload: report });
    await reporting;
  });
  await shards.unlessFailed(Promise.all(finishing));
}
