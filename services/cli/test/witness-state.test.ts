import { readFile, readdir, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { dataFolder, type DataFolder } from '../src/data-folder.ts';
import { readOffered, writeOffered } from '../src/offered-head.ts';
import { assertNoAlarm, raiseAlarm } from '../src/witness-alarm.ts';
import { scratchFolder } from './scratch-folder.ts';

const VECTORS = new URL('../../../test/vectors/witness-state/', import.meta.url);

interface Offered {
  readonly note?: string;
}

async function vectors(kind: 'valid' | 'invalid'): Promise<[string, Offered][]> {
  const at = new URL(`${kind}/`, VECTORS);
  return Promise.all(
    (await readdir(at)).map(async (name): Promise<[string, Offered]> => {
      const text = await readFile(new URL(name, at), 'utf8');
      return [name, (JSON.parse(text) as { state: Offered }).state];
    }),
  );
}

async function folderWith(state: Offered): Promise<DataFolder> {
  const folder = dataFolder(await scratchFolder());
  await writeFile(folder.offeredFile, JSON.stringify(state));
  return folder;
}

const VALID = await vectors('valid');
const INVALID = await vectors('invalid');

describe('the head that was offered', () => {
  it.each(VALID)('%s is read, and written again as it was', async (_, state) => {
    const folder = await folderWith(state);
    const head = await readOffered(folder);
    if (head === undefined) throw new Error('expected a head');
    expect(head).toMatchObject({ size: 7, note: state.note });
    await writeOffered(folder, head);
    expect(JSON.parse(await readFile(folder.offeredFile, 'utf8'))).toEqual(state);
  });

  it.each(INVALID)('%s is DATA_DAMAGED', async (_, state) => {
    const folder = await folderWith(state);
    await expect(readOffered(folder)).rejects.toMatchObject({ code: 'DATA_DAMAGED' });
  });

  it('is none where nothing was offered', async () => {
    expect(await readOffered(dataFolder(await scratchFolder()))).toBeUndefined();
  });
});

describe('an alarm', () => {
  const ALARM = {
    code: 'EQUIVOCATION',
    witness: 'witness.example/w1',
    detail: 'expected one root, got another',
    notes: ['one\n', 'other\n'],
  } as const;

  it('is kept with what it is known from, and stops every start until it is moved away', async () => {
    const folder = dataFolder(await scratchFolder());
    await assertNoAlarm(folder);
    const error = await raiseAlarm(folder, ALARM, Date.UTC(2026, 10, 29, 10));
    expect(error.code).toBe('EQUIVOCATION');
    expect(JSON.parse(await readFile(folder.alarmFile, 'utf8'))).toEqual({
      v: 'countersign.witness-alarm.v1',
      at: '2026-11-29T10:00:00.000Z',
      ...ALARM,
    });
    await expect(assertNoAlarm(folder)).rejects.toMatchObject({ code: 'EQUIVOCATION' });
  });

  it('stops a start whatever the file says', async () => {
    const folder = dataFolder(await scratchFolder());
    await writeFile(folder.alarmFile, '{"code":"NOTHING"}');
    await expect(assertNoAlarm(folder)).rejects.toMatchObject({ code: 'LOG_ROLLBACK' });
    await writeFile(folder.alarmFile, 'no JSON');
    await expect(assertNoAlarm(folder)).rejects.toMatchObject({ code: 'DATA_DAMAGED' });
  });
});
