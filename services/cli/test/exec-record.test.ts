import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { ExecRecord, type RequestRecord } from '../src/exec-record.ts';
import { paramsOf } from '../src/prepared-command.ts';
import { codeOf } from './refusal.ts';
import { scratchFolder } from './scratch-folder.ts';

const ID = '01JDA5C8000000000000000001';

const REQUEST: RequestRecord = {
  v: 'countersign.exec-request.v1',
  action_id: ID,
  action: '{"params":{"argv":["echo"]}}',
  frame: '{}',
  keepsakes: { salts: { TOKEN: 'AAAA' }, stdin: '-' },
};

async function readBack(suffix: string, content: unknown): Promise<string> {
  const folder = await scratchFolder();
  await writeFile(join(folder, `${ID}${suffix}`), JSON.stringify(content));
  const part = suffix === '.json' ? 'request' : suffix === '.use.json' ? 'use' : 'report';
  return codeOf(() => new ExecRecord(folder, ID).read(part));
}

describe('a record of exec', () => {
  it('is read as it was written', async () => {
    const record = new ExecRecord(await scratchFolder(), ID);
    await record.create('request', REQUEST);
    expect(await record.read('request')).toEqual(REQUEST);
    expect(await record.read('use')).toBeUndefined();
  });

  it.each<[string, unknown]>([
    ['.json', null],
    ['.json', []],
    ['.json', { ...REQUEST, keepsakes: null }],
    ['.json', { ...REQUEST, keepsakes: {} }],
    ['.json', { ...REQUEST, keepsakes: { salts: { TOKEN: 1 } } }],
    ['.json', { ...REQUEST, keepsakes: { salts: {}, stdin: null } }],
    ['.json', { ...REQUEST, action: null }],
    ['.json', { ...REQUEST, action_id: '01JDA5C8000000000000000002' }],
    ['.use.json', { v: 'countersign.exec-use.v1', use_id: 'x', frame: '', claimed_at: '' }],
    ['.report.json', { v: 'countersign.exec-report.v1', result: 'perhaps', frame: '' }],
  ])('of another shape is damaged: %s %j', async (suffix, content) => {
    expect(await readBack(suffix, content)).toBe('DATA_DAMAGED');
  });

  it.each(['', 'null', '{}', '{"params":null}', '{"params":{"argv":[1]}}'])(
    'whose action is no command is damaged: %j',
    async (action) => {
      expect(await codeOf(() => paramsOf({ ...REQUEST, action }))).toBe('DATA_DAMAGED');
    },
  );

  it('that is a pipe is not waited for', async () => {
    const folder = await scratchFolder();
    await promisify(execFile)('mkfifo', [join(folder, `${ID}.json`)]);
    expect(await codeOf(() => new ExecRecord(folder, ID).read('request'))).toBe('DATA_DAMAGED');
  });
});
