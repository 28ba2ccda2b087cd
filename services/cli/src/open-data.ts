import { BrokerError, type Broker, type Topic } from '@countersign/broker';
import { newUlid, verifySignature } from '@countersign/crypto-node';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import { found, readFounding, type Founded, type FoundingOptions } from '@countersign/ledger';
import type { Trust } from '@countersign/verify';
import type { Backends, LogSigner } from './backends.ts';
import { CliError, cliError } from './cli-error.ts';
import { backendsIn, backendsOf } from './data-backends.ts';
import { dataError, placeOf } from './data-error.ts';
import {
  createFolder,
  enrolmentLinks,
  foundersOf,
  readIfThere,
  readMark,
  requireMark,
  writePrivate,
  type DataFolder,
  type LedgerMark,
} from './data-folder.ts';
import { assertPrivateKeys, createKeys, readLocalKeys } from './data-keys.ts';
import {
  assertAsFounded,
  foundingEntry,
  invitationOf,
  newInvitationLink,
  newMark,
} from './founding.ts';
import type { FoundingChoice } from './founding.ts';
import { tightenModes } from './folder-modes.ts';
import type { CliContext } from './context.ts';
import type { Narrator } from './narrator.ts';
import { assertOwnLog, assertShard, RESTORE, type Opened } from './own-log.ts';
import { sleep } from './service.ts';
import { assertNoAlarm } from './witness-alarm.ts';
import { readOwnTrust, trustDocument, writeTrust } from './trust-file.ts';

const FOUND_WITHIN_MS = 30_000;
const FOUND_PAUSE_MS = 200;
const TOPICS: readonly Topic[] = [
  'log',
  'intake',
  'content',
  'quarantine',
  'action-requested',
  'decision-made',
  'use-claimed',
  'execution-reported',
  'finding-submitted',
];

/** A ledger that was founded, with the parts that every service of it needs. */
export interface FoundedData extends Opened {
  /** Verifier keys that the log was founded with. */
  readonly logKeys: readonly string[];
  readonly trust: Trust;
}

export interface OpenData extends FoundedData {
  /** Of all keys of the log that this machine has. */
  readonly signers: readonly LogSigner[];
  /** The log was founded by this very start. */
  readonly isNew: boolean;
}

export interface OpenParts extends Pick<CliContext, 'env' | 'nowMs' | 'randomBytes'> {
  readonly narrator: Narrator;
}

export interface OpenDataParts extends OpenParts {
  /** Without one, the folder has to hold a ledger. */
  readonly choice?: FoundingChoice;
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
  const { choice } = parts;
  const known = choice === undefined ? await requireMark(folder) : await readMark(folder);
  const mark = known ?? (choice === undefined ? undefined : newMark(choice, parts.nowMs()));
  if (mark === undefined) throw cliError('DATA_MISSING', 'expected a ledger to found');
  if (known === undefined) {
    if (choice?.cluster !== undefined) {
      await assertFoundable({ folder, mark }, parts, choice.cluster);
    }
    await createFolder(folder, mark);
  }
  if (choice?.cluster !== undefined) await writePrivate(folder.clusterFile, choice.cluster);
  return opening({ folder, mark }, parts, (opened) => openLog(opened, parts));
}

/**
 * Opens what a service needs that neither founds nor seals: no key of the log, and nothing is written.
 *
 * @throws CliError as openData, and NOT_FOUNDED
 */
export async function openFounded(folder: DataFolder, parts: OpenParts): Promise<FoundedData> {
  const mark = await requireMark(folder);
  return opening({ folder, mark }, parts, async (opened) => {
    const trust = await readOwnTrust(folder);
    if (trust !== undefined) {
      // On a cluster a service has rights on the topics that it works with, and no others.
      if (mark.tier === undefined) await assertWholeTopics(opened);
      await assertOwnLog(opened);
      const pinnedKeys = trust.logKeys.map(({ vkey }) => vkey);
      return { logKeys: await ownFoundingKeys(opened, pinnedKeys), trust };
    }
    throw new CliError('NOT_FOUNDED', `expected ${folder.trustFile}, found none`, {
      hint: 'found the ledger with `countersign init`',
    });
  });
}

