import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Policy } from '@countersign/binding';
import { MemoryBroker, MemoryDisk, type Broker } from '@countersign/broker';
import { openSqliteBroker } from '@countersign/broker-sqlite';
import type { JsonObject } from '@countersign/canonical';
import { newUlid, verifySignature, verifySignatureAside } from '@countersign/crypto-node';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import {
  Router,
  Writer,
  found,
  inputDigest,
  type LedgerClock,
  type RouterOptions,
  type SubmitKind,
  type WriterOptions,
} from '@countersign/ledger';
import { Projector, type AnsweredEntry, type InputAnswer } from '@countersign/projector';
import { openSqliteStore, type ReadModels } from '@countersign/store';
import type { NoteSigner } from '@countersign/tlog';
import { noteSigner } from './note-key.ts';
import { Parties, TENANT, actionIdOf, type Deciding, type TextEntry } from './parties.ts';
import { ShiftedClock } from './shifted-clock.ts';
import { tierOfTests, type TierPlace } from './tier.ts';
import { POLICY_ENGINE } from './policy-engine.ts';

export type Tier = 'memory' | 'sqlite';

export interface FoundedOptions {
  readonly tier?: Tier;
  /** Topics and log elsewhere than in the tier's own; opened again at each start. */
  readonly connect?: () => Promise<Broker>;
  readonly policy?: Policy;
  /** Puts something between the services and their broker. */
  readonly wrapBroker?: (broker: Broker) => Broker;
  /** Its time is what the broker stamps and the writer compares with. */
  readonly clock?: ShiftedClock;
  /** How many agents there are besides `parties.agent`. */
  readonly crewSize?: number;
  /** How its router finds the public partitions and keeps how far they were moved; in memory, and one of each topic, unless given. */
  readonly routing?: Pick<RouterOptions, 'positions' | 'publicPartitions'>;
  /** Opens empty read models; a SQLite file unless given. */
  readonly openStore?: () => Promise<ReadModels>;
  /** Opens the log's signer under its origin; a key in memory unless given. */
  readonly openSigner?: (origin: string) => Promise<NoteSigner>;
}

export const ANSWER_MS = 20_000;

function inPlace(
  place: TierPlace,
  clock: ShiftedClock,
): Pick<FoundedOptions, 'connect' | 'openSigner' | 'openStore'> {
  return {
    connect: () => place.connect(clock),
    openSigner: (origin) => place.openSigner(origin),
    openStore: () => place.openStore(),
  };
}

/**
 * A founded ledger with all services in this process: router, writer, projector, over a memory or a SQLite
 * broker or one that it is given, with a log key, an agent, an executor and three persons. `start` it, use it, `discard` it.
 *
 * @example
 * const ledger = await FoundedLedger.create({ tier: 'sqlite' });
 * ledger.start();
 * const { binding } = await ledger.bind();
 * await ledger.discard();
 */
export class FoundedLedger {
  readonly origin: string;
  readonly clock: ShiftedClock;
  /** Of the key that it was founded with. */
  readonly signer: NoteSigner;
  /** What new writers sign with. */
  signers: readonly NoteSigner[];
  /** Where new services read and write. */
  shard = 0;
  readonly parties: Parties;
  readonly folder: string;
  /** Leaf of the founding entry. */
  genesis = '';
  broker: Broker;
  store: ReadModels;
  router: Router;
  writer: Writer;
  projector: Projector;
  readonly #options: FoundedOptions;
  readonly #disk = new MemoryDisk();
  #storeSerial = 0;
  #running: Promise<unknown>[] = [];

  private constructor(
    options: FoundedOptions,
    parts: {
      readonly folder: string;
      readonly broker: Broker;
      readonly store: ReadModels;
      readonly signer: NoteSigner;
    },
  ) {
    this.#options = options;
    this.clock = options.clock ?? new ShiftedClock();
    this.origin = parts.signer.name;
    this.signer = parts.signer;
    this.signers = [parts.signer];
    const { crewSize = 0 } = options;
    this.parties = new Parties(this.origin, () => this.clock.nowMs(), { crewSize });
    this.folder = parts.folder;
    this.broker = parts.broker;
    this.store = parts.store;
    this.router = this.newRouter();
    this.writer = this.newWriter();
    this.projector = this.newProjector();
  }

  static async create(given: FoundedOptions = {}): Promise<FoundedLedger> {
    const clock = given.clock ?? new ShiftedClock();
    // A test that says where its topics are, means it.
    const isElsewhere = given.connect === undefined && given.tier !== 'memory';
    const place = isElsewhere ? await tierOfTests()?.place() : undefined;
    const elsewhere = place === undefined ? {} : inPlace(place, clock);
    const options = { ...elsewhere, ...given, clock };
    const origin = `countersign.test/${newUlid(Date.now())}/0`;
    const signer = (await options.openSigner?.(origin)) ?? noteSigner(origin);
    const folder = await mkdtemp(path.join(tmpdir(), 'founded-ledger-'));
    const store =
      (await options.openStore?.()) ??
      (await openSqliteStore(path.join(folder, 'read-models-0.db')));
    const placeholder = new MemoryBroker({ clock: () => 0 });
    const ledger = new FoundedLedger(options, { folder, store, signer, broker: placeholder });
    ledger.broker = await ledger.openBroker();
    ledger.renewServices();
    const { genesis } = await found({
      broker: ledger.broker,
      entry: ledger.parties.founding([ledger.signer.vkey], options.policy),
      epoch: newUlid(Date.now()),
      verifySignature,
    });
    ledger.genesis = genesis;
    return ledger;
  }

