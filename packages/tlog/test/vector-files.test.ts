import { readFileSync, readdirSync } from 'node:fs';
import { expect, it } from 'vitest';

const PACKAGES = new URL('../../', import.meta.url);
const FOLDER = new URL('../../../test/vectors/tlog/', import.meta.url);
/** The packages whose test/vectors.ts reads files of this folder. */
const READERS = ['tlog', 'cose-receipt'];

interface LoadedFile {
  readonly file: string;
  /** What the parsed file is called in its package's test/vectors.ts. */
  readonly name: string;
  readonly folder: URL;
}

function loadedFiles(reader: string): LoadedFile[] {
  const folder = new URL(`${reader}/test/`, PACKAGES);
  const source = readFileSync(new URL('vectors.ts', folder), 'utf8');
  const loads = source.matchAll(/^export const (\w+) = read\('([\w.-]+)'\)/gm);
  return [...loads].map(([, name = '', file = '']) => ({ file, name, folder }));
}

function isUsed({ name, folder }: LoadedFile): boolean {
  const tests = readdirSync(folder).filter((file) => file.endsWith('.test.ts'));
  const asImport = new RegExp(`^import \\{[^}]*\\b${name}\\b[^}]*\\} from './vectors\\.ts';$`, 'm');
  return tests.some((file) => asImport.test(readFileSync(new URL(file, folder), 'utf8')));
}

it('every vector file is run by some test', () => {
  const used = READERS.flatMap(loadedFiles).filter(isUsed);
  expect(used.map(({ file }) => file).toSorted()).toEqual(readdirSync(FOLDER).toSorted());
});
