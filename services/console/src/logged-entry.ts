import { BindingError, leafHash, leafOf, parseEntry, type Entry } from '@countersign/binding';
import { utf8, type Digest, type Json } from '@countersign/canonical';
import { TlogError, verifyTlogProof } from '@countersign/tlog';
import { integerIn, objectIn, objectOf, textIn } from './answer-json.ts';
import { ConsoleError } from './console-error.ts';
import type { LedgerPin } from './ledger-pin.ts';

/** An entry with its receipt, as the server says. */
export interface LoggedAnswer {
  readonly index: number;
  readonly leaf: string;
  readonly text: string;
  readonly receipt: string;
}

/** An entry that this page has read itself, and found in the log of the pinned ledger. */
export interface LoggedEntry {
  readonly entry: Entry;
  readonly index: number;
  readonly leaf: Digest;
  /** Size of the signed head that holds it. */
  readonly size: number;
}

/** Reads `{entry, receipt}`. @throws ConsoleError ANSWER_FORMAT */
export function parseLoggedAnswer(json: Json | undefined): LoggedAnswer {
  const from = objectOf(json);
  const entry = objectIn(from, 'entry');
  return {
    index: integerIn(entry, 'index'),
    leaf: textIn(entry, 'leaf'),
    text: textIn(entry, 'text'),
    receipt: textIn(from, 'receipt'),
  };
}

/**
 * Checks an entry against its receipt and the pinned keys of the log.
 *
 * @throws ConsoleError ADMISSION_MISMATCH when the text is not what its leaf hash says, NOT_LOGGED,
 * LOG_KEY_UNKNOWN, CHECKPOINT_INVALID, BROWSER_TOO_OLD
 */
export async function checkLogged(answer: LoggedAnswer, pin: LedgerPin): Promise<LoggedEntry> {
  const bytes = utf8(answer.text);
  const leaf = leafOf(bytes);
  if (leaf !== answer.leaf) {
    throw new ConsoleError('ADMISSION_MISMATCH', 'expected the text of the entry that is named');
  }
  const entry = entryOf(bytes);
  const { index, size } = await position(answer.receipt, leaf, pin);
  if (index !== answer.index) {
    throw new ConsoleError('NOT_LOGGED', `expected a receipt of entry ${answer.index}`);
  }
  return { entry, index, leaf, size };
}

function entryOf(bytes: Uint8Array): Entry {
  try {
    return parseEntry(bytes);
  } catch (error) {
    if (!(error instanceof BindingError)) throw error;
    throw new ConsoleError('ADMISSION_MISMATCH', 'expected an entry of a ledger', { cause: error });
  }
}

async function position(
  receipt: string,
  leaf: Digest,
  pin: LedgerPin,
): Promise<{ index: number; size: number }> {
  const { verifySignature } = pin;
  const { origin, logKeys: verifiers } = pin.trust;
  try {
    return await verifyTlogProof({
      text: receipt,
      leafHash: leafHash(leaf),
      origin,
      verifiers,
      verifySignature,
    });
  } catch (error) {
    if (!(error instanceof TlogError)) throw error;
    throw new ConsoleError(codeOf(error), error.message, { cause: error });
  }
}

/** As the verifier calls them: schemas/formats/evidence.md §6. */
function codeOf(error: TlogError): 'LOG_KEY_UNKNOWN' | 'CHECKPOINT_INVALID' | 'NOT_LOGGED' {
  if (error.code === 'NOTE_UNSIGNED') return 'LOG_KEY_UNKNOWN';
  const isOfHead = error.code.startsWith('CHECKPOINT') || error.code.startsWith('NOTE');
  return isOfHead ? 'CHECKPOINT_INVALID' : 'NOT_LOGGED';
}
