import { copyFile, mkdir } from 'node:fs/promises';
import { openArrival } from '@countersign/audit';
import { statementText, type ArrivalPromise } from '@countersign/binding';
import { formatTimestamp } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import type { PromiseKey } from '@countersign/gateway';
import { SignerError, parseVerifierKey, signNote } from '@countersign/tlog';
import { describe, expect, it } from 'vitest';
import { noteSigner } from '../../../test/support/note-key.ts';
import { dataFolder, type DataFolder } from '../src/data-folder.ts';
import { certifyPromiseKey, filedPromiseKey, ownPromiseKey } from '../src/promise-key.ts';
import { scratchFolder } from './scratch-folder.ts';

const ORIGIN = 'ledger.test/1';
const DAY_MS = 86_400_000;
const log = noteSigner(ORIGIN);

let now = Date.UTC(2026, 10, 29);
const at = { origin: ORIGIN, nowMs: () => now };

/** Whether somebody who knows the key of the log takes what this key promises of what has arrived then. */
async function promises(
  key: PromiseKey | undefined,
  arrivedMs: number = now,
): Promise<ArrivalPromise> {
  if (key === undefined) throw new Error('expected a key');
  const text = statementText({
    v: 'countersign.promise.v1',
    ledger: ORIGIN,
    tenant: 'acme',
    kind: 'finding',
    input: `sha256:${'1'.repeat(64)}`,
    subject: `sha256:${'2'.repeat(64)}`,
    sender: 'agent deployer',
    arrived_at: formatTimestamp(arrivedMs),
    logged_by: formatTimestamp(now),
  });
  const { signer, certificate } = key;
  const promise = await signNote(text, [signer]);
  const logKeys = [parseVerifierKey(log.vkey)];
  const arrival = { v: 'countersign.arrival.v1', promise, certificate } as const;
  return openArrival(arrival, { origin: ORIGIN, logKeys, verifySignature });
}

async function folder(): Promise<DataFolder> {
  const made = dataFolder(await scratchFolder());
  await mkdir(made.keysFolder);
  return made;
}

describe('a key that promises arrivals', () => {
  it('of a process is let promise by the log’s keys, once, and again before its time is over', async () => {
    let asked = 0;
    const counted = {
      ...log,
      sign: (message: Uint8Array) => {
        asked += 1;
        return log.sign(message);
      },
    };
    const key = ownPromiseKey([counted], at);
    const first = await key();
    await promises(first);
    now += 5 * DAY_MS;
    expect(await key()).toBe(first);
    now += 2 * DAY_MS;
    await promises(await key());
    expect(asked).toBe(2);
  });

  it('promises what had arrived before it was made', async () => {
    const arrivedMs = now;
    const slow = { origin: ORIGIN, nowMs: () => (now += 1_000) };
    await promises(await ownPromiseKey([log], slow)(), arrivedMs);
  });

  it('is asked for again after the key of the log was away', async () => {
    let isAway = true;
    const away = new SignerError('SIGNER_UNAVAILABLE', 'away');
    const sign = (message: Uint8Array): Promise<Uint8Array> =>
      isAway ? Promise.reject(away) : log.sign(message);
    const key = ownPromiseKey([{ ...log, sign }], at);
    await expect(key()).rejects.toThrow(away);
    isAway = false;
    await promises(await key());
  });

  it('of a data folder promises while its certificate holds, and with one that is renewed', async () => {
    const where = await folder();
    const none = filedPromiseKey(where, at);
    expect(await none()).toBeUndefined();
    const made = await certifyPromiseKey(where, [log], { ...at, days: 2 });
    expect(await none()).toBeUndefined();
    now += 60_000;
    await promises(await none());
    now += 2 * DAY_MS;
    expect(await none()).toBeUndefined();
    const renewed = await certifyPromiseKey(where, [log], { ...at, days: 2 });
    expect(renewed.keyFile).toBe(made.keyFile);
    now += 60_000;
    await promises(await none());
  });

  it('promises nothing with the certificate of another key', async () => {
    const [one, other] = [await folder(), await folder()];
    await certifyPromiseKey(one, [log], { ...at, days: 2 });
    const made = await certifyPromiseKey(other, [log], { ...at, days: 2 });
    await copyFile(made.certificateFile, `${one.keysFolder}/promises.certificate`);
    expect(await filedPromiseKey(one, at)()).toBeUndefined();
  });
});