/** Opens ledgers and starts something on them; whatever of it fails, none stays open. */
export async function startedOn<Data extends FoundedData, T>(
  folders: readonly [DataFolder, ...DataFolder[]],
  open: (folder: DataFolder) => Promise<Data>,
  start: (ledgers: readonly [Data, ...Data[]]) => Promise<T>,
): Promise<T> {
  const opened: Data[] = [];
  const opening = async (folder: DataFolder): Promise<Data> => {
    const data = await open(folder);
    opened.push(data);
    return data;
  };
  try {
    const [first, ...more] = folders;
    const ledgers: [Data, ...Data[]] = [await opening(first)];
    for (const folder of more) ledgers.push(await opening(folder));
    return await start(ledgers);
  } catch (error) {
    for (const { backends, broker } of opened) {
      backends.routing.close();
      await broker.close();
    }
    throw error;
  }
}

type MarkedFolder = Pick<Opened, 'folder' | 'mark'>;

async function opening<More>(
  at: MarkedFolder,
  parts: OpenParts,
  more: (opened: Opened) => Promise<More>,
): Promise<Opened & More> {
  const { folder, mark } = at;
  await assertPrivateKeys(folder, mark);
  await tightenModes(folder, parts.narrator);
  const backends = await backendsOf(folder, mark, parts);
  const broker = await openedBroker(at, backends);
  try {
    const opened = { ...at, backends, broker };
    await assertShard(opened);
    return { ...opened, ...(await more(opened)) };
  } catch (error) {
    await broker.close();
    backends.routing.close();
    throw dataError(error, placeOf(at));
  }
}

async function openedBroker(at: MarkedFolder, backends: Backends): Promise<Broker> {
  try {
    return await backends.openBroker();
  } catch (error) {
    backends.routing.close();
    throw dataError(error, placeOf(at));
  }
}

/**
 * Everything that a founding needs on a cluster answers, and would take it. Nothing is written before: what the mark of a folder
 * says is fixed, and whoever got an option wrong is to try again with the same folder.
 */
async function assertFoundable(
  at: MarkedFolder,
  parts: OpenDataParts,
  cluster: string,
): Promise<void> {
  const { folder, mark } = at;
  const backends = await backendsIn(cluster, folder, { mark, context: parts });
  const broker = await openedBroker(at, backends);
  try {
    const opened = { ...at, backends, broker };
    await assertShard(opened);
    const end = await broker.end({ topic: 'log', partition: mark.shard });
    if (end > 0) await assertOwnLog(opened);
    await backends.openSigners();
    await backends.checkStore?.();
  } catch (error) {
    throw dataError(error, placeOf(at));
  } finally {
    await broker.close();
    backends.routing.close();
  }
}

async function openLog(
  opened: Opened,
  parts: OpenDataParts,
): Promise<Pick<OpenData, 'signers' | 'logKeys' | 'trust' | 'isNew'>> {
  const { folder, mark, backends, broker } = opened;
  await assertNoAlarm(folder);
  const pinned = await readOwnTrust(folder);
  const isEmpty = (await broker.end({ topic: 'log', partition: mark.shard })) === 0;
  if (isEmpty && pinned !== undefined) {
    throw new CliError('LOG_ROLLBACK', 'the log is empty, but trust.json knows its beginning', {
      hint: 'restore the topics, or move trust.json away to found another ledger',
    });
  }
  await assertWholeTopics(opened);
  if (!isEmpty) await assertOwnLog(opened);
  if (isEmpty) {
    await backends.checkStore?.();
    await createKeys(folder, parts.randomBytes);
    await backends.createLogKey();
  }
  const signers = await backends.openSigners();
  const ownKeys = signers.map(({ vkey }) => vkey);
  const logKeys = isEmpty ? ownKeys : await ownFoundingKeys(opened, ownKeys);
  if (pinned !== undefined) return { signers, logKeys, trust: pinned, isNew: false };
  const trust = await foundLog(opened, { ...parts, logKeys });
  return { signers, logKeys, trust, isNew: isEmpty };
}

