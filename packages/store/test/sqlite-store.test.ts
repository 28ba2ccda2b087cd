import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openSqliteStore, type ReadModels } from '@countersign/store';
import { readModelsContract } from '@countersign/store/testing';

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
