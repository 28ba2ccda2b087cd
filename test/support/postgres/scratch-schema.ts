import { randomBytes } from 'node:crypto';
import { Client } from 'pg';

/** Of nobody else. */
export function newSchema(): string {
  return `test_${randomBytes(6).toString('hex')}`;
}

/** Runs statements as the role of the URL, one after the other. */
export async function runSql(url: string, ...statements: readonly string[]): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    let rows: unknown[] = [];
    for (const statement of statements) ({ rows } = await client.query(statement));
    return rows;
  } finally {
    await client.end();
  }
}

export async function dropSchema(url: string, schema: string): Promise<void> {
  await runSql(url, `drop schema if exists ${schema} cascade`);
}
