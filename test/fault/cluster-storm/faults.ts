import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServiceKind, ServiceProcess } from '../../support/cluster/cluster-ledger.ts';
import type { LinkFault } from '../../support/fault-proxy.ts';
import type { KmsFault } from '../../support/kms-proxy.ts';
import type { Storm } from './storm.ts';

/** Longer than the session of a group: the others have got its shards when it goes on. */
const BEYOND_SESSION_MS = 13_000;
/** Room that a broker's files have left before it finds none. */
const ROOM_BYTES = 60_000;

/** One thing that goes wrong while clients work, and is over when it resolves. What it ended is running again then. */
export type Fault = (storm: Storm) => Promise<void>;

export const FAULTS: Readonly<Record<string, Fault>> = {
  'kill -9 of a ledger': (storm) => kill(storm, 'ledger'),
  'kill -9 of a projector': (storm) => kill(storm, 'projector'),
  'kill -9 of the gateway': (storm) => kill(storm, 'gateway'),
  'kill -9 of every service': async (storm) => {
    const all = [...storm.ledger.services];
    await Promise.all(all.map((service) => service.stop('SIGKILL')));
    for (const service of all) service.start();
  },
  'SIGSTOP of a ledger beyond its session': (storm) => freeze(storm, 'ledger', BEYOND_SESSION_MS),
  'SIGSTOP of a projector': (storm) => freeze(storm, 'projector', 7_000),
  'SIGSTOP of the gateway': (storm) => freeze(storm, 'gateway', 3_000),
  'kill -9 of the broker': async ({ cluster, random }) => {
    await cluster.kafka.crash();
    await sleep(2_000 * random());
    await cluster.kafka.up();
  },
  'SIGSTOP of the broker': async ({ cluster, random }) => {
    await cluster.kafka.pause();
    await sleep(2_000 + 6_000 * random());
    await cluster.kafka.resume();
  },
  'connections cut': async ({ cluster, random }) => {
    for (let cuts = 0; cuts < 10; cuts += 1) {
      cluster.link.cut();
      await sleep(400 * random());
    }
  },
  'replies lost after the broker has stored': (storm) => link(storm, 'lose-replies'),
  'connections delayed': (storm) => link(storm, { delayMs: 150 }),
  'connections refused': (storm) => link(storm, 'refuse'),
  'a storm of rebalances': async (storm) => {
    for (let times = 0; times < 4; times += 1) {
      const service = oneOf(storm, 'ledger');
      await service.stop('SIGTERM');
      service.start();
      await sleep(1_500 * storm.random());
    }
  },
  'KMS throttled': (storm) => kms(storm, 'throttled'),
  'KMS slow': (storm) => kms(storm, 'slow'),
  'KMS down': (storm) => kms(storm, 'down'),
  'KMS failing': (storm) => kms(storm, 'failing'),
  'kill -9 of the database': async ({ cluster, random }) => {
    await cluster.postgres.crash();
    await sleep(3_000 * random());
    await cluster.postgres.up();
  },
  'the database away': async ({ cluster }) => {
    await cluster.postgres.down();
    await sleep(5_000);
    await cluster.postgres.up();
  },
  'the broker finds its disk full': diskFull,
  'clocks five minutes slow': (storm) => jump(storm, -300_000),
  'clocks five minutes fast': (storm) => jump(storm, 300_000),
};

function oneOf({ ledger, random }: Storm, kind: ServiceKind): ServiceProcess {
  const all = ledger.of(kind);
  const chosen = all[Math.floor(random() * all.length)];
  if (chosen === undefined) throw new Error(`expected a ${kind}`);
  return chosen;
}

async function kill(storm: Storm, kind: ServiceKind): Promise<void> {
  const service = oneOf(storm, kind);
  await service.stop('SIGKILL');
  await sleep(1_000 * storm.random());
  service.start();
}

async function freeze(storm: Storm, kind: ServiceKind, ms: number): Promise<void> {
  const service = oneOf(storm, kind);
  service.signal('SIGSTOP');
  await sleep(ms);
  service.signal('SIGCONT');
}

async function link({ cluster, random }: Storm, fault: LinkFault): Promise<void> {
  cluster.link.set(fault);
  await sleep(500 + 3_000 * random());
  // Who waits for an answer that was lost is cut off, as a network would in the end.
  cluster.link.set('none');
  cluster.link.cut();
}

async function kms({ cluster, random }: Storm, fault: KmsFault): Promise<void> {
  cluster.kms.set(fault);
  await sleep(1_000 + 3_000 * random());
  cluster.kms.set('none');
}

/** No file of the broker grows any more: its log folder fails, and the broker with it. */
async function diskFull({ cluster }: Storm): Promise<void> {
  const { kafka } = cluster;
  await kafka.crash();
  await kafka.limitFiles((await largestSegment(kafka.dataFolder)) + ROOM_BYTES);
  await kafka.up();
  await sleep(6_000);
  await kafka.limitFiles(undefined);
  await kafka.crash();
  await kafka.up();
}

async function largestSegment(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true });
  const sizes = await Promise.all(
    names
      .filter((name) => name.endsWith('.log'))
      .map(async (name) => (await stat(join(folder, name))).size),
  );
  return Math.max(0, ...sizes);
}

/** A ledger whose clock is behind the broker's stops with CLOCK_JUMP, rather than let the broker say what has expired. */
async function jump({ clockFile, ledger }: Storm, shiftMs: number): Promise<void> {
  await writeFile(clockFile, String(shiftMs));
  await sleep(4_000);
  await writeFile(clockFile, '0');
  for (const service of ledger.services) {
    if (!service.isRunning) {
      await service.stop();
      service.start();
    }
  }
}
