import { randomBytes, randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs, { Kafka } from 'kafkajs';
import type { ServiceKind, ServiceProcess } from '../../support/cluster/cluster-ledger.ts';
import type { LinkFault } from '../../support/fault-proxy.ts';
import type { KmsFault } from '../../support/kms-proxy.ts';
import type { Storm } from './storm.ts';

const { KafkaJSError } = kafkajs;

/** Longer than the session of a group: the others have got its shards when it goes on. */
const BEYOND_SESSION_MS = 13_000;
/** More than the index of a segment, which a broker makes as large as it may become. */
const FILE_BYTES = 10_600_000;
const FILL_BYTES = 500_000;

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

/**
 * Somebody's topic fills what is left: its file cannot grow, the broker gives up on its log folder, and ends, in the middle of
 * whatever the ledger asks of it.
 */
async function diskFull({ cluster }: Storm): Promise<void> {
  const { kafka } = cluster;
  await kafka.crash();
  await kafka.limitFiles(FILE_BYTES);
  await kafka.up();
  await fill(kafka.address);
  await kafka.limitFiles(undefined);
  await kafka.crash();
  await kafka.up();
}

async function fill(address: string): Promise<void> {
  const quiet = { logCreator: () => () => undefined, retry: { retries: 2 } };
  const client = new Kafka({ brokers: [address], ...quiet });
  const topic = `filler-${randomUUID()}`;
  const admin = client.admin();
  const producer = client.producer();
  try {
    await admin.connect();
    await admin.createTopics({ topics: [{ topic }], waitForLeaders: true });
    await producer.connect();
    for (let sent = 0; sent <= 2 * FILE_BYTES; sent += FILL_BYTES) {
      await producer.send({ topic, messages: [{ value: randomBytes(FILL_BYTES) }] });
    }
  } catch (error) {
    // As it has to be: what has no room is refused, or the broker is gone.
    if (!(error instanceof KafkaJSError)) throw error;
    return;
  } finally {
    await Promise.allSettled([admin.disconnect(), producer.disconnect()]);
  }
  throw new Error('expected a broker that finds no room');
}

/** A ledger whose clock is behind the broker's stops with CLOCK_JUMP, rather than let the broker say what has expired. */
async function jump({ clockFile }: Storm, shiftMs: number): Promise<void> {
  await writeFile(clockFile, String(shiftMs));
  await sleep(4_000);
  await writeFile(clockFile, '0');
}
