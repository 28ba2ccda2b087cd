import { canonicalText, formatTimestamp } from '@countersign/canonical';
import { LedgerError } from '@countersign/ledger';
import { CliError } from './cli-error.ts';
import { parseJsonFile, readIfThere, writePrivate, type DataFolder } from './data-folder.ts';

const VERSION = 'countersign.witness-alarm.v1';

/** What a witness knows, or this folder remembers, and the log contradicts. */
export interface WitnessAlarm {
  readonly code: 'LOG_ROLLBACK' | 'EQUIVOCATION';
  /** Name of the witness; null where the folder's own memory says it. */
  readonly witness: string | null;
  /** What was expected and got. */
  readonly detail: string;
  /** Signed notes of this log, the newest one first. */
  readonly notes: readonly string[];
}

/**
 * Keeps what a contradiction is known from, and gives the error that stops the shard. The file is written first: a process
 * that is started again must not seal before somebody has looked. docs/witnessing.md
 */
export async function raiseAlarm(
  folder: DataFolder,
  alarm: WitnessAlarm,
  nowMs: number,
): Promise<LedgerError> {
  const { code, witness, detail, notes } = alarm;
  const document = { v: VERSION, at: formatTimestamp(nowMs), code, witness, detail, notes };
  const options = { evidence: notes };
  try {
    await writePrivate(folder.alarmFile, `${canonicalText(document)}\n`);
    return new LedgerError(code, `${detail}; kept in ${folder.alarmFile}`, options);
  } catch (cause) {
    // It stops all the same: the next start hears of it again.
    return new LedgerError(code, `${detail}; it could not be kept`, { ...options, cause });
  }
}

/** @throws CliError LOG_ROLLBACK, EQUIVOCATION: as long as an alarm is kept in the folder */
export async function assertNoAlarm(folder: DataFolder): Promise<void> {
  const text = await readIfThere(folder.alarmFile);
  if (text === undefined) return;
  const { code, detail } = parseJsonFile(text, folder.alarmFile);
  const message = `${folder.alarmFile}: ${typeof detail === 'string' ? detail : 'a witness contradicts this log'}`;
  throw new CliError(code === 'EQUIVOCATION' ? code : 'LOG_ROLLBACK', message, {
    hint: 'bring back the newest copy of the folder; move the file away only when you know why it is there (docs/witnessing.md)',
  });
}
