import { join } from 'node:path';
import { BindingError, parseEntry, type Entry } from '@countersign/binding';
import { equalBytes, fromUtf8, toHex } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import {
  FiguresLog,
  PeriodLog,
  ReportError,
  type FiguresScope,
  type PlacedEntry,
  type ReportScope,
} from '@countersign/report';
import {
  CompactRange,
  KeyHistory,
  TILE_WIDTH,
  TlogError,
  formatTilePath,
  hashLeaf,
  parseEntryBundle,
  type OpenedCheckpoint,
} from '@countersign/tlog';
import { VerifyError, openHead, type Trust } from '@countersign/verify';
import { readRegular } from './bounded-file.ts';
import { CliError, cliError, isSystemError } from './cli-error.ts';
import { assertGenesis } from './log-export.ts';
import { BUNDLE_BYTES_MAX, NOTE_BYTES_MAX } from './log-folder.ts';

/** The head under which a report stands, by the pinned keys. @throws CliError LOG_KEY_UNKNOWN, CHECKPOINT_INVALID, EQUIVOCATION */
export async function openReportHead(note: string, trust: Trust): Promise<OpenedCheckpoint> {
  const keys = KeyHistory.founding(trust.logKeys.map(({ vkey }) => vkey));
  try {
    return await openHead(note, trust, { keys, verifySignature });
  } catch (error) {
    if (!(error instanceof VerifyError)) throw error;
    throw new CliError(error.code, `the head of the log: ${error.message}`, {
      cause: error,
      hint: 'after a rotation of the log key, use a trust file that names the new one',
    });
  }
}

interface ReportedHead {
  readonly trust: Trust;
  readonly head: OpenedCheckpoint;
}

/** @throws CliError the codes of foldLog */
export async function readPeriod(
  entries: AsyncIterable<Uint8Array>,
  scope: ReportScope,
  by: ReportedHead & { readonly casesMax?: number },
): Promise<PeriodLog> {
  const period = new PeriodLog(scope, by.casesMax);
  await foldLog(entries, by, (placed) => {
    period.note(placed);
  });
  return period;
}

/** @throws CliError the codes of foldLog */
export async function readFigures(
  entries: AsyncIterable<Uint8Array>,
  scope: FiguresScope,
  by: ReportedHead,
): Promise<FiguresLog> {
  const figures = new FiguresLog(scope);
  await foldLog(entries, by, ({ entry }) => {
    figures.note(entry);
  });
  return figures;
}

/**
 * Folds all entries under a signed head, from the first on. None of them counts before they have led to its root: so nobody can leave an action out of a
 * period, or put one in.
 *
 * @throws CliError FOREIGN_LEDGER, LOG_ROLLBACK, ROOT_MISMATCH, REPORT_TOO_LARGE, and the codes of entries
 */
async function foldLog(
  entries: AsyncIterable<Uint8Array>,
  { trust, head }: ReportedHead,
  fold: (placed: PlacedEntry) => void,
): Promise<void> {
  const { pinnedHead } = trust;
  const range = CompactRange.empty();
  if (pinnedHead !== undefined && pinnedHead.size > head.size) throw rolledBack(pinnedHead.size);
  for await (const bytes of entries) {
    const index = range.size;
    if (index === 0) assertGenesis(bytes, trust);
    const hash = hashLeaf(bytes);
    range.append(hash);
    note(fold, { index, leaf: `sha256:${toHex(hash)}`, entry: entryIn(bytes, index) });
    // One of the size of the head was compared with it already.
    const isPinned = range.size === pinnedHead?.size && range.size < head.size;
    if (isPinned && !equalBytes(range.root(), pinnedHead.root)) throw rolledBack(range.size);
  }
  if (range.size === head.size && equalBytes(range.root(), head.root)) return;
  throw new CliError('ROOT_MISMATCH', `expected the ${head.size} entries under the signed root`);
}

function note(fold: (placed: PlacedEntry) => void, placed: PlacedEntry): void {
  try {
    fold(placed);
  } catch (error) {
    if (!(error instanceof ReportError)) throw error;
    throw new CliError(error.code, error.message, {
      cause: error,
      hint: 'make several reports, each of a shorter period (--from, --to)',
    });
  }
}

function entryIn(bytes: Uint8Array, index: number): Entry {
  try {
    return parseEntry(bytes);
  } catch (error) {
    if (!(error instanceof BindingError)) throw error;
    throw new CliError(error.code, `entry ${index}: ${error.message}`, { cause: error });
  }
}

function rolledBack(size: number): CliError {
  return new CliError('LOG_ROLLBACK', `expected the pinned head of ${size} entries in the log`);
}

/** The checkpoint of a log folder: schemas/formats/log-folder.md. */
export async function folderCheckpoint(folder: string): Promise<string> {
  return fromUtf8(await fileIn(folder, 'checkpoint', NOTE_BYTES_MAX));
}

/** The entries of a log folder, a bundle at a time. @throws CliError DATA_DAMAGED */
export async function* folderEntries(folder: string, size: number): AsyncGenerator<Uint8Array> {
  for (let index = 0; index * TILE_WIDTH < size; index += 1) {
    const width = Math.min(TILE_WIDTH, size - index * TILE_WIDTH);
    const path = formatTilePath({ level: 'entries', index, width });
    yield* bundleOf(await fileIn(folder, path, BUNDLE_BYTES_MAX), width, path);
  }
}

function bundleOf(bytes: Uint8Array, width: number, path: string): readonly Uint8Array[] {
  try {
    return parseEntryBundle(bytes, width);
  } catch (error) {
    if (!(error instanceof TlogError)) throw error;
    throw cliError('DATA_DAMAGED', `${path}: ${error.message}`, { cause: error });
  }
}

async function fileIn(folder: string, name: string, bytesMax: number): Promise<Uint8Array> {
  const path = join(folder, name);
  try {
    const bytes = await readRegular(path, bytesMax);
    if (bytes !== undefined) return bytes;
  } catch (error) {
    if (!isSystemError(error, 'ENOENT', 'ENOTDIR', 'EACCES')) throw error;
    throw cliError('FILE_UNREADABLE', `expected a readable file of an exported log at ${path}`, {
      cause: error,
    });
  }
  throw cliError('DATA_DAMAGED', `${path}: expected a file of at most ${bytesMax} bytes`);
}
