import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { distDirectory } from '@countersign/console/dist-directory';
import { newUlid, verifySignature, verifySignatureAside } from '@countersign/crypto-node';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import { buildGateway, type LedgerHealth } from '@countersign/gateway';
import { Router, runTicker, Writer, type LedgerClock } from '@countersign/ledger';
import { Projector } from '@countersign/projector';
import { openSqliteStore, type ReadModels } from '@countersign/store';
import type { PinnedHead } from '@countersign/verify';
import type { Logger } from 'pino';
import { cliError, isSystemError } from './cli-error.ts';
import { dataError } from './data-error.ts';
import { readReadToken } from './data-keys.ts';
import { DiskRoom } from './disk-room.ts';
import { HeadPin, knownHead } from './head-pin.ts';
import { InvitationWatch } from './invitation-watch.ts';
import type { OpenData } from './open-data.ts';
import { OpenedFiles } from './opened-files.ts';
import { filePositions } from './router-positions.ts';

export interface ServerOptions {
  readonly data: OpenData;
  readonly host: string;
  readonly port: number;
  readonly version: string;
  readonly logger: Logger;
  readonly nowMs: () => number;
  readonly randomBytes: (size: number) => Uint8Array;
}

/** What the data folder held when it was opened. */
interface Found {
  readonly readToken: string | undefined;
  /** The log must not be behind it. */
  readonly head: PinnedHead | undefined;
  readonly files: OpenedFiles;
}

const START_WITHIN_MS = 60_000;
const CHORES_EVERY_MS = 5_000;
const PARTITION = 0;

/**
 * The whole ledger in one process: router, writer, ticker, projector and gateway over one data folder. Everything here
 * may die at any moment; starting again is the repair.
 */
