import { dirname, join } from 'node:path';
import { mkdir } from 'node:fs/promises';
import type { CheckedTo, SeenHead } from '@countersign/audit';
import {
  CanonicalError,
  canonicalText,
  fromBase64,
  isJsonObject,
  parseStrict,
  toBase64,
  type Json,
  type JsonObject,
} from '@countersign/canonical';
import { readRegular } from './bounded-file.ts';
import { cliError, isSystemError } from './cli-error.ts';
import { writeWhole } from './data-folder.ts';

const VERSION = 'countersign.audit-state.v1';
const STATE_BYTES_MAX = 2_000_000;
const FILE_MODE = 0o644;
const FOLDER_MODE = 0o755;
const ROOT_BYTES = 32;

/** What an auditor remembers of a log: schemas/formats/audit.md §2. */
export interface AuditState {
  /** The head that was checked to its end last. */
  readonly seen?: SeenHead;
  /** How far the entries hold, by this trust file. */
  readonly checked?: CheckedTo & { readonly trust: string };
}

/** A state file of one log. */
export class AuditStateFile {
  readonly path: string;
  readonly #log: { readonly origin: string; readonly genesis: string };

  constructor(path: string, log: { readonly origin: string; readonly genesis: string }) {
    this.path = path;
    this.#log = log;
  }

  /** @throws CliError DATA_DAMAGED, FOREIGN_LEDGER */
  async read(): Promise<AuditState> {
    const bytes = await bytesAt(this.path);
    if (bytes === undefined) return {};
    const file = objectIn(bytes);
    const { v, origin, genesis, seen, checked, ...more } = file ?? {};
    if (v !== VERSION || Object.keys(more).length > 0) throw this.#damaged();
    if (origin !== this.#log.origin || genesis !== this.#log.genesis) {
      throw cliError('FOREIGN_LEDGER', `${this.path}: expected the state of an audit of this log`);
    }
    return {
      ...(seen !== undefined && { seen: this.#seen(seen) }),
      ...(checked !== undefined && { checked: this.#checked(checked) }),
    };
  }

  /** Whole or not at all, and on the disk when this resolves. */
  async write({ seen, checked }: AuditState): Promise<void> {
    const file: Json = {
      v: VERSION,
      origin: this.#log.origin,
      genesis: this.#log.genesis,
      ...(seen !== undefined && {
        seen: { size: seen.size, root: toBase64(seen.root), note: seen.note },
      }),
      ...(checked !== undefined && {
        checked: { size: checked.size, root: toBase64(checked.root), trust: checked.trust },
      }),
    };
    await mkdir(dirname(this.path), { recursive: true });
    await writeWhole(this.path, `${canonicalText(file)}\n`, FILE_MODE);
  }

  /** Two signed heads that no one log can have: nothing else proves it afterwards. */
  async keepConflict([held, offered]: readonly [string, string]): Promise<string> {
    const folder = `${this.path}.conflict`;
    await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
    await writeWhole(join(folder, 'held.checkpoint'), held, FILE_MODE);
    await writeWhole(join(folder, 'offered.checkpoint'), offered, FILE_MODE);
    return folder;
  }

  #seen(json: Json): SeenHead {
    const { size, root, note, ...more } = Object(json) as JsonObject;
    if (typeof note !== 'string' || Object.keys(more).length > 0) throw this.#damaged();
    return { ...this.#head(size, root), note };
  }

  #checked(json: Json): NonNullable<AuditState['checked']> {
    const { size, root, trust, ...more } = Object(json) as JsonObject;
    if (typeof trust !== 'string' || Object.keys(more).length > 0) throw this.#damaged();
    return { ...this.#head(size, root), trust };
  }

  #head(size: Json | undefined, root: Json | undefined): CheckedTo {
    const bytes = typeof root === 'string' ? rootIn(root) : undefined;
    const isPosition = typeof size === 'number' && Number.isSafeInteger(size) && size >= 0;
    if (!isPosition || bytes?.length !== ROOT_BYTES) throw this.#damaged();
    return { size, root: bytes };
  }

  #damaged(): Error {
    return cliError('DATA_DAMAGED', `${this.path}: expected the state of an audit`, {
      hint: 'take an earlier copy of it: without it, nobody knows which head was seen',
    });
  }
}

async function bytesAt(path: string): Promise<Uint8Array | undefined> {
  try {
    return (await readRegular(path, STATE_BYTES_MAX)) ?? new Uint8Array();
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function objectIn(bytes: Uint8Array): JsonObject | undefined {
  try {
    const json = parseStrict(bytes);
    return isJsonObject(json) ? json : undefined;
  } catch (error) {
    if (error instanceof CanonicalError) return undefined;
    throw error;
  }
}

function rootIn(text: string): Uint8Array | undefined {
  try {
    return fromBase64(text);
  } catch (error) {
    if (error instanceof CanonicalError) return undefined;
    throw error;
  }
}
