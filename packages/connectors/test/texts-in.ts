import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Of every file of a folder, by its name. */
export async function textsIn(folder: string): Promise<Record<string, string>> {
  const texts = (await readdir(folder)).map(async (name) => [
    name,
    await readFile(join(folder, name), 'utf8'),
  ]);
  return Object.fromEntries(await Promise.all(texts)) as Record<string, string>;
}
