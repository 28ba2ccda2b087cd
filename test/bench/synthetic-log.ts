import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  LedgerState,
  encodeEntry,
  foundLedger,
  leafHash,
  leafOf,
  type Entry,
  type EntryOf,
  type Leaf,
} from '@countersign/binding';
import { splitForAppend, type Broker, type NewRecord } from '@countersign/broker';
import { openSqliteBroker } from '@countersign/broker-sqlite';
import { formatTimestamp, makeUlid, timestampMs, type Digest } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import { LogReader } from '@countersign/log-reader';
import { createLocalSignerKey, openLocalSigner } from '@countersign/signer-local';
import { formatCheckpoint, signNote, type NoteSigner } from '@countersign/tlog';
import { encodeLogRecord } from '@countersign/wire';
import { TestLedger } from '../../packages/binding/test/test-ledger.ts';
import { POLICY_ENGINE } from '../support/policy-engine.ts';

export interface SyntheticLog {
  readonly origin: string;
  readonly endMs: number;
  readonly counts: Readonly<Record<string, number>>;
}

export interface SyntheticAmounts {
  readonly finished: number;
  readonly open: number;
  readonly msPerAction: number;
}

const WRITTEN = 'written.json';
const ENTRIES_A_BATCH = 200;
const STATE_COMMIT_EVERY = 1_000;
const LOG = { topic: 'log', partition: 0 } as const;
const EPOCH = '01JD8Z0000000000000000BNCH';
const TWO_DAYS_MS = 172_800_000;

/**
 * A log as a writer leaves it, but for the proofs: one action that really went its whole way, over and over under other ids,
 * with digests of its own. Passkeys and agents have signed only the first; the log key has signed every head.
 */
export async function writeSyntheticLog(
  folder: string,
  amounts: SyntheticAmounts,
): Promise<SyntheticLog> {
  const first = await wholeWay();
  const { origin } = first.founding;
  const keyFile = path.join(folder, 'log.key');
  await createLocalSignerKey({ keyFile });
  const signer = await openLocalSigner({ keyFile, name: origin });
  const clock = { nowMs: timestampMs(first.founding.at) };
  const broker = await openSqliteBroker({
    path: path.join(folder, 'broker.db'),
    clock: () => clock.nowMs,
  });
  const log = new LogWriter(broker, signer, origin);
  await log.add(foundLedger({ ...first.founding, logKeys: [signer.vkey] }));
  await log.flush();
  const total = amounts.finished + amounts.open;
  const openEvery = amounts.open === 0 ? Infinity : total / amounts.open;
  let nextOpen = openEvery - 1;
  for (let at = 0; at < total; at += 1) {
    clock.nowMs += amounts.msPerAction;
    const isOpen = at >= nextOpen;
    if (isOpen) nextOpen += openEvery;
    await addAction(log, first, { nowMs: clock.nowMs, isOpen });
  }
  await log.flush();
  await broker.close();
  const written = {
    origin,
    endMs: clock.nowMs,
    counts: { finished: amounts.finished, open: amounts.open, entries: log.size },
  };
  await writeFile(path.join(folder, WRITTEN), JSON.stringify(written));
  return written;
}

/** The log that was written into this folder before: a long one is measured on another day, too. */
export async function writtenBefore(folder: string): Promise<SyntheticLog | undefined> {
  const text = await readFile(path.join(folder, WRITTEN), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as SyntheticLog);
}

interface WholeWay {
  readonly founding: EntryOf<'ledger-founded'>;
  readonly admission: EntryOf<'request-admitted'>;
  readonly decision: EntryOf<'decision-accepted'>;
  readonly binding: EntryOf<'binding-made'>;
  readonly use: EntryOf<'binding-used'>;
  readonly report: EntryOf<'execution-reported'>;
}

async function wholeWay(): Promise<WholeWay> {
  const ledger = new TestLedger();
  const bound = await ledger.bound();
  const claim = ledger.useClaim(bound);
  await ledger.use(claim);
  await ledger.submitReport(ledger.report(claim));
  return {
    founding: ledger.founding(),
    admission: bound.admission.entry,
    decision: ledger.last('decision-accepted').entry,
    binding: bound.binding.entry,
    use: ledger.last('binding-used').entry,
    report: ledger.last('execution-reported').entry,
  };
}

