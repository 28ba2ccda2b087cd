import { copyFile, mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LedgerState } from '@countersign/binding';
import type { Broker, StoredRecord, Topic } from '@countersign/broker';
import { openSqliteBroker } from '@countersign/broker-sqlite';
import { utf8 } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import { contentKey } from '@countersign/ledger';
import { LogReader } from '@countersign/log-reader';
import { openCheckpoint, parseNote, parseVerifierKey } from '@countersign/tlog';
import { WireError, decodeLogRecord } from '@countersign/wire';
import { hold } from '../simulator/invariant-broken.ts';
import { LogOracle, type OracleEntry } from '../simulator/log-oracle.ts';
import { RuleOracle } from '../simulator/rule-oracle.ts';
import type { SignedTruth } from '../simulator/signed-truth.ts';
import { POLICY_ENGINE } from '../../support/policy-engine.ts';

/** What a client was told: an entry with its place, and a signed head that holds it. */
export interface Told {
  readonly index: number;
  readonly leaf: string;
  readonly text: string;
  readonly checkpoint: string;
}

export interface TopicAuditParts {
  readonly tenant: string;
  readonly origin: string;
  readonly vkey: string;
  readonly truth: SignedTruth;
  readonly told: readonly Told[];
}

export interface AuditParts extends TopicAuditParts {
  /** A data folder that nobody has open. */
  readonly data: string;
}

export interface Audited {
  readonly entries: readonly OracleEntry[];
  readonly sealedSize: number;
  readonly lostBatches: number;
  readonly rules: RuleOracle;
  /** Of the fold of all entries, from the first one on. */
  readonly stateDigest: string;
  /** Actions that have readable content left. */
  readonly readable: ReadonlySet<string>;
}

const READ_RECORDS = 1_000;

/**
 * Audits a ledger by its file alone: the log through two readers that share no code, every entry by the rules
 * written down a second time, every answer that any client ever got. It reads a copy, so that the ledger
 * finds its own files as the crash has left them.
 *
 * @throws InvariantBroken
 */
export async function auditFiles(parts: AuditParts): Promise<Audited> {
  const copy = join(dirname(parts.data), 'audit');
  await mkdir(copy);
  try {
    for (const name of await readdir(parts.data)) {
      if (name.startsWith('broker.db')) await copyFile(join(parts.data, name), join(copy, name));
    }
    const broker = await openSqliteBroker({ path: join(copy, 'broker.db'), clock: Date.now });
    try {
      return await auditTopics(parts, broker);
    } finally {
      await broker.close();
    }
  } finally {
    await rm(copy, { recursive: true });
  }
}

/**
 * Audits a ledger by its topics alone.
 *
 * @throws InvariantBroken
 */
export function auditTopics(parts: TopicAuditParts, broker: Broker): Promise<Audited> {
  return new TopicAudit(parts, broker).run();
}

class TopicAudit {
  readonly #parts: TopicAuditParts;
  readonly #broker: Broker;
  readonly #rules: RuleOracle;
  readonly #oracle: LogOracle;
  readonly #reader: LogReader;
  readonly #state = LedgerState.empty({
    descriptors: BUILTIN_DESCRIPTORS,
    policyEngine: POLICY_ENGINE,
  });

  constructor(parts: TopicAuditParts, broker: Broker) {
    this.#parts = parts;
    this.#broker = broker;
    this.#rules = new RuleOracle(parts.truth);
    this.#oracle = new LogOracle(parts.origin, {
      accept: (placed) => {
        this.#accept(placed);
      },
      batchAccepted: () => undefined,
    });
    const { origin, vkey } = parts;
    this.#reader = new LogReader({ origin, logKeys: [vkey], verifySignature });
  }

  async run(): Promise<Audited> {
    for await (const record of this.#recordsOf('log')) {
      const note = noteIn(record.value);
      if (note !== undefined) await this.#noteSigned(note);
      this.#oracle.stored({ topic: 'log', partition: 0 }, [record]);
      await this.#reader.read(record);
    }
    const oracle = this.#oracle;
    const { head, sealedSize } = this.#reader;
    const isSame =
      head.size === oracle.size &&
      sealedSize === oracle.sealedSize &&
      Buffer.from(head.root).toString('hex') === oracle.rootAt(oracle.size);
    hold(isSame, 'READERS_DIFFER', 'two readers of one log end with two heads');
    for (const told of this.#parts.told) await this.#assertTold(told);
    return {
      entries: oracle.entries,
      sealedSize,
      lostBatches: oracle.lostBatches,
      rules: this.#rules,
      stateDigest: this.#state.stateDigest(),
      readable: await this.#readable(),
    };
  }

  #accept(placed: OracleEntry): void {
    const { entry, index, leaf } = placed;
    this.#rules.accept(placed);
    if (entry.type === 'state-committed') {
      const isLive = entry.state_digest === this.#state.stateDigest();
      hold(isLive, 'REPLAY_DIFFERS', `the fold that the ledger had at ${index}`);
    }
    this.#state.evolve(entry, { index, leaf });
  }

  /** Whatever the log key has signed, here or in a receipt: there are no two of one size, and the log holds it. */
  async #noteSigned(note: string): Promise<void> {
    const { origin, vkey } = this.#parts;
    const verifiers = [parseVerifierKey(vkey)];
    await openCheckpoint(note, { origin, verifiers, verifySignature });
    this.#oracle.signs(utf8(parseNote(note).text));
  }

  async #assertTold({ index, leaf, text, checkpoint }: Told): Promise<void> {
    await this.#noteSigned(checkpoint);
    const entry = this.#oracle.entries[index];
    const isThere = entry?.leaf === leaf && Buffer.from(entry.bytes).toString() === text;
    hold(isThere, 'ACKNOWLEDGED_LOST', `entry ${index} is not what a client was told`);
    hold(
      index < this.#oracle.sealedSize,
      'UNSEALED',
      `entry ${index} was told before it was sealed`,
    );
  }

  /** Content is durable before the entry that speaks of it, so no crash can come between them. */
  async #readable(): Promise<ReadonlySet<string>> {
    const readable = new Set<string>();
    for await (const { key, value } of this.#recordsOf('content')) {
      if (value !== null) readable.add(key);
    }
    for (const { id, isErased } of this.#rules.actions.values()) {
      const isThere = isErased || readable.has(contentKey(this.#parts.tenant, id));
      hold(isThere, 'CONTENT', `${id} is in the log, its content nowhere`);
    }
    return readable;
  }

  async *#recordsOf(topic: Topic): AsyncGenerator<StoredRecord> {
    for (let next = 0; ;) {
      const records = await this.#broker.read({ topic, partition: 0 }, next, READ_RECORDS);
      yield* records;
      const last = records.at(-1);
      if (last === undefined) return;
      next = last.offset + 1;
    }
  }
}

function noteIn(value: Uint8Array | null): string | undefined {
  if (value === null) return undefined;
  try {
    const record = decodeLogRecord(value);
    return record.kind === 'checkpoint' ? record.note : undefined;
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}
