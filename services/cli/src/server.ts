import { createServer } from 'node:net';
import {
  buildGateway,
  type GatewayDeps,
  type IdentityConfig,
  type LedgerHealth,
} from '@countersign/gateway';
import {
  runTicker,
  sqliteSnapshots,
  type LedgerClock,
  type Router,
  type Writer,
} from '@countersign/ledger';
import type { Projector } from '@countersign/projector';
import type { ReadModels } from '@countersign/store';
import type { PinnedHead } from '@countersign/verify';
import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import { gatewayParts, headRootSigner, newProjector, newRouter, newWriter } from './assembly.ts';
import { cliError } from './cli-error.ts';
import { dataError, placeOf } from './data-error.ts';
import type { DiskRoom } from './disk-room.ts';
import { HeadPin, knownHead, sealedBy } from './head-pin.ts';
import { enrolmentLinks } from './data-folder.ts';
import { InvitationWatch } from './invitation-watch.ts';
import type { OpenData } from './open-data.ts';
import { openStore } from './open-store.ts';
import { ownPromiseKey } from './promise-key.ts';
import { OpenedFiles } from './opened-files.ts';
import { WaitWatch } from './wait-watch.ts';
import { asError, listen, portError, sleep, sleepUnless, type Service } from './service.ts';
import { SnapshotWatch } from './snapshot-watch.ts';
import { awayCode, newWebhooks, type Webhook, type WebhookTargets } from './webhooks.ts';
import { WitnessMetrics } from './witness-metrics.ts';
import { WitnessWatch } from './witness-watch.ts';

export interface ServerOptions {
  readonly data: OpenData;
  readonly host: string;
  readonly port: number;
  readonly version: string;
  /** Tiles of the log are for everybody. */
  readonly publicLog: boolean;
  /** Where people sign in with a company account, if they do. */
  readonly identity: IdentityConfig | undefined;
  /** Certificates that may vouch for models of authenticators, DER in base64url. */
  readonly attestationRoots: readonly string[];
  readonly webhooks: WebhookTargets;
  readonly logger: Logger;
  readonly nowMs: () => number;
  readonly randomBytes: (size: number) => Uint8Array;
}

/** What the data folder held when it was opened. */
interface Found {
  readonly gateway: Awaited<ReturnType<typeof gatewayParts>>;
  /** The log must not be behind it. */
  readonly head: PinnedHead | undefined;
  readonly files: OpenedFiles;
}

const START_WITHIN_MS = 60_000;
/** More than a witness has to answer: packages/witness-client. */
const WITNESSED_WITHIN_MS = 10_000;
const CHORES_EVERY_MS = 5_000;

/**
 * The whole ledger in one process: router, writer, ticker, projector and gateway over one data folder. Everything here
 * may die at any moment; starting again is the repair.
 */
