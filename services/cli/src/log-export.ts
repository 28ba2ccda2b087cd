import { equalBytes, fromBase64, toHex, utf8, type Json } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import type { LedgerClient } from '@countersign/sdk';
import {
  TlogError,
  hashLeaf,
  openCheckpoint,
  verifyConsistency,
  type TileEdge,
} from '@countersign/tlog';
import type { Trust } from '@countersign/verify';
import { CliError, cliError } from './cli-error.ts';
import { entryPage } from './log-entries.ts';
import { LogFolder, type Head } from './log-folder.ts';

/** Of the largest entries an answer has 10 MiB, and the client takes 16. */
const ENTRIES_A_PAGE = 128;

export interface LogExport {
  readonly path: string;
  readonly from: number;
  readonly size: number;
  readonly files: number;
}

/**
 * Writes the log into a folder, or what is new of it into one that holds its beginning. Nothing is believed: the entries that are
 * given have to lead to the head that the folder has, and on to the one that is signed.
 *
 * Crash story: tiles are written before the checkpoint that counts them, each file whole or not at all. Stopping anywhere leaves a
 * folder whose checkpoint holds, and tiles that the next export writes again, to the same bytes.
 *
 * @throws CliError LOG_ROLLBACK, EQUIVOCATION, FOREIGN_LEDGER, DATA_FOREIGN, DATA_DAMAGED, ANSWER_INVALID, DISK_FULL
 */
export async function exportLog(
  path: string,
  { client, trust }: { readonly client: LedgerClient; readonly trust: Trust },
): Promise<LogExport> {
  const folder = await LogFolder.open(path, trust);
  const head = await newestHead(client, trust);
  const from = folder.head?.size ?? 0;
  await assertNoConflict(folder, head);
  const key = head.signers[0]?.verifier.vkey;
  if (key === undefined)
    throw cliError('ANSWER_INVALID', 'expected a head that the log has signed');
  await folder.writeKey(key);
  const edge = await folder.edge();
  let files = 0;
  for await (const entry of entriesOf(client, edge.size, head.size)) {
    if (edge.size === 0) assertGenesis(entry, trust);
    for (const tile of edge.append(entry)) {
      await folder.writeTile(tile);
      files += 1;
    }
    if (edge.size === from) await assertContinues(edge, { client, folder, head });
  }
  if (!equalBytes(edge.root(), head.root)) {
    throw cliError('ANSWER_INVALID', `expected the ${head.size} entries under the signed head`);
  }
  for (const tile of edge.partial()) {
    await folder.writeTile(tile);
    files += 1;
  }
  await folder.writeCheckpoint(head.note, head.size);
  return { path: folder.path, from, size: head.size, files };
}

async function newestHead(client: LedgerClient, trust: Trust): Promise<Head> {
  const note = await client.getText('/v1/log/checkpoint');
  const { origin, logKeys: verifiers } = trust;
  try {
    return await openCheckpoint(note, { origin, verifiers, verifySignature });
  } catch (error) {
    if (!(error instanceof TlogError)) throw error;
    throw new CliError(error.code, `the newest head: ${error.message}`, {
      cause: error,
      hint: 'after a rotation of the log key, use a trust file that names the new one',
    });
  }
}

/** What two signed heads say by themselves. */
async function assertNoConflict(folder: LogFolder, head: Head): Promise<void> {
  const held = folder.head;
  if (held === undefined || held.size < head.size) return;
  if (held.size > head.size) {
    const message = `the folder has the head of ${held.size} entries, the log ends at ${head.size}`;
    throw await conflict('LOG_ROLLBACK', message, { folder, held, head });
  }
  if (equalBytes(held.root, head.root)) return;
  const message = `the log has signed two roots of ${head.size} entries`;
  throw await conflict('EQUIVOCATION', message, { folder, held, head });
}

/** The entries up to the head of the folder have led to its root; else whoever is wrong is told apart by a proof. */
async function assertContinues(
  edge: TileEdge,
  parts: { readonly client: LedgerClient; readonly folder: LogFolder; readonly head: Head },
): Promise<void> {
  const { client, folder, head } = parts;
  const held = folder.head;
  if (held === undefined || equalBytes(edge.root(), held.root)) return;
  if (await isConsistent(client, held, head)) {
    throw cliError('DATA_DAMAGED', `${folder.path}: its tiles do not lead to its checkpoint`, {
      hint: 'export into an empty folder',
    });
  }
  const message = `the log has other entries than those under the folder's head of ${held.size}`;
  throw await conflict('LOG_ROLLBACK', message, { folder, held, head });
}

async function isConsistent(client: LedgerClient, held: Head, head: Head): Promise<boolean> {
  const { hashes } = await proofOf(client, held, head);
  const proof = Array.isArray(hashes) ? (hashes as readonly Json[]) : [null];
  if (!proof.every((hash) => typeof hash === 'string')) {
    throw cliError('ANSWER_INVALID', 'expected the hashes of a proof');
  }
  try {
    verifyConsistency({
      from: held.size,
      to: head.size,
      fromRoot: held.root,
      toRoot: head.root,
      proof: proof.map((hash) => fromBase64(hash)),
    });
    return true;
  } catch (error) {
    if (error instanceof TlogError) return false;
    throw error;
  }
}

/** A log that has no signed head of the folder's size is not the one that signed it: no proof, and so no hashes. */
async function proofOf(
  client: LedgerClient,
  held: Head,
  head: Head,
): Promise<Readonly<Record<string, Json>>> {
  try {
    return await client.getObject(`/v1/log/consistency?from=${held.size}&to=${head.size}`);
  } catch (error) {
    if (error instanceof CliError && error.code === 'SIZE_NOT_PUBLISHED') return { hashes: [] };
    throw error;
  }
}

async function conflict(
  code: 'LOG_ROLLBACK' | 'EQUIVOCATION',
  message: string,
  parts: { readonly folder: LogFolder; readonly held: Head; readonly head: Head },
): Promise<CliError> {
  const { folder, held, head } = parts;
  const kept = await folder.keepConflict(held.note, head.note);
  return new CliError(code, message, {
    hint: `both signed heads are in ${kept}: keep them, they prove it`,
  });
}

/** Entries as the server sends them, in their order. @throws CliError ANSWER_INVALID */
export async function* entriesOf(
  client: LedgerClient,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array> {
  for (let next = start; next < end;) {
    const limit = Math.min(ENTRIES_A_PAGE, end - next);
    const { entries } = await entryPage(client, { start: next, limit });
    if (entries.length !== limit) {
      throw cliError('ANSWER_INVALID', `expected ${limit} entries of the log from ${next} on`);
    }
    for (const { index, text } of entries) {
      if (index !== next) throw cliError('ANSWER_INVALID', `expected entry ${next} of the log`);
      yield utf8(text);
      next += 1;
    }
  }
}

/** @throws CliError FOREIGN_LEDGER */
export function assertGenesis(entry: Uint8Array, trust: Trust): void {
  if (`sha256:${toHex(hashLeaf(entry))}` === trust.genesis) return;
  throw cliError('FOREIGN_LEDGER', 'expected the first entry that the trust file names');
}
