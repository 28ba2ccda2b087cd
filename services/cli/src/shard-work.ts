import { runTicker, sqliteSnapshots, type LedgerClock, type Writer } from '@countersign/ledger';
import type { Logger } from 'pino';
import { newWriter } from './assembly.ts';
import { dataError, placeOf } from './data-error.ts';
import { HeadPin, sealedBy } from './head-pin.ts';
import type { LedgerMetrics } from './ledger-metrics.ts';
import type { OpenData } from './open-data.ts';
import { asError, sleepUnless } from './service.ts';
import type { ShardStatus } from './shard-status.ts';
import { SignerWatch } from './signer-watch.ts';
import { SnapshotWatch } from './snapshot-watch.ts';
import { assertNoAlarm } from './witness-alarm.ts';

const PIN_EVERY_MS = 5_000;
const LOOK_EVERY_MS = 2_000;

export interface ShardWorkParts {
  readonly data: OpenData;
  readonly clock: LedgerClock;
  readonly logger: Logger;
  readonly metrics: LedgerMetrics;
  /** Called once it has given up: with the reason, in the words of the command line. */
  readonly onFailed: (error: Error) => void;
}

/** The writer of one log, while this process is the one to run it. */
export class ShardWork {
  readonly #parts: ShardWorkParts;
  readonly #pin: HeadPin;
  readonly #signer: SignerWatch;
  #writer: Writer | undefined;
  #stopping = new AbortController();
  #working: Promise<void> = Promise.resolve();
  #wanted = false;
  #intakeEnd: number | undefined;

  constructor(parts: ShardWorkParts) {
    this.#parts = parts;
    this.#pin = new HeadPin(parts.data, () => Promise.resolve(sealedBy(this.#writer)));
    const { data, clock, metrics } = parts;
    const { tenant } = data.mark;
    this.#signer = new SignerWatch({
      signers: data.signers.map((signer) => metrics.timed(tenant, signer)),
      nowMs: () => clock.nowMs(),
      onCheck: (outcome) => {
        metrics.signerChecked(tenant, outcome);
      },
    });
  }

  get status(): ShardStatus {
    const { tenant, shard } = this.#parts.data.mark;
    const writer = this.#writer;
    if (writer === undefined) {
      return { tenant, shard, state: 'idle', sealedSize: 0, acceptedSize: 0, intakeOffset: 0 };
    }
    const { state, code, sealedSize, acceptedSize, intakeOffset } = writer.status;
    const { counts } = writer;
    const intakeEnd = this.#intakeEnd;
    const { away: signerAway } = this.#signer;
    const sizes = {
      ...{ sealedSize, acceptedSize, intakeOffset, counts },
      ...(intakeEnd !== undefined && { intakeEnd }),
      ...(signerAway !== undefined && { signerAway }),
    };
    return { tenant, shard, state, ...(code !== undefined && { code }), ...sizes };
  }

  /**
   * Works on the shard, or leaves it to somebody else. One that leaves finishes what it has appended: whoever takes over
   * need not wait for that, and reads it as its own.
   */
  assign(isOurs: boolean): void {
    if (isOurs === this.#wanted) return;
    this.#wanted = isOurs;
    const { logger, data } = this.#parts;
    const { tenant, shard } = data.mark;
    logger.info({ event: 'shard_assigned', tenant, shard, isOurs }, 'shard assigned');
    if (!isOurs) {
      this.#leave();
      return;
    }
    // Not before the one that was told to stop has stopped.
    this.#working = this.#working.then(() => this.#work());
  }

  async stop(): Promise<void> {
    this.assign(false);
    await this.#working;
  }

  #leave(): void {
    this.#writer?.stop();
    this.#stopping.abort();
  }

  async #work(): Promise<void> {
    if (!this.#wanted) return;
    const { data, clock, logger, metrics } = this.#parts;
    const snapshots = sqliteSnapshots(data.folder.snapshotFile);
    const writer = newWriter(
      { ...data, signers: this.#signer.signers },
      {
        clock,
        // Another process may have seen more than this one.
        pinnedHead: await this.#pin.known(),
        snapshots,
        onBatch: (entries) => {
          metrics.batch(data.mark.tenant, entries);
        },
      },
    );
    const stopping = new AbortController();
    this.#writer = writer;
    this.#stopping = stopping;
    try {
      await Promise.all([
        writer.run(),
        this.#tick(writer, stopping),
        this.#keepPin(stopping),
        this.#watchIntake(stopping),
        this.#signer.run(stopping.signal),
      ]);
      this.#writer = undefined;
    } catch (error) {
      // Its last status stays to be seen.
      this.#parts.onFailed(asError(dataError(error, placeOf(data))));
    } finally {
      writer.stop();
      stopping.abort();
      await this.#renewPin(writer);
      await new SnapshotWatch(writer, snapshots, logger).close();
    }
  }

  async #tick(writer: Writer, stopping: AbortController): Promise<void> {
    const { data, clock } = this.#parts;
    await runTicker({
      broker: data.broker,
      clock,
      nextDeadlineMs: () => writer.nextDeadlineMs,
      isStopped: () => stopping.signal.aborted,
      partition: data.mark.shard,
    });
  }

  async #watchIntake({ signal }: AbortController): Promise<void> {
    const { broker, mark } = this.#parts.data;
    while (!signal.aborted) {
      try {
        this.#intakeEnd = await broker.end({ topic: 'intake', partition: mark.shard });
      } catch {
        // The writer meets the same, and says so.
      }
      await sleepUnless(LOOK_EVERY_MS, signal);
    }
  }

  async #keepPin(stopping: AbortController): Promise<void> {
    while (!stopping.signal.aborted) {
      await sleepUnless(PIN_EVERY_MS, stopping.signal);
      // Whoever asks the witnesses is another process: it leaves word in the folder.
      await assertNoAlarm(this.#parts.data.folder);
      if (this.#writer !== undefined) await this.#renewPin(this.#writer);
    }
  }

  async #renewPin(writer: Writer): Promise<void> {
    if (writer.sealedHead === undefined) return;
    try {
      await this.#pin.renew();
    } catch (error) {
      // The pin only remembers what was seen: without it the next start knows less, and nothing is lost.
      const { tenant } = this.#parts.data.mark;
      const line = { event: 'head_not_pinned', tenant, err: error };
      this.#parts.logger.warn(line, 'the head of the log could not be pinned');
    }
  }
}