  async openBroker(): Promise<Broker> {
    const broker = (await this.#options.connect?.()) ?? (await this.#ownBroker());
    return this.#options.wrapBroker?.(broker) ?? broker;
  }

  async #ownBroker(): Promise<Broker> {
    const clock = (): number => this.clock.nowMs();
    return this.#options.tier === 'sqlite'
      ? openSqliteBroker({ path: path.join(this.folder, 'topics.db'), clock })
      : new MemoryBroker({ clock, disk: this.#disk });
  }

  newRouter(more: Partial<RouterOptions> = {}): Router {
    const moved = new Map<string, number>();
    return new Router({
      broker: this.broker,
      clock: this.clock,
      partitionOf: (tenant) => (tenant === TENANT ? this.shard : undefined),
      positions: {
        load: ({ topic, partition }) => Promise.resolve(moved.get(`${topic}/${partition}`) ?? 0),
        save: ({ topic, partition }, next) => {
          moved.set(`${topic}/${partition}`, next);
          return Promise.resolve();
        },
      },
      ...this.#options.routing,
      ...more,
    });
  }

  newWriter(more: Partial<WriterOptions> = {}): Writer {
    return new Writer({
      broker: this.broker,
      signers: this.signers,
      clock: this.clock satisfies LedgerClock,
      verifySignature: verifySignatureAside,
      descriptors: BUILTIN_DESCRIPTORS,
      policyEngine: POLICY_ENGINE,
      origin: this.origin,
      logKeys: [this.signer.vkey],
      epoch: newUlid(Date.now()),
      partition: this.shard,
      ...more,
    });
  }

  newProjector(store: ReadModels = this.store, broker: Broker = this.broker): Projector {
    return new Projector({
      broker,
      store,
      clock: this.clock,
      verifySignature,
      descriptors: BUILTIN_DESCRIPTORS,
      origin: this.origin,
      logKeys: [this.signer.vkey],
      partition: this.shard,
    });
  }

  /** An empty store beside the ledger's own. */
  async newStore(): Promise<ReadModels> {
    const elsewhere = await this.#options.openStore?.();
    if (elsewhere !== undefined) return elsewhere;
    this.#storeSerial += 1;
    return openSqliteStore(path.join(this.folder, `read-models-${this.#storeSerial}.db`));
  }

  renewServices(): void {
    this.router = this.newRouter();
    this.writer = this.newWriter();
    this.projector = this.newProjector();
  }

  /** Runs writer and projector; what they fail with comes out of `stop`. */
  start(): void {
    this.#running = [this.writer.run(), this.projector.run()];
    for (const each of this.#running) each.catch(() => undefined);
  }

  async stop(): Promise<void> {
    this.writer.stop();
    this.projector.stop();
    const ended = await Promise.allSettled(this.#running);
    this.#running = [];
    for (const each of ended) if (each.status === 'rejected') throw each.reason;
  }

  /** Stops, and starts new services on the same topics and read models. */
  async restart(): Promise<void> {
    await this.stop();
    this.renewServices();
    this.start();
  }

  async discard(): Promise<void> {
    this.writer.stop();
    this.projector.stop();
    await Promise.allSettled(this.#running);
    await this.broker.close();
    await this.store.close();
    await rm(this.folder, { recursive: true });
  }

  async submit(kind: SubmitKind, actionId: string, payload: Uint8Array): Promise<string> {
    const { input } = await this.router.submit({ kind, tenant: TENANT, actionId, payload });
    return input;
  }

  /** Submits, and waits for what came of it. */
  async ask(kind: SubmitKind, actionId: string, payload: Uint8Array): Promise<InputAnswer> {
    const arriving = this.projector.waitForInput(inputDigest(payload), ANSWER_MS);
    await this.submit(kind, actionId, payload);
    const answer = await arriving;
    if (answer === undefined) throw new Error(`expected an answer to a ${kind}, got none`);
    return answer;
  }

  async admit(action: JsonObject = this.parties.action()): Promise<Admitted> {
    const answer = await this.ask('request', actionIdOf(action), this.parties.requestFrame(action));
    return { action, actionId: actionIdOf(action), admission: entryOf(answer, 'request-admitted') };
  }

  async decide({ actionId, admission }: Admitted, deciding: Deciding = {}): Promise<InputAnswer> {
    return this.ask('decision', actionId, this.parties.decisionFrame(admission, deciding));
  }

  async bind(action?: JsonObject): Promise<Bound> {
    const asked = await this.admit(action);
    const answer = await this.decide(asked);
    return {
      ...asked,
      decision: entryOf(answer, 'decision-accepted'),
      binding: entryOf(answer, 'binding-made'),
    };
  }

  async use({ actionId, binding }: { actionId: string; binding: TextEntry }): Promise<InputAnswer> {
    return this.ask('use', actionId, this.parties.useFrame(binding));
  }
}

export interface Admitted {
  readonly action: JsonObject;
  readonly actionId: string;
  readonly admission: AnsweredEntry;
}

export interface Bound extends Admitted {
  readonly decision: AnsweredEntry;
  readonly binding: AnsweredEntry;
}

export function entryOf(answer: InputAnswer, type: string): AnsweredEntry {
  const entries = answer.kind === 'sealed' ? answer.entries : [];
  const found = entries.find((entry) => entry.type === type);
  if (found !== undefined) return found;
  const got = answer.kind === 'sealed' ? entries.map((e) => e.text).join(' ') : answer.code;
  throw new Error(`expected ${type}, got ${got}`);
}
