import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { canonicalText, parseStrict, utf8, type Json } from '@countersign/canonical';
import { loadDescriptor, parseAction, render, type Descriptor } from '@countersign/descriptors';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { otherValues, pathsOf, withChange } from '../../packages/descriptors/test/json-mutation.ts';
import { buildGoVerifier } from '../support/go-verifier.ts';

interface DisplayVector {
  readonly descriptor: Json;
  readonly action: string;
  readonly display: Json;
}

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = join(root, 'test', 'vectors', 'display', 'valid');

const vectors = readdirSync(folder).map((name): [string, DisplayVector] => [
  name,
  JSON.parse(readFileSync(join(folder, name), 'utf8')) as DisplayVector,
]);

let build: string;
let program: string;

beforeAll(() => {
  build = mkdtempSync(join(tmpdir(), 'go-renderer-'));
  program = buildGoVerifier(build);
});

afterAll(() => {
  rmSync(build, { recursive: true });
});

/** What the second renderer makes of each vector of a folder. */
function renderedIn(path: string): Map<string, string> {
  const lines = execFileSync(program, ['--displays', path, join(root, 'schemas')], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  }).trimEnd();
  return new Map(
    lines.split('\n').map((line) => {
      const [name = '', display = ''] = line.split('\t');
      return [name, display];
    }),
  );
}

function descriptorOf({ descriptor }: DisplayVector): Descriptor {
  if (typeof descriptor !== 'string') return loadDescriptor(descriptor);
  return loadDescriptor(
    parseStrict(readFileSync(join(root, 'schemas', 'json', `${descriptor}.json`))),
  );
}

/** The actions that differ from this one in one place of the params, and are shown. */
function neighbours(vector: DisplayVector): [action: string, display: string][] {
  const descriptor = descriptorOf(vector);
  const action = parseStrict(utf8(vector.action));
  return pathsOf(action)
    .filter(([first]) => first === 'params')
    .flatMap((path) => {
      const values: (Json | undefined)[] = [undefined, 'ⅷ \u202E x́́'];
      withChange(action, path, (old) => {
        values.push(...otherValues(old));
        return old;
      });
      return values.map((value) => canonicalText(withChange(action, path, () => value) ?? null));
    })
    .flatMap((text): [string, string][] => {
      const display = shown(descriptor, text);
      return display === undefined ? [] : [[text, display]];
    });
}

function shown(descriptor: Descriptor, action: string): string | undefined {
  try {
    return canonicalText(render(descriptor, parseAction(utf8(action))) as unknown as Json);
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}

describe('a second renderer, in Go', () => {
  it('E01, E03: shows the same bytes for every vector', () => {
    const said = renderedIn(folder);
    expect(said.size).toBe(vectors.length);
    for (const [name, { display }] of vectors) {
      expect([name, said.get(name)]).toEqual([name, canonicalText(display)]);
    }
  });

  it('E01, E03: shows the same bytes for every action that differs from a vector in one place', () => {
    const path = join(build, 'neighbours');
    mkdirSync(path);
    const expected = new Map<string, string>();
    for (const [name, vector] of vectors) {
      for (const [at, [action, display]] of neighbours(vector).entries()) {
        const file = `${name}-${String(at)}.json`;
        writeFileSync(join(path, file), JSON.stringify({ descriptor: vector.descriptor, action }));
        expected.set(file, display);
      }
    }
    expect(expected.size).toBeGreaterThan(1000);
    const said = renderedIn(path);
    for (const [file, display] of expected) expect([file, said.get(file)]).toEqual([file, display]);
  });
});
