import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AuditStateFile } from '../src/audit-state.ts';

const VECTORS = new URL('../../../test/vectors/audit/', import.meta.url);
const LOG = { origin: 'audited.test/1', genesis: `sha256:${'0'.repeat(64)}` };

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'audit-state-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function vectors(kind: 'valid' | 'invalid'): Promise<[string, unknown][]> {
  const at = new URL(`${kind}/`, VECTORS);
  const names = await readdir(at);
  return Promise.all(
    names.map(async (name): Promise<[string, unknown]> => {
      const text = await readFile(new URL(name, at), 'utf8');
      return [name, (JSON.parse(text) as { state: unknown }).state];
    }),
  );
}

async function fileOf(text: string, log = LOG): Promise<AuditStateFile> {
  const path = join(folder, 'state.json');
  await writeFile(path, text);
  return new AuditStateFile(path, log);
}

const VALID = await vectors('valid');
const INVALID = await vectors('invalid');

describe('the state of an audit', () => {
  it.each(VALID)('%s is read, and written again as it was', async (_, state) => {
    const file = await fileOf(JSON.stringify(state));
    await file.write(await file.read());
    expect(JSON.parse(await readFile(file.path, 'utf8'))).toEqual(state);
  });

  it.each(INVALID)('%s is DATA_DAMAGED', async (_, state) => {
    const file = await fileOf(JSON.stringify(state));
    await expect(file.read()).rejects.toMatchObject({ code: 'DATA_DAMAGED' });
  });

  it('of another log is FOREIGN_LEDGER; none is nothing seen; what is no JSON is DATA_DAMAGED', async () => {
    const [[, state] = []] = VALID;
    const foreign = await fileOf(JSON.stringify(state), { ...LOG, origin: 'other.test/1' });
    await expect(foreign.read()).rejects.toMatchObject({ code: 'FOREIGN_LEDGER' });
    expect(await new AuditStateFile(join(folder, 'none.json'), LOG).read()).toEqual({});
    const damaged = await fileOf('{');
    await expect(damaged.read()).rejects.toMatchObject({ code: 'DATA_DAMAGED' });
  });
});
