import { canonicalText } from '@countersign/canonical';
import { parseCheckpoint, parseNote, TlogError, type Checkpoint } from '@countersign/tlog';
import { cliError } from './cli-error.ts';
import { parseJsonFile, readIfThere, writePrivate, type DataFolder } from './data-folder.ts';

const VERSION = 'countersign.offered.v1';

/** A head of the log, with its signed note. */
export interface NotedHead extends Pick<Checkpoint, 'size' | 'root'> {
  readonly note: string;
}

/** What a note says. Nothing is verified. @throws TlogError NOTE_MALFORMED, CHECKPOINT_FORMAT */
export function headOf(note: string): NotedHead {
  const { size, root } = parseCheckpoint(parseNote(note).text);
  return { size, root, note };
}

/** The newest head that this folder has offered to witnesses. @throws CliError DATA_DAMAGED */
export async function readOffered(folder: DataFolder): Promise<NotedHead | undefined> {
  const text = await readIfThere(folder.offeredFile);
  if (text === undefined) return undefined;
  const { v, note } = parseJsonFile(text, folder.offeredFile);
  try {
    if (v === VERSION && typeof note === 'string') return headOf(note);
  } catch (error) {
    if (!(error instanceof TlogError)) throw error;
  }
  throw cliError('DATA_DAMAGED', `${folder.offeredFile}: expected the head that was offered`);
}

/**
 * To be done before the head is offered. Stopping in between leaves a head that nobody was asked to cosign, and that the next
 * start offers; the other way round, what a witness holds could be forgotten here.
 */
export async function writeOffered(folder: DataFolder, { note }: NotedHead): Promise<void> {
  await writePrivate(folder.offeredFile, `${canonicalText({ v: VERSION, note })}\n`);
}
