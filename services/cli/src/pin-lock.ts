import { readFile, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { CliError, cliError, isSystemError } from './cli-error.ts';
import { createPrivate, type DataFolder } from './data-folder.ts';

const WAIT_MS = 5_000;
const PAUSE_MS = 20;
/** Nobody is at it for longer: it is a file of some hundred bytes. */
const LEFT_AFTER_MS = 10_000;

/**
 * Lets one process at a time read and write the pin of a folder that several work with: of two that did so at once, the one that
 * has seen less could write last, and the pin would go back.
 *
 * Crash story: a lock that was left is taken by whoever finds its process gone, or the lock old. Two who find that at
 * once may both go on; the pin is then as if there were no lock, and the next renewal mends it.
 *
 * @throws CliError DATA_BUSY: it names who holds it
 */
export async function withPinLock(folder: DataFolder, work: () => Promise<void>): Promise<void> {
  const path = `${folder.trustFile}.lock`;
  await locked(path);
  try {
    await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function locked(path: string): Promise<void> {
  const untilMs = Date.now() + WAIT_MS;
  for (;;) {
    try {
      await createPrivate(path, `${process.pid} ${hostname()}\n`);
      return;
    } catch (error) {
      if (!(error instanceof CliError) || error.code !== 'FILE_EXISTS') throw error;
      const holder = await holderOf(path);
      if (holder?.isGone === true) await rm(path, { force: true });
      else if (holder !== undefined && Date.now() > untilMs) throw busy(path, holder, error);
      else await delay(PAUSE_MS);
    }
  }
}

interface Holder {
  readonly pid: string;
  readonly host: string;
  readonly isGone: boolean;
}

/** Undefined once nobody holds it. */
async function holderOf(path: string): Promise<Holder | undefined> {
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
    const [pid = 'unknown', host = 'unknown'] = text.trim().split(' ');
    const isHere = host === hostname() && /^[1-9]\d{0,9}$/.test(pid);
    const isGone = Date.now() - mtimeMs > LEFT_AFTER_MS || (isHere && !isAlive(Number(pid)));
    return { pid, host, isGone };
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Somebody else's lives too.
    return !isSystemError(error, 'ESRCH');
  }
}

function busy(path: string, { pid, host }: Holder, cause: Error): CliError {
  const message = `${path}: expected to write the pin of this folder, but process ${pid} on ${host} is at it`;
  return cliError('DATA_BUSY', message, {
    cause,
    hint: 'give each machine a folder of its own, with the same ledger.json, trust.json and cluster.json (docs/cluster.md)',
  });
}
