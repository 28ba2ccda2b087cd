import { SnapshotError, type SqliteSnapshots, type Writer } from '@countersign/ledger';
import type { Logger } from 'pino';

/** Says once why the next start will take longer than it could. */
export class SnapshotWatch {
  readonly #writer: Writer;
  readonly #snapshots: SqliteSnapshots;
  readonly #logger: Logger;
  #said: string | undefined;

  constructor(writer: Writer, snapshots: SqliteSnapshots, logger: Logger) {
    this.#writer = writer;
    this.#snapshots = snapshots;
    this.#logger = logger;
  }

  look(): void {
    const { notUsed, notKept } = this.#writer.status.snapshot;
    const code = notKept ?? notUsed;
    if (code !== undefined && code !== this.#said) {
      this.#logger.warn(
        { event: 'no_snapshot', code },
        'no snapshot of the log; nothing is lost but time at a start',
      );
    }
    this.#said = code;
  }

  /** After the writer has stopped. */
  async close(): Promise<void> {
    this.look();
    try {
      await this.#snapshots.close();
    } catch (error) {
      if (!(error instanceof SnapshotError)) throw error;
      this.#logger.warn(
        { event: 'snapshot_not_closed', code: error.code },
        'the snapshot could not be closed',
      );
    }
  }
}
