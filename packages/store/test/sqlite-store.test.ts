import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openDatabase, type Row, type Statement } from '@countersign/sqlite';
import { openSqliteStore, type ReadModels } from '@countersign/store';
import { readModelsContract } from '@countersign/store/testing';
import { expect, it } from 'vitest';
import { APPLICATION_ID, SCHEMA, SCHEMA_VERSION } from '../src/schema.ts';

const folders = new Map<ReadModels, string>();

async function openIn(folder: string): Promise<ReadModels> {
  const models = await openSqliteStore(path.join(folder, 'read-models.db'));
  folders.set(models, folder);
  return models;
}

function folderOf(models: ReadModels): string {
  const folder = folders.get(models);
  if (folder === undefined) throw new Error('expected a store of this suite');
  return folder;
}

readModelsContract('SQLite', {
  open: async () => openIn(await mkdtemp(path.join(tmpdir(), 'store-'))),
  reopen: async (models) => {
    await models.close();
    return openIn(folderOf(models));
  },
  discard: async (models) => {
    await models.close();
    await rm(folderOf(models), { recursive: true });
  },
});

it('gives a file of an earlier release the indexes that it lacks', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'store-'));
  const file = path.join(folder, 'read-models.db');
  await (await openSqliteStore(file)).close();
  const indexes = async (
    change: readonly Statement[] = [{ sql: 'SELECT 1' }],
  ): Promise<readonly Row[]> => {
    const database = await openDatabase({
      path: file,
      applicationId: APPLICATION_ID,
      userVersion: SCHEMA_VERSION,
      schema: SCHEMA,
    });
    await database.run(change);
    const found = await database.all("SELECT name FROM sqlite_schema WHERE type = 'index'");
    await database.close();
    return found;
  };
  const all = await indexes();
  expect(await indexes([{ sql: 'DROP INDEX entries_by_leaf' }])).toHaveLength(all.length - 1);
  await (await openSqliteStore(file)).close();
  expect(await indexes()).toHaveLength(all.length);
  await rm(folder, { recursive: true });
});

it('G14: leaves no byte of erased content in its files', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'store-'));
  const models = await openIn(folder);
  const text = 'the name of a patient';
  const filesWithIt = async (): Promise<string[]> => {
    const names = await readdir(folder);
    const files = await Promise.all(names.map((name) => readFile(path.join(folder, name))));
    return names.filter((_, at) => files[at]?.includes(text));
  };
  const row = { tenant: 'acme', actionId: '01ARZ3NDEKTSV4RRFFQ69G5FAV', digest: 'd', salt: null };
  await models.apply({ rows: [{ change: 'content', row: { ...row, kind: 'action', text } }] });
  expect(await filesWithIt()).not.toEqual([]);
  const { tenant, actionId } = row;
  await models.apply({ rows: [{ change: 'content-erased', tenant, actionId }] });
  expect(await filesWithIt()).toEqual([]);
  await models.close();
  await rm(folder, { recursive: true });
});

it('is read again where a release before has left it, and keeps how far the router is', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'store-'));
  const schema = SCHEMA.slice(0, 1);
  const file = path.join(folder, 'read-models.db');
  const old = await openDatabase({
    path: file,
    applicationId: APPLICATION_ID,
    userVersion: 1,
    schema,
  });
  await old.run(
    ['log', 'content', 'action-requested'].map((name) => ({
      sql: "INSERT INTO position VALUES (?, 7, 0, x'', 0, '')",
      params: [name],
    })),
  );
  await old.run([{ sql: "INSERT INTO inputs VALUES ('sha256:00', 3)" }]);
  await old.close();
  const models = await openIn(folder);
  expect(await models.logPosition()).toBeUndefined();
  expect(await models.sidePosition('content')).toBe(0);
  expect(await models.sidePosition('action-requested')).toBe(7);
  expect(await models.input('sha256:00')).toBeUndefined();
  expect(await models.usesCalled('acme', 'cs-0000000000')).toEqual([]);
  await models.close();
  // Once is enough.
  const again = await openIn(folder);
  await again.apply({ rows: [{ change: 'input', digest: 'sha256:00', index: 3 }] });
  await again.close();
  const later = await openIn(folder);
  expect(await later.input('sha256:00')).toEqual({ kind: 'entry', index: 3 });
  await later.close();
  await rm(folder, { recursive: true });
});
