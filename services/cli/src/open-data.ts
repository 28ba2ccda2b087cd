import type { Broker, Topic } from '@countersign/broker';
import { openSqliteBroker } from '@countersign/broker-sqlite';
import { newUlid, verifySignature } from '@countersign/crypto-node';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import { found, readFounding } from '@countersign/ledger';
import type { NoteSigner } from '@countersign/tlog';
import type { Trust } from '@countersign/verify';
import { CliError } from './cli-error.ts';
import { dataError } from './data-error.ts';
import {
  createFolder,
  readIfThere,
  readMark,
  writePrivate,
  type DataFolder,
  type LedgerMark,
} from './data-folder.ts';
import { assertPrivateKeys, createKeys, openLogSigner, readLocalKeys } from './data-keys.ts';
import {
  assertAsFounded,
  foundingEntry,
  invitationOf,
  newInvitationLink,
  newMark,
} from './founding.ts';
import type { FoundingChoice } from './founding.ts';
import { tightenModes } from './folder-modes.ts';
import type { Narrator } from './narrator.ts';
import { readOwnTrust, trustDocument, writeTrust } from './trust-file.ts';

const FIRST_RECORDS = 100;
const RESTORE = 'restore broker.db from a backup; nothing in it was changed';
const TOPICS: readonly Topic[] = [
  'log',
  'intake',
  'content',
  'quarantine',
  'action-requested',
  'decision-made',
  'use-claimed',
  'execution-reported',
];

export interface OpenData {
  readonly folder: DataFolder;
  readonly mark: LedgerMark;
  readonly broker: Broker;
  readonly signer: NoteSigner;
  readonly trust: Trust;
  /** The log was founded by this very start. */
  readonly isNew: boolean;
}

export interface OpenDataParts {
  readonly choice: FoundingChoice;
  readonly narrator: Narrator;
  readonly nowMs: () => number;
  readonly randomBytes: (size: number) => Uint8Array;
}

/**
 * Opens a data folder, and founds its ledger when it holds none yet.
 *
 * Crash story: the mark is written first, then what is missing of keys and invitation, then the first batch, then the
 * trust file. Stopping anywhere leaves a folder that the next start goes on with; once the log holds its first entry,
 * nothing of this is ever made again.
 *
 * @throws CliError DATA_FOREIGN, DATA_DAMAGED, DATA_BUSY, DISK_FULL, KEY_FILE_PERMISSIONS, KEY_FILE_INVALID,
 * DATA_PERMISSIONS, DATA_OTHER_FOUNDING, LOG_ROLLBACK, FOREIGN_LEDGER
 */
export async function openData(folder: DataFolder, parts: OpenDataParts): Promise<OpenData> {
  const known = await readMark(folder);
  const mark = known ?? newMark(parts.choice, parts.nowMs());
  if (known === undefined) await createFolder(folder, mark);
  await assertPrivateKeys(folder);
  await tightenModes(folder, parts.narrator);
  const broker = await openBroker(folder, parts.nowMs);
  try {
    return { folder, mark, broker, ...(await openLog({ folder, mark, broker }, parts)) };
  } catch (error) {
    await broker.close();
    throw dataError(error, folder);
  }
}

async function openBroker(folder: DataFolder, clock: () => number): Promise<Broker> {
  try {
    return await openSqliteBroker({ path: folder.brokerFile, clock });
  } catch (error) {
    throw dataError(error, folder);
  }
}

type Opened = Pick<OpenData, 'folder' | 'mark' | 'broker'>;

async function openLog(
  opened: Opened,
  parts: OpenDataParts,
): Promise<Pick<OpenData, 'signer' | 'trust' | 'isNew'>> {
  const { folder, mark, broker } = opened;
  const pinned = await readOwnTrust(folder);
  const isEmpty = (await broker.end({ topic: 'log', partition: 0 })) === 0;
  if (isEmpty && pinned !== undefined) {
    throw new CliError('LOG_ROLLBACK', 'the log is empty, but trust.json knows its beginning', {
      hint: 'restore broker.db, or move trust.json away to found another ledger',
    });
  }
  await assertWholeTopics(opened);
  if (!isEmpty) await assertOwnLog(opened);
  if (isEmpty) await createKeys(folder, parts.randomBytes);
  const signer = await openLogSigner(folder, mark.origin);
  if (!isEmpty) await assertOwnFounding(opened, signer);
  if (pinned !== undefined) return { signer, trust: pinned, isNew: false };
  const trust = await foundLog(opened, { ...parts, signer });
  return { signer, trust, isNew: isEmpty };
}

/**
 * Each topic ends where the file says that it ends: a record that was taken from the end would else be missed only when the
 * next one is written.
 */
async function assertWholeTopics({ broker, folder }: Opened): Promise<void> {
  for (const topic of TOPICS) {
    const tp = { topic, partition: 0 };
    const end = await broker.end(tp);
    if (end === 0 || (await broker.read(tp, end - 1, 1)).length === 1) continue;
    const message = `${folder.brokerFile}: expected ${end} records of ${topic}, got fewer`;
    throw topic === 'log'
      ? new CliError('LOG_ROLLBACK', message, { hint: RESTORE })
      : new CliError('DATA_DAMAGED', message, { hint: RESTORE });
  }
}

async function assertOwnFounding({ broker, mark }: Opened, signer: NoteSigner): Promise<void> {
  const { origin } = mark;
  const logKeys = [signer.vkey];
  const entry = await readFounding({ broker, origin, logKeys, verifySignature });
  // Any other first entry is the writer's to refuse.
  if (entry?.type === 'ledger-founded') assertAsFounded(mark, entry);
}

/** Says early, and in plain words, that the file belongs to another ledger; the writer then checks every byte. */
async function assertOwnLog({ broker, mark, folder }: Opened): Promise<void> {
  const records = await broker.read({ topic: 'log', partition: 0 }, 0, FIRST_RECORDS);
  // Every batch names its log in plain text; no more than that is looked for here.
  const isOurs = records.some(({ value }) => Buffer.from(value ?? []).includes(mark.origin));
  if (isOurs) return;
  throw new CliError(
    'FOREIGN_LEDGER',
    `${folder.brokerFile}: expected the log of ${mark.origin}, got that of another ledger`,
  );
}

/** Founds the log, or finds that it was founded by a start that stopped before it had written the trust file. */
async function foundLog(
  { folder, mark, broker }: Opened,
  parts: OpenDataParts & { readonly signer: NoteSigner },
): Promise<Trust> {
  const { nowMs, signer } = parts;
  const link = await enrolmentLink(folder, mark);
  const keys = {
    ...(await readLocalKeys(folder)),
    logKey: signer.vkey,
    invitation: invitationOf(link),
  };
  const entry = foundingEntry(mark, keys, { nowMs: nowMs(), descriptors: BUILTIN_DESCRIPTORS });
  const { genesis } = await found({ broker, entry, epoch: newUlid(nowMs()), verifySignature });
  await writeTrust(folder, trustDocument(mark, { logKeys: entry.log_keys, genesis }));
  const trust = await readOwnTrust(folder);
  if (trust === undefined) throw new CliError('DATA_DAMAGED', 'trust.json went away');
  return trust;
}

async function enrolmentLink(folder: DataFolder, mark: LedgerMark): Promise<string> {
  const left = (await readIfThere(folder.enrolmentLink))?.trim();
  if (left !== undefined) return left;
  const link = newInvitationLink(mark, mark.founder);
  await writePrivate(folder.enrolmentLink, `${link}\n`);
  return link;
}
