import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openKafkaBroker } from '@countersign/broker-kafka';
import type { LedgerFounded } from '@countersign/binding';
import { ClusterLedger, type ServiceKind } from '../../support/cluster/cluster-ledger.ts';
import { startFaultyCluster, type FaultyCluster } from '../../support/cluster/local-cluster.ts';
import { HttpPerson } from '../../support/http-person.ts';
import { Clients } from '../killed-ledger/clients.ts';
import type { Town } from '../killed-ledger/errand.ts';
import { holdersOf } from '../killed-ledger/killed-ledger.ts';
import { auditTopics, type Audited, type TopicAuditParts } from '../killed-ledger/topic-audit.ts';
import { hold, InvariantBroken } from '../simulator/invariant-broken.ts';
import { SignedTruth } from '../simulator/signed-truth.ts';

const PREFIX = 'storm.';
const CLOCK_JUMP = fileURLToPath(new URL('../../support/cluster/clock-jump.js', import.meta.url));
const SERVICES: readonly ServiceKind[] = ['ledger', 'ledger', 'projector', 'projector', 'gateway'];

/** What a fault is done to. */
export interface Storm {
  readonly cluster: FaultyCluster;
  readonly ledger: ClusterLedger;
  /** Writes by how much the clocks of the services are off. */
  readonly clockFile: string;
  readonly random: () => number;
}

/**
 * One ledger on a real cluster, every service in processes of its own, with clients who do not give up; and what an audit of its
 * topics says of it, by readers that share no code, with every answer that any client ever got.
 */
export class ClusterStorm implements Storm {
  readonly cluster: FaultyCluster;
  readonly ledger: ClusterLedger;
  readonly clockFile: string;
  readonly random = Math.random;
  readonly town: Town;
  readonly clients: Clients;
  readonly #folder: string;
  readonly #vkey: string;

  private constructor(
    parts: { cluster: FaultyCluster; ledger: ClusterLedger; folder: string; vkey: string },
    town: Town,
  ) {
    this.cluster = parts.cluster;
    this.ledger = parts.ledger;
    this.#folder = parts.folder;
    this.clockFile = clockFileIn(parts.folder);
    this.#vkey = parts.vkey;
    this.town = town;
    this.clients = new Clients(town);
  }

  static async start(): Promise<ClusterStorm> {
    const folder = await mkdtemp(join(tmpdir(), 'countersign-storm-'));
    const cluster = await startFaultyCluster();
    let ledger: ClusterLedger | undefined;
    try {
      const env = {
        NODE_OPTIONS: `--import ${CLOCK_JUMP}`,
        CLOCK_JUMP_FILE: clockFileIn(folder),
      };
      ledger = await ClusterLedger.found({ cluster, folder, prefix: PREFIX, partitions: 2, env });
      await ledger.start(SERVICES);
      return await ClusterStorm.#with({ cluster, ledger, folder });
    } catch (error) {
      await ledger?.stop('SIGKILL');
      await cluster.stop();
      throw error;
    }
  }

  static async #with(parts: {
    cluster: FaultyCluster;
    ledger: ClusterLedger;
    folder: string;
  }): Promise<ClusterStorm> {
    const { ledger, cluster } = parts;
    const person = await HttpPerson.enrol(await ledger.enrolmentLink());
    const json = async <T>(name: string): Promise<T> =>
      JSON.parse(await readFile(join(ledger.data, name), 'utf8')) as T;
    const { origin, tenant } = await json<{ origin: string; tenant: string }>('ledger.json');
    const { log_keys: logKeys } = await json<{ log_keys: string[] }>('trust.json');
    const vkey = logKeys[0] ?? '';
    const truth = new SignedTruth();
    truth.enrolled.add(person.passkey.credentialId);
    const genesis = await withTopics(cluster, async (broker) => {
      const { entries } = await auditTopics({ tenant, origin, vkey, truth, told: [] }, broker);
      return entries[0]?.entry;
    });
    if (genesis?.type !== 'ledger-founded') throw new Error('expected a founded log');
    const holders = await holdersOf(ledger.data, genesis satisfies LedgerFounded);
    const town: Town = {
      ...{ url: ledger.url, origin, tenant, person, truth, told: [] },
      ...holders,
      counts: new Map<string, number>(),
      up: () => Promise.resolve(),
    };
    return new ClusterStorm({ ...parts, vkey }, town);
  }

  /** Every service is well again, started again where it gave up; and everything that was told is in the topics, once. */
  async calm(): Promise<Audited> {
    for (const service of this.ledger.services) await service.recovered();
    await this.#describing(() => this.clients.answered());
    return this.audit({});
  }

  /** Whoever is not answered yet is now; then every service ends as it should. */
  async end(): Promise<Audited> {
    this.clients.dismiss();
    await this.#describing(() => this.clients.gone());
    await this.ledger.stop();
    const audited = await this.audit({});
    hold(audited.sealedSize === audited.entries.length, 'UNSEALED', 'after a stop');
    return audited;
  }

  /** Services that say they are ready answer everybody. @throws InvariantBroken STOOD_STILL with what each of them says of itself */
  async #describing(answering: () => Promise<void>): Promise<void> {
    try {
      await answering();
    } catch (error) {
      if (!(error instanceof InvariantBroken) || error.code !== 'UNANSWERED') throw error;
      const each = await Promise.all(this.ledger.services.map((service) => service.describe()));
      throw new InvariantBroken('STOOD_STILL', [error.message, ...each].join('\n\n'));
    }
  }

  audit(other: Partial<TopicAuditParts>): Promise<Audited> {
    const { tenant, origin, truth, told } = this.town;
    const parts = { tenant, origin, vkey: this.#vkey, truth, told: [...told], ...other };
    return withTopics(this.cluster, (broker) => auditTopics(parts, broker));
  }

  async discard(): Promise<void> {
    this.clients.abandon();
    await this.ledger.stop('SIGKILL');
    await this.cluster.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

function clockFileIn(folder: string): string {
  return join(folder, 'clock');
}

/** Straight to the broker, past everything that fails. */
async function withTopics<T>(
  { kafka }: FaultyCluster,
  look: (broker: Awaited<ReturnType<typeof openKafkaBroker>>) => Promise<T>,
): Promise<T> {
  const broker = await openKafkaBroker({ brokers: [kafka.address], prefix: PREFIX });
  try {
    return await look(broker);
  } finally {
    await broker.close();
  }
}
