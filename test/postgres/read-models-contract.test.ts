import type { ReadModels } from '@countersign/store';
import { openPostgresStore } from '@countersign/store-postgres';
import { readModelsContract } from '@countersign/store/testing';
import { inject } from 'vitest';
import { dropSchema, newSchema } from '../support/postgres/scratch-schema.ts';

const url = inject('postgresUrl');
const schemas = new Map<ReadModels, string>();

async function openIn(schema: string): Promise<ReadModels> {
  const models = await openPostgresStore({ url, schema });
  schemas.set(models, schema);
  return models;
}

function schemaOf(models: ReadModels): string {
  const schema = schemas.get(models);
  if (schema === undefined) throw new Error('expected a store of this suite');
  return schema;
}

readModelsContract('PostgreSQL', {
  open: () => openIn(newSchema()),
  reopen: async (models) => {
    await models.close();
    return openIn(schemaOf(models));
  },
  discard: async (models) => {
    await models.close();
    await dropSchema(url, schemaOf(models));
  },
});