export class Server implements Service {
  readonly #options: ServerOptions;
  readonly #clock: LedgerClock;
  readonly #store: ReadModels;
  readonly #writer: Writer;
  readonly #router: Router;
  readonly #projector: Projector;
  readonly #webhooks: readonly Webhook[];
  readonly #gateway: ReturnType<typeof buildGateway>;
  readonly #registry = new Registry();
  /** Of a ledger whose trust file names witnesses. */
  readonly #witnesses: WitnessWatch | undefined;
  readonly #room: DiskRoom;
  readonly #chores: {
    readonly files: OpenedFiles;
    readonly pin: HeadPin;
    readonly invitation: InvitationWatch;
    readonly snapshots: SnapshotWatch;
  };
  #loops: Promise<unknown>[] = [];
  #projecting: Promise<unknown> = Promise.resolve();
  #witnessing: Promise<unknown> = Promise.resolve();
  readonly #stopped = new AbortController();
  readonly #waits: WaitWatch;
  #isStopping = false;
  #fail: (error: unknown) => void = () => undefined;
  /** Of what has ended it, while it still answers. */
  #failure: string | undefined;
  readonly failed: Promise<never>;

  private constructor(options: ServerOptions, store: ReadModels, found: Found) {
    const { data, nowMs } = options;
    this.#options = options;
    this.#store = store;
    this.#clock = { nowMs, sleep };
    const snapshots = sqliteSnapshots(data.folder.snapshotFile);
    const { head: pinnedHead } = found;
    this.#writer = newWriter(data, { clock: this.#clock, pinnedHead, snapshots });
    this.#router = newRouter([data], this.#clock);
    this.#projector = newProjector(data, { store, clock: this.#clock });
    const { proofs } = this.#projector;
    const { origin, tenant, shard } = data.mark;
    this.#webhooks = newWebhooks(options.webhooks, { store, proofs, origin, tenant, nowMs });
    this.#chores = {
      files: found.files,
      pin: new HeadPin(data, () => Promise.resolve(sealedBy(this.#writer))),
      invitation: new InvitationWatch(enrolmentLinks(data.folder, data.mark), store),
      snapshots: new SnapshotWatch(this.#writer, snapshots, options.logger),
    };
    this.#witnesses = this.#newWitnesses();
    this.#waits = new WaitWatch({
      logger: options.logger,
      nowMs,
      read: () => {
        const { state, code } = this.#waiting();
        return code === undefined ? [] : [{ tenant, shard, state, code }];
      },
    });
    this.#room = data.backends.room();
    this.#gateway = this.#newGateway(found.gateway);
    this.failed = new Promise((_, reject) => {
      this.#fail = (error) => {
        const cause = asError(dataError(error, placeOf(data)));
        this.#failure ??= 'code' in cause ? String(cause.code) : 'INTERNAL';
        reject(cause);
      };
    });
    this.failed.catch(() => undefined);
  }

  /**
   * Starts every part and resolves once the ledger takes inputs.
   *
   * @throws CliError PORT_BUSY, DATA_DAMAGED, DISK_FULL, LOG_ROLLBACK, FOREIGN_LEDGER, EQUIVOCATION, CLOCK_JUMP
   */
  static async start(options: ServerOptions): Promise<Server> {
    const { data } = options;
    const { backends, broker } = data;
    const store = await openStore(data).catch(async (error: unknown) => {
      await broker.close();
      throw error;
    });
    const server = new Server(options, store, {
      gateway: await gatewayParts(data, options),
      head: await knownHead(data, store),
      files: await OpenedFiles.at(...backends.heldFiles),
    });
    try {
      server.#follow();
      await Promise.race([server.#witnessed(), server.failed]);
      server.#run();
      await Promise.race([server.#ready(), server.failed]);
      await listen(server.#gateway, options, '--port');
      return server;
    } catch (error) {
      await server.stop();
      throw dataError(error, placeOf(data));
    }
  }

  /** Stops taking requests, lets the parts finish what they are at, and closes the files. May be repeated. */
  async stop(): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#stopped.abort();
    await this.#gateway.close();
    this.#writer.stop();
    this.#router.stop();
    for (const webhook of this.#webhooks) webhook.stop();
    await Promise.allSettled(this.#loops);
    await this.#chores.snapshots.close();
    // After the writer, so that what it has just sealed is still read.
    this.#projector.stop();
    await Promise.allSettled([this.#projecting, this.#witnessing]);
    await this.#pinHead();
    await this.#store.close();
    const { backends, broker } = this.#options.data;
    backends.routing.close();
    await broker.close();
  }

  /** What only reads the log: all that is needed to ask witnesses what they know of it. */
  #follow(): void {
    this.#projecting = this.#projector.run();
    this.#projecting.catch(this.#fail);
    this.#witnessing = this.#witnesses?.run(this.#stopped.signal) ?? Promise.resolve();
    this.#witnessing.catch((error: unknown) => {
      // Not only once everything else has come to its end.
      this.#writer.stop();
      this.#fail(error);
    });
  }

  /**
   * Before anything is signed: a log that was put back must not grow beside the one that witnesses know. Witnesses that are away
   * hold nobody up for long.
   */
  async #witnessed(): Promise<void> {
    const witnesses = this.#witnesses;
    const { data, nowMs, logger } = this.#options;
    if (witnesses === undefined || data.isNew) return;
    const startMs = nowMs();
    while (!this.#isStopping && !witnesses.isSettled) {
      const waitedMs = nowMs() - startMs;
      if (waitedMs > START_WITHIN_MS) {
        throw cliError('LEDGER_STOPPED', 'a witness says that it knows another log, and no more', {
          hint: 'start again once it answers, or take it out of the policy (docs/witnessing.md)',
        });
      }
      if (waitedMs > WITNESSED_WITHIN_MS && !witnesses.isDoubting) {
        const line = { event: 'witnesses_not_asked', tenant: data.mark.tenant };
        logger.warn(line, 'goes on without having heard of every witness');
        return;
      }
      await sleep(10);
    }
  }

  #run(): void {
    const { broker, mark } = this.#options.data;
    void this.#waits.run(this.#stopped.signal);
    this.#loops = [
      this.#writer.run(),
      this.#router.run(),
      ...this.#webhooks.map((webhook) => webhook.run()),
      runTicker({
        broker,
        clock: this.#clock,
        nextDeadlineMs: () => this.#writer.nextDeadlineMs,
        isStopped: () => this.#isStopping,
        partition: mark.shard,
      }),
      this.#doChores(),
    ];
    for (const loop of this.#loops) loop.catch(this.#fail);
  }

  async #ready(): Promise<void> {
    const untilMs = this.#options.nowMs() + START_WITHIN_MS;
    while (!this.#isStopping && !this.#isReady()) {
      if (this.#options.nowMs() > untilMs) throw this.#notStarted();
      await sleep(10);
    }
  }

  #isReady(): boolean {
    const { state, sealedSize } = this.#writer.status;
    const { storedSize } = this.#projector.status;
    return state === 'running' && sealedSize > 0 && storedSize >= sealedSize;
  }

  #notStarted(): Error {
    const { code } = this.#writer.status;
    return code === 'BROKER_DISK_FULL'
      ? cliError('DISK_FULL', `no space left to write in ${this.#options.data.folder.path}`, {
          hint: 'make room and start again; nothing that was acknowledged is lost',
        })
      : cliError('LEDGER_STOPPED', `the ledger did not start (${code ?? 'no reason given'})`);
  }

  async #doChores(): Promise<void> {
    while (!this.#isStopping) {
      await sleepUnless(CHORES_EVERY_MS, this.#stopped.signal);
      await this.#chore();
    }
  }

  async #chore(): Promise<void> {
    // Stopping pins the head itself, last of all.
    if (this.#isStopping) return;
    await this.#chores.files.assertInPlace();
    await this.#room.look();
    await this.#chores.invitation.look();
    this.#chores.snapshots.look();
    await this.#pinHead();
  }

  async #pinHead(): Promise<void> {
    try {
      await this.#chores.pin.renew();
    } catch (error) {
      // The pin only remembers what was seen: without it the next start knows less, and nothing is lost.
      const { tenant } = this.#options.data.mark;
      const line = { event: 'head_not_pinned', tenant, err: error };
      this.#options.logger.warn(line, 'the head of the log could not be pinned');
    }
  }

  #newWitnesses(): WitnessWatch | undefined {
    const { data, logger, nowMs } = this.#options;
    const { witnessPolicy: policy } = data.trust;
    if (policy === undefined) return undefined;
    return new WitnessWatch({
      ...{ data, policy, logger, nowMs, store: this.#store, proofs: this.#projector.proofs },
      metrics: new WitnessMetrics(this.#registry),
      onCosigned: (size) => {
        this.#projector.noteCosigned(size);
      },
    });
  }

  #waiting(): { readonly state: string; readonly code: string | undefined } {
    const { state, code } = this.#writer.status;
    if (state.startsWith('waiting') && code !== undefined) return { state, code };
    return { state: 'waiting-webhook', code: awayCode(this.#webhooks) };
  }

  #writerHealth(): LedgerHealth['writer'] {
    if (this.#failure !== undefined) return { state: 'stopped', code: this.#failure };
    const { status } = this.#writer;
    const isWaiting = status.state === 'running' && this.#room.isFull;
    return isWaiting ? { state: 'waiting-broker', code: 'DISK_FULL' } : status;
  }

  #newGateway(parts: Found['gateway']): ReturnType<typeof buildGateway> {
    const { data, logger, nowMs, randomBytes } = this.#options;
    const deps: GatewayDeps = {
      ...parts,
      router: this.#room.heard(this.#router),
      view: this.#projector,
      models: this.#store,
      signHeadRoot: headRootSigner(data, { store: this.#store, signers: data.signers }),
      promiseKey: ownPromiseKey(data.signers, { origin: data.mark.origin, nowMs }),
      health: () => ({
        writer: this.#writerHealth(),
        sealedSize: this.#projector.status.sealedSize,
        sealedAtMs: null,
        projectedSize: this.#projector.status.storedSize,
        bindings: this.#writer.counts.bindings,
        ...(this.#witnesses !== undefined && { witnesses: this.#witnesses.status }),
        findings: this.#projector.findings,
      }),
      nowMs,
      randomBytes,
      logger,
      registry: this.#registry,
    };
    return buildGateway(deps);
  }
}

/** @throws CliError PORT_BUSY: before anything is written for a ledger that could not be reached anyway */
export async function assertPortFree(where: { host: string; port: number }): Promise<void> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once('error', (error) => {
      reject(asError(portError(error, where, '--port')));
    });
    probe.listen(where.port, where.host, () => {
      probe.close(() => {
        resolve();
      });
    });
  });
}