/**
 * Each topic ends where the file says that it ends: a record that was taken from the end would else be missed only when the
 * next one is written.
 */
async function assertWholeTopics(opened: Opened): Promise<void> {
  const { broker, mark } = opened;
  for (const topic of TOPICS) {
    const tp = { topic, partition: mark.shard };
    const end = await broker.end(tp);
    if (end === 0 || (await broker.read(tp, end - 1, 1)).length === 1) continue;
    const message = `${placeOf(opened).brokerFile}: expected ${end} records of ${topic}, got fewer`;
    throw topic === 'log'
      ? new CliError('LOG_ROLLBACK', message, { hint: RESTORE })
      : new CliError('DATA_DAMAGED', message, { hint: RESTORE });
  }
}

/** The keys that the log was founded with; that its first entry is the pinned one, the writer sees to. */
async function ownFoundingKeys(
  { broker, mark }: Opened,
  logKeys: readonly string[],
): Promise<readonly string[]> {
  const { origin } = mark;
  const entry = await readFounding({
    broker,
    origin,
    logKeys,
    verifySignature,
    partition: mark.shard,
  });
  // Any other first entry is the writer's to refuse.
  if (entry?.type !== 'ledger-founded') return logKeys;
  assertAsFounded(mark, entry);
  return entry.log_keys;
}

/** Founds the log, or finds that it was founded by a start that stopped before it had written the trust file. */
async function foundLog(
  { folder, mark, broker }: Opened,
  parts: OpenDataParts & { readonly logKeys: readonly string[] },
): Promise<Trust> {
  const { nowMs, logKeys } = parts;
  const links: string[] = [];
  for (const [index, path] of enrolmentLinks(folder, mark).entries()) {
    links.push(await enrolmentLink(path, mark, foundersOf(mark)[index] ?? ''));
  }
  const keys = {
    ...(await readLocalKeys(folder)),
    logKeys,
    invitations: links.map(invitationOf),
  };
  const entry = foundingEntry(mark, keys, { nowMs: nowMs(), descriptors: BUILTIN_DESCRIPTORS });
  const { genesis } = await foundPatiently(
    { broker, entry, epoch: newUlid(nowMs()), verifySignature, partition: mark.shard },
    nowMs,
  );
  await writeTrust(folder, trustDocument(mark, { logKeys, genesis }));
  const trust = await readOwnTrust(folder);
  if (trust === undefined) throw new CliError('DATA_DAMAGED', 'trust.json went away');
  return trust;
}

/** The same entry again is the same genesis, whatever became of the one before: a broker that has just started needs some tries. */
async function foundPatiently(options: FoundingOptions, nowMs: () => number): Promise<Founded> {
  const untilMs = nowMs() + FOUND_WITHIN_MS;
  for (;;) {
    try {
      return await found(options);
    } catch (error) {
      const isPassing = error instanceof BrokerError && error.kind !== 'fatal';
      if (!isPassing || nowMs() > untilMs) throw error;
      await sleep(FOUND_PAUSE_MS);
    }
  }
}

/** What is there already stays: a start that stopped may have founded the log with it. */
async function enrolmentLink(path: string, mark: LedgerMark, person: string): Promise<string> {
  const left = (await readIfThere(path))?.trim();
  if (left !== undefined) return left;
  const link = newInvitationLink(mark, person);
  await writePrivate(path, `${link}\n`);
  return link;
}
