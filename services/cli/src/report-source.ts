import { join } from 'node:path';
import type { LedgerPin } from '@countersign/console';
import { utf8 } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import type { LedgerClient } from '@countersign/sdk';
import type { OpenedCheckpoint } from '@countersign/tlog';
import type { Trust } from '@countersign/verify';
import { readBounded } from './bounded-file.ts';
import { reviewHere, type ReviewHere } from './checked-review.ts';
import { CliError, cliError, isSystemError } from './cli-error.ts';
import { entriesOf } from './log-export.ts';
import { folderCheckpoint, folderEntries, openReportHead } from './report-log.ts';

const EVIDENCE_BYTES_MAX = 8_388_608;

/** Where a report takes the log and the content from. Nothing that it gives is believed. */
export interface ReportSource {
  readonly head: OpenedCheckpoint;
  entries(): AsyncIterable<Uint8Array>;
  /** As it is kept or served; undefined where there is none. */
  evidence(actionId: string): Promise<Uint8Array | undefined>;
  /** Of an action that has no evidence, checked against its admission. @throws CliError CONTENT_ERASED, … */
  review(actionId: string): Promise<ReviewHere | undefined>;
}

/** A ledger that answers. */
export async function ledgerSource(
  client: LedgerClient,
  trust: Trust,
  tenant: string,
): Promise<ReportSource> {
  const head = await openReportHead(await client.getText('/v1/log/checkpoint'), trust);
  const logKeys = trust.logKeys.map(({ vkey }) => vkey);
  const pin: LedgerPin = { trust, logKeys, verifySignature };
  return {
    head,
    entries: () => entriesOf(client, 0, head.size),
    evidence: async (actionId) => {
      try {
        return utf8(await client.evidence(actionId));
      } catch (error) {
        if (error instanceof CliError && error.code === 'NOT_FOUND') return undefined;
        throw error;
      }
    },
    review: (actionId) => reviewHere(actionId, { client, tenant, pin }),
  };
}

/** An exported log, with the evidence files that somebody has kept. */
export async function folderSource(
  folder: string,
  trust: Trust,
  evidence: string | undefined,
): Promise<ReportSource> {
  const head = await openReportHead(await folderCheckpoint(folder), trust);
  return {
    head,
    entries: () => folderEntries(folder, head.size),
    evidence: async (actionId) =>
      evidence === undefined ? undefined : keptEvidence(join(evidence, `${actionId}.json`)),
    review: () => Promise.resolve(undefined),
  };
}

async function keptEvidence(path: string): Promise<Uint8Array | undefined> {
  try {
    const bytes = await readBounded(path, EVIDENCE_BYTES_MAX);
    if (bytes !== undefined) return bytes;
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return undefined;
    if (!isSystemError(error, 'EACCES', 'EISDIR')) throw error;
    throw cliError('FILE_UNREADABLE', `expected readable evidence at ${path}`, { cause: error });
  }
  throw cliError('FILE_TOO_LARGE', `expected evidence of at most 8 MiB at ${path}`);
}
