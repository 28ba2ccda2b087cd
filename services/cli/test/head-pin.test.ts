import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { generateEd25519, parseEd25519, signEd25519 } from '@countersign/crypto-node';
import { openSqliteStore, type ReadModels } from '@countersign/store';
import {
  formatCheckpoint,
  formatVerifierKey,
  parseVerifierKey,
  signNote,
  type NoteSigner,
} from '@countersign/tlog';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dataFolder, type DataFolder } from '../src/data-folder.ts';
import { HeadPin, knownHead } from '../src/head-pin.ts';
import { headOf, writeOffered } from '../src/offered-head.ts';
import type { OpenData } from '../src/open-data.ts';
import { readOwnTrust } from '../src/trust-file.ts';
import { scratchFolder } from './scratch-folder.ts';

const ORIGIN = 'countersign.test/01JD3Z8Q4T0000000000000000/0';
const PINNED = { size: 5, root: new Uint8Array(32).fill(5) };
const ROOT = new Uint8Array(32).fill(9);

let store: ReadModels;
let folder: DataFolder;

beforeEach(async () => {
  folder = dataFolder(await scratchFolder());
  store = await openSqliteStore(join(folder.path, 'store.db'));
});

afterEach(async () => {
  await store.close();
});

function newSigner(name = ORIGIN): NoteSigner {
  const key = parseEd25519(generateEd25519().privateKeyPem);
  return {
    name,
    vkey: formatVerifierKey({ name, algorithm: 'ed25519', publicKey: key.publicKeySpki }),
    sign: (message) => Promise.resolve(signEd25519(key, message)),
  };
}

const OURS = newSigner();
const NEXT = newSigner();

/** What the trust file pins, and the keys that this machine has. */
function dataOf(pinned: typeof PINNED | undefined, signers = [OURS]): OpenData {
  const trust = {
    logKeys: [parseVerifierKey(OURS.vkey)],
    ...(pinned !== undefined && { pinnedHead: pinned }),
  };
  return { mark: { origin: ORIGIN }, folder, trust, signers } as unknown as OpenData;
}

function noteOf(size: number, signer: NoteSigner, origin = ORIGIN): Promise<string> {
  return signNote(formatCheckpoint({ origin, size, root: ROOT }), [signer]);
}

/** The read models say so, whoever wrote them. */
async function stored(size: number, signer: NoteSigner, origin = ORIGIN): Promise<void> {
  const note = await noteOf(size, signer, origin);
  await store.apply({ rows: [{ change: 'checkpoint', size, note }] });
}

describe('the head that a start pins', () => {
  it('is the newer one of the read models where a key of the log has signed it', async () => {
    await stored(9, OURS);
    expect(await knownHead(dataOf(PINNED), store)).toEqual({ size: 9, root: ROOT });
    expect(await knownHead(dataOf(undefined), store)).toEqual({ size: 9, root: ROOT });
  });

  it('is also one that a key of this machine has signed, which the trust file does not name', async () => {
    await stored(9, NEXT);
    expect(await knownHead(dataOf(PINNED, [OURS, NEXT]), store)).toEqual({ size: 9, root: ROOT });
  });

  it('is never one that somebody else has signed: the database is nobody to believe', async () => {
    const stranger = newSigner();
    await store.apply({
      rows: [
        {
          change: 'member-set',
          row: {
            ...{ kind: 'log-key', id: 'x', thumbprint: null, person: null, sinceIndex: 1 },
            text: JSON.stringify({ vkey: stranger.vkey }),
          },
        },
      ],
    });
    await stored(9, stranger);
    expect(await knownHead(dataOf(PINNED), store)).toEqual(PINNED);
    expect(await knownHead(dataOf(undefined), store)).toBeUndefined();
  });

  it.each([['another log', 'countersign.test/another/0']])(
    'is never one of %s',
    async (_, origin) => {
      await stored(9, newSigner(origin), origin);
      expect(await knownHead(dataOf(PINNED), store)).toEqual(PINNED);
    },
  );

  it('is the one that was offered to witnesses where that is newer', async () => {
    await stored(9, OURS);
    await writeOffered(folder, headOf(await noteOf(11, OURS)));
    expect(await knownHead(dataOf(PINNED), store)).toEqual({ size: 11, root: ROOT });
  });

  it('does not go back', async () => {
    await stored(3, OURS);
    expect(await knownHead(dataOf(PINNED), store)).toEqual(PINNED);
  });

  it('is none of a note that cannot be read', async () => {
    await store.apply({ rows: [{ change: 'checkpoint', size: 9, note: 'rubbish' }] });
    expect(await knownHead(dataOf(PINNED), store)).toEqual(PINNED);
  });
});

describe('the pin of a folder that several processes work with', () => {
  const GENESIS = `sha256:${'ab'.repeat(32)}`;

  async function folderOf(): Promise<DataFolder> {
    return dataFolder(await scratchFolder());
  }

  function pinOf(folder: ReturnType<typeof dataFolder>, size: number): HeadPin {
    const { mark, ...data } = dataOf(undefined);
    const trust = { ...data.trust, genesis: GENESIS };
    const whole = { ...data, mark: { ...mark, separation: 'solo' }, trust, folder };
    const head = { size, root: ROOT, logKeys: [OURS.vkey] };
    return new HeadPin(whole as unknown as OpenData, () => Promise.resolve(head));
  }

  it('is the newest, whoever writes last', async () => {
    const folder = await folderOf();
    const sizes = [7, 3, 8, 1, 6, 2, 5, 4];
    await Promise.all(sizes.map((size) => pinOf(folder, size).renew()));
    expect((await readOwnTrust(folder))?.pinnedHead?.size).toBe(8);
    expect(existsSync(`${folder.trustFile}.lock`)).toBe(false);
  });

  it('is left to the process that is at it, which the error names', async () => {
    const folder = await folderOf();
    await writeFile(`${folder.trustFile}.lock`, `${process.ppid} ${hostname()}\n`);
    await expect(pinOf(folder, 3).renew()).rejects.toMatchObject({
      code: 'DATA_BUSY',
      message: expect.stringContaining(`process ${process.ppid} on ${hostname()}`) as string,
    });
    expect(existsSync(folder.trustFile)).toBe(false);
  });

  it('does not wait for a process that is gone', async () => {
    const folder = await folderOf();
    const { pid } = spawnSync(process.execPath, ['--version']);
    await writeFile(`${folder.trustFile}.lock`, `${pid} ${hostname()}\n`);
    await pinOf(folder, 3).renew();
    expect((await readOwnTrust(folder))?.pinnedHead?.size).toBe(3);
  });
});