export class Server {
  readonly #options: ServerOptions;
  readonly #clock: LedgerClock;
  readonly #store: ReadModels;
  readonly #writer: Writer;
  readonly #router: Router;
  readonly #projector: Projector;
  readonly #gateway: ReturnType<typeof buildGateway>;
  readonly #room: DiskRoom;
  readonly #chores: {
    readonly files: OpenedFiles;
    readonly pin: HeadPin;
    readonly invitation: InvitationWatch;
  };
  #loops: Promise<unknown>[] = [];
  #projecting: Promise<unknown> = Promise.resolve();
  readonly #stopped = new AbortController();
  #isStopping = false;
  #fail: (error: unknown) => void = () => undefined;
  /** Of what has ended it, while it still answers. */
  #failure: string | undefined;
  /** Rejects when a part of the server has given up; it can only be stopped then. */
  readonly failed: Promise<never>;

  private constructor(options: ServerOptions, store: ReadModels, found: Found) {
    const { data, nowMs } = options;
    this.#options = options;
    this.#store = store;
    this.#clock = { nowMs, sleep };
    this.#writer = newWriter(options, { clock: this.#clock, pinnedHead: found.head });
    this.#router = newRouter(options, this.#clock);
    this.#projector = newProjector(options, { store, clock: this.#clock });
    this.#chores = {
      files: found.files,
      pin: new HeadPin(data, store),
      invitation: new InvitationWatch(data.folder, store),
    };
    this.#room = DiskRoom.of(data.folder.path);
    this.#gateway = this.#newGateway(found.readToken);
    this.failed = new Promise((_, reject) => {
      this.#fail = (error) => {
        const cause = asError(dataError(error, data.folder));
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
    const { folder, broker } = options.data;
    const store = await openStore(options.data).catch(async (error: unknown) => {
      await broker.close();
      throw error;
    });
    const server = new Server(options, store, {
      readToken: await readReadToken(folder),
      head: await knownHead(options.data, store),
      files: await OpenedFiles.at(folder.brokerFile, folder.storeFile),
    });
    try {
      server.#run();
      await Promise.race([server.#ready(), server.failed]);
      await server.#listen();
      return server;
    } catch (error) {
      await server.stop();
      throw dataError(error, folder);
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
    await Promise.allSettled(this.#loops);
    // After the writer, so that what it has just sealed is still read.
    this.#projector.stop();
    await Promise.allSettled([this.#projecting]);
    await this.#pinHead();
    await this.#store.close();
    await this.#options.data.broker.close();
  }

  #run(): void {
    const { broker } = this.#options.data;
    this.#projecting = this.#projector.run();
    this.#loops = [
      this.#writer.run(),
      this.#router.run(),
      runTicker({
        broker,
        clock: this.#clock,
        nextDeadlineMs: () => this.#writer.nextDeadlineMs,
        isStopped: () => this.#isStopping,
        partition: PARTITION,
      }),
      this.#doChores(),
    ];
    for (const loop of [this.#projecting, ...this.#loops]) loop.catch(this.#fail);
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

  async #listen(): Promise<void> {
    const { host, port } = this.#options;
    try {
      await this.#gateway.listen({ host, port });
    } catch (error) {
      throw portError(error, this.#options);
    }
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
    await this.#pinHead();
  }

  async #pinHead(): Promise<void> {
    try {
      await this.#chores.pin.renew();
    } catch (error) {
      // The pin only remembers what was seen: without it the next start knows less, and nothing is lost.
      this.#options.logger.warn({ err: error }, 'the head of the log could not be pinned');
    }
  }

  #writerHealth(): LedgerHealth['writer'] {
    if (this.#failure !== undefined) return { state: 'stopped', code: this.#failure };
    const { status } = this.#writer;
    const isWaiting = status.state === 'running' && this.#room.isFull;
    return isWaiting ? { state: 'waiting-broker', code: 'DISK_FULL' } : status;
  }

  #newGateway(readToken: string | undefined): ReturnType<typeof buildGateway> {
    const { data, version, logger, nowMs, randomBytes } = this.#options;
    const { mark } = data;
    return buildGateway({
      config: {
        ledger: mark.origin,
        publicOrigins: [mark.url],
        version,
        pageFolder: distDirectory,
      },
      router: this.#room.heard(this.#router),
      view: this.#projector,
      models: this.#store,
      descriptors: BUILTIN_DESCRIPTORS,
      health: () => ({
        writer: this.#writerHealth(),
        sealedSize: this.#projector.status.sealedSize,
        sealedAtMs: null,
        projectedSize: this.#projector.status.storedSize,
        bindings: this.#writer.counts.bindings,
      }),
      readTokens: readToken === undefined ? [] : [{ token: readToken, tenant: mark.tenant }],
      verifySignature,
      nowMs,
      randomBytes,
      logger,
    });
  }
}

/** @throws CliError PORT_BUSY: before anything is written for a ledger that could not be reached anyway */
export async function assertPortFree(where: { host: string; port: number }): Promise<void> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once('error', (error) => {
      reject(asError(portError(error, where)));
    });
    probe.listen(where.port, where.host, () => {
      probe.close(() => {
        resolve();
      });
    });
  });
}

function portError(error: unknown, { host, port }: { host: string; port: number }): unknown {
  if (isSystemError(error, 'EADDRINUSE')) {
    return cliError('PORT_BUSY', `port ${port} on ${host} is in use by another program`, {
      cause: error,
      // Passkeys and links belong to one address; another port would be another ledger to a browser.
      hint: 'stop that program; another port is chosen with --port when a ledger is founded',
    });
  }
  if (isSystemError(error, 'EACCES', 'EADDRNOTAVAIL')) {
    return cliError('PORT_BUSY', `port ${port} on ${host} cannot be used here`, { cause: error });
  }
  return error;
}

async function openStore(data: OpenData): Promise<ReadModels> {
  try {
    return await openSqliteStore(data.folder.storeFile);
  } catch (error) {
    throw dataError(error, data.folder);
  }
}

function newWriter(
  { data }: ServerOptions,
  { clock, pinnedHead }: { clock: LedgerClock; pinnedHead: PinnedHead | undefined },
): Writer {
  const { broker, signer, mark, trust } = data;
  return new Writer({
    broker,
    signer,
    clock,
    // Inputs come many at a time: their signatures are checked on all cores while others are decided.
    verifySignature: verifySignatureAside,
    descriptors: BUILTIN_DESCRIPTORS,
    origin: mark.origin,
    logKeys: [signer.vkey],
    genesis: trust.genesis,
    epoch: newUlid(clock.nowMs()),
    partition: PARTITION,
    ...(pinnedHead !== undefined && { pinnedHead }),
  });
}

function newRouter({ data }: ServerOptions, clock: LedgerClock): Router {
  return new Router({
    broker: data.broker,
    clock,
    positions: filePositions(data.folder.positionsFile),
    partitionOf: (tenant) => (tenant === data.mark.tenant ? PARTITION : undefined),
  });
}

function newProjector(
  { data }: ServerOptions,
  { store, clock }: { store: ReadModels; clock: LedgerClock },
): Projector {
  return new Projector({
    broker: data.broker,
    store,
    clock,
    verifySignature,
    descriptors: BUILTIN_DESCRIPTORS,
    origin: data.mark.origin,
    logKeys: [data.signer.vkey],
  });
}

function sleep(ms: number): Promise<void> {
  return delay(ms);
}

async function sleepUnless(ms: number, stopped: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal: stopped });
  } catch (error) {
    if (!isSystemError(error, 'ABORT_ERR')) throw error;
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
