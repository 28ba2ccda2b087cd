import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pythonEnvironment } from '../support/python-environment.ts';

const FASTAVRO = { name: 'fastavro', requirement: 'fastavro==1.13.1' };
const INSTALL_TIMEOUT_MS = 300_000;

const program = fileURLToPath(new URL('./avro-golden/check.py', import.meta.url));
const schemas = fileURLToPath(new URL('../../schemas/avro/', import.meta.url));
const golden = fileURLToPath(new URL('../vectors/wire/golden/', import.meta.url));

interface Golden {
  readonly records: { frame: string }[];
}

let python: string;
let folder: string;

beforeAll(() => {
  const bin = pythonEnvironment(FASTAVRO);
  if (bin === undefined)
    throw new Error(`expected Python 3 with venv, and ${FASTAVRO.requirement}`);
  python = join(bin, 'python');
  folder = mkdtempSync(join(tmpdir(), 'avro-golden-'));
}, INSTALL_TIMEOUT_MS);

afterAll(() => {
  rmSync(folder, { recursive: true });
});

function checked(vectors: string): { status: number | null; lines: string[] } {
  const { status, stdout } = spawnSync(python, ['-B', program, schemas, vectors], {
    encoding: 'utf8',
  });
  return { status, lines: stdout.trimEnd().split('\n') };
}

function goldenOf(file: string): Golden {
  return JSON.parse(readFileSync(file, 'utf8')) as Golden;
}

describe('the golden bytes of the wire', () => {
  it('are what another Avro makes of the schemas and values, and decode to them there', () => {
    const expected = readdirSync(golden).flatMap((file) =>
      goldenOf(join(golden, file)).records.map((_, at) => `${file.replace('.json', '')} ${at} OK`),
    );
    expect(expected.length).toBeGreaterThan(30);
    const { status, lines } = checked(golden);
    expect(lines.sort()).toEqual(expected.sort());
    expect(status).toBe(0);
  });

  it('are found where one digit is another', () => {
    cpSync(golden, folder, { recursive: true });
    const file = join(folder, 'batch.v1.json');
    const changed = goldenOf(file);
    for (const record of changed.records) {
      record.frame = record.frame.replace(/.$/, (digit) => (digit === '0' ? '1' : '0'));
    }
    writeFileSync(file, JSON.stringify(changed));
    const { status, lines } = checked(folder);
    expect(status).toBe(1);
    const wrong = lines.filter((line) => !line.endsWith(' OK'));
    expect(wrong).toHaveLength(changed.records.length);
    for (const line of wrong) expect(line).toMatch(/^batch\.v1 \d encodes to c301/);
  });
});