async function addAction(
  log: LogWriter,
  first: WholeWay,
  { nowMs, isOpen }: { readonly nowMs: number; readonly isOpen: boolean },
): Promise<void> {
  const at = formatTimestamp(nowMs);
  const late = formatTimestamp(nowMs + TWO_DAYS_MS);
  const own = { at, action_id: newId(nowMs), action_digest: newDigest() };
  const { action_digest: digest, ...head } = own;
  const index = log.size;
  const admission = await log.add({
    ...first.admission,
    ...own,
    decide_by: late,
    not_after: late,
    input: newDigest(),
  });
  if (isOpen) return;
  const statement = { action_id: own.action_id, action_digest: digest, admission };
  const decision = await log.add({
    ...first.decision,
    ...head,
    admission,
    statement: { ...first.decision.statement, ...statement, not_after: late },
    input: newDigest(),
  });
  const binding = await log.add({
    ...first.binding,
    ...own,
    admission,
    admission_index: index,
    decisions: first.binding.decisions.map((each) => ({ ...each, leaf: decision })),
    statement: { ...first.binding.statement, ...statement },
    use_by: late,
  });
  const use = { ...head, use_id: newId(nowMs) };
  await log.add({ ...first.use, ...use, binding, start_by: late, input: newDigest() });
  await log.add({ ...first.report, ...use, input: newDigest() });
}

function newId(nowMs: number): string {
  return makeUlid(nowMs, randomBytes(10));
}

function newDigest(): Digest {
  return `sha256:${randomBytes(32).toString('hex')}`;
}

/** Appends batches with their heads and bindings, as writer and sealer do. */
class LogWriter {
  readonly #broker: Broker;
  readonly #signer: NoteSigner;
  readonly #origin: string;
  readonly #state = LedgerState.empty({
    descriptors: BUILTIN_DESCRIPTORS,
    policyEngine: POLICY_ENGINE,
  });
  readonly #reader: LogReader;
  #entries: { readonly bytes: Uint8Array; readonly leaf: Leaf; readonly isBinding: boolean }[] = [];

  constructor(broker: Broker, signer: NoteSigner, origin: string) {
    this.#broker = broker;
    this.#signer = signer;
    this.#origin = origin;
    this.#reader = new LogReader({ origin, logKeys: [signer.vkey], verifySignature });
  }

  get size(): number {
    return this.#state.size;
  }

  async add(entry: Entry): Promise<Leaf> {
    const leaf = this.#place(entry);
    const { size, head } = this.#state;
    const isCommit = size - head.committedSize >= STATE_COMMIT_EVERY;
    if (isCommit) this.#commit(entry);
    if (isCommit || this.#entries.length >= ENTRIES_A_BATCH) await this.flush();
    return leaf;
  }

  #commit({ at, tenant }: Entry): void {
    const [digest, { size }] = [this.#state.stateDigest(), this.#state];
    const v = 'countersign.entry.v1';
    this.#place({ v, type: 'state-committed', at, tenant, state_digest: digest, size });
  }

  #place(entry: Entry): Leaf {
    const bytes = encodeEntry(entry);
    const leaf = leafOf(bytes);
    this.#state.evolve(entry, { index: this.#state.size, leaf });
    this.#entries.push({ bytes, leaf, isBinding: entry.type === 'binding-made' });
    return leaf;
  }

  async flush(): Promise<void> {
    const entries = this.#entries;
    if (entries.length === 0) return;
    this.#entries = [];
    const { head, range, headEnd } = this.#reader;
    for (const { leaf } of entries) range.append(leafHash(leaf));
    const value = encodeLogRecord({
      kind: 'batch',
      origin: this.#origin,
      sizeBefore: head.size,
      rootBefore: head.root,
      sizeAfter: range.size,
      rootAfter: range.root(),
      intakeOffsetAfter: 0,
      epoch: EPOCH,
      rulesVersion: 2,
      entries: entries.map(({ bytes }) => bytes),
    });
    await this.#append([{ key: `batch/${head.size}/${headEnd}`, value }]);
    await this.#seal(head.size, entries);
  }

  async #seal(
    sizeBefore: number,
    entries: readonly { readonly bytes: Uint8Array; readonly isBinding: boolean }[],
  ): Promise<void> {
    const { head, tail } = this.#reader;
    const { size, root } = head;
    const note = await signNote(formatCheckpoint({ origin: this.#origin, size, root }), [
      this.#signer,
    ]);
    const records: NewRecord[] = [];
    for (const [at, { bytes, isBinding }] of entries.entries()) {
      if (!isBinding) continue;
      const index = sizeBefore + at;
      const receipt = tail.receipt(index, { size, note });
      const value = encodeLogRecord({ kind: 'binding', index, entry: bytes, receipt });
      records.push({ key: `binding/${index}`, value });
    }
    const value = encodeLogRecord({ kind: 'checkpoint', size, note });
    await this.#append([...records, { key: `checkpoint/${size}`, value }]);
  }

  async #append(records: readonly NewRecord[]): Promise<void> {
    for (const run of splitForAppend(records)) {
      const { firstOffset, appendTimeMs } = await this.#broker.append(LOG, run);
      for (const [at, { value }] of run.entries()) {
        await this.#reader.read({ offset: firstOffset + at, appendTimeMs, value });
      }
    }
  }
}
