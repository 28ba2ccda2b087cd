import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { canonicalText, type Json } from '@countersign/canonical';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildGoVerifier } from '../support/go-verifier.ts';

interface DisplayVector {
  readonly display: Json;
}

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = join(root, 'test', 'vectors', 'display', 'valid');

const vectors = readdirSync(folder).map((name): [string, DisplayVector] => [
  name,
  JSON.parse(readFileSync(join(folder, name), 'utf8')) as DisplayVector,
]);

let build: string;
let said: Map<string, string>;

beforeAll(() => {
  build = mkdtempSync(join(tmpdir(), 'go-renderer-'));
  const program = buildGoVerifier(build);
  const lines = execFileSync(program, ['--displays', folder, join(root, 'schemas')], {
    encoding: 'utf8',
  }).trimEnd();
  said = new Map(
    lines.split('\n').map((line) => {
      const [name = '', display = ''] = line.split('\t');
      return [name, display];
    }),
  );
});

afterAll(() => {
  rmSync(build, { recursive: true });
});

describe('a second renderer, in Go', () => {
  it.each(vectors)('E01, E03: shows the same bytes for %s', (name, { display }) => {
    expect(said.get(name)).toBe(canonicalText(display));
  });
});
