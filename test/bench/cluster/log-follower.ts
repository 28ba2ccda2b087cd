import type { Broker } from '@countersign/broker';
import { fromUtf8, utf8 } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import { LogReader, type RawRecord, type SealedHead } from '@countersign/log-reader';
import { hashLeaf, parseVerifierKey, verifyTlogProof } from '@countersign/tlog';
import { decodeLogRecord, isBindingSealed } from '@countersign/wire';
import type { TextEntry } from '../../support/parties.ts';

const READ_RECORDS = 2_000;
const IDLE_MS = 250;
const REFUSALS = /refused|denied|expired|finding/u;

export interface FollowedLog {
  readonly broker: Broker;
  readonly partition: number;
  readonly origin: string;
  readonly vkey: string;
}

/** A binding as the log publishes it. */
export interface Published extends TextEntry {
  readonly receipt: string;
}

/** What somebody waits for. */
type Awaited = 'request-admitted' | 'binding-used' | 'execution-reported' | 'published';

/**
 * Reads a log as anybody may who has its key: recomputes every root, verifies every signed head, and takes a published
 * binding for one only when a head that it has verified holds its entry.
 */
export class LogFollower {
  readonly #log: FollowedLog;
  readonly #reader: LogReader;
  readonly #waiting = new Map<string, (entry: Published) => void>();
  #published: Published[] = [];
  #isStopped = false;

  constructor(log: FollowedLog) {
    const { origin, vkey } = log;
    this.#log = log;
    this.#reader = new LogReader({ origin, logKeys: [vkey], verifySignature });
  }

  get sealedSize(): number {
    return this.#reader.sealedSize;
  }

  /** The log offset of the next record. */
  get nextOffset(): number {
    return this.#reader.nextOffset;
  }

  /** Resolves with the first such entry about the action that is sealed from now on. */
  arriving(what: Awaited, actionId: string): Promise<Published> {
    return new Promise((resolve) => {
      this.#waiting.set(`${what} ${actionId}`, resolve);
    });
  }

  /** @throws LedgerError for a log that contradicts itself */
  async run(): Promise<void> {
    const { broker, partition } = this.#log;
    const tp = { topic: 'log', partition } as const;
    while (!this.#isStopped) {
      const { nextOffset } = this.#reader;
      if (!(await broker.waitBeyond(tp, nextOffset, IDLE_MS))) continue;
      for (const record of await broker.read(tp, nextOffset, READ_RECORDS))
        await this.#take(record);
    }
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** Its receipt, as a verifier checks it. @throws TlogError */
  async verify({ index, text, receipt }: Published): Promise<void> {
    const { origin, vkey } = this.#log;
    const proven = await verifyTlogProof({
      origin,
      verifiers: [parseVerifierKey(vkey)],
      verifySignature,
      text: receipt,
      leafHash: hashLeaf(utf8(text)),
    });
    if (proven.index !== index) throw new Error(`expected index ${index}, got ${proven.index}`);
  }

  async #take(record: RawRecord): Promise<void> {
    const event = await this.#reader.read(record);
    if (event?.kind === 'sealed') this.#deliver(event);
    if (event !== undefined || record.value === null || !isBindingSealed(record.value)) return;
    const decoded = decodeLogRecord(record.value);
    if (decoded.kind !== 'binding') return;
    const { index, entry, receipt } = decoded;
    this.#published.push({ index, text: fromUtf8(entry), receipt });
  }

  #deliver({ batches, size }: SealedHead): void {
    for (const { index, bytes } of batches.flatMap(({ entries }) => entries)) {
      const text = fromUtf8(bytes);
      const { type, action_id: actionId = '' } = JSON.parse(text) as EntryHead;
      // Everything that is sent here is in order: a refusal would only make the figures better than they are.
      if (REFUSALS.test(type)) throw new Error(`expected no ${type}: ${text}`);
      this.#tell(`${type} ${actionId}`, { index, text, receipt: '' });
    }
    // A head stands after the bindings that it seals.
    for (const each of this.#published) {
      if (each.index >= size) continue;
      const { action_id: actionId = '' } = JSON.parse(each.text) as EntryHead;
      this.#tell(`published ${actionId}`, each);
    }
    this.#published = this.#published.filter(({ index }) => index >= size);
  }

  #tell(key: string, entry: Published): void {
    const waiting = this.#waiting.get(key);
    this.#waiting.delete(key);
    waiting?.(entry);
  }
}

interface EntryHead {
  readonly type: string;
  readonly action_id?: string;
}
