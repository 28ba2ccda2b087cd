import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { pythonEnvironment } from '../support/python-environment.ts';

const VECTORS = fileURLToPath(new URL('../vectors/statement/', import.meta.url));
const PROGRAM = fileURLToPath(new URL('./dsse/verify.py', import.meta.url));
const PAYLOAD_TYPE = 'application/vnd.in-toto+json';

const python = pythonEnvironment({
  name: 'dsse',
  requirement: 'securesystemslib==1.3.1',
  also: ['cryptography==50.0.2'],
});
if (python === undefined) throw new Error('expected Python 3 with venv, and packages from PyPI');

const said = execFileSync(join(python, 'python'), [PROGRAM, VECTORS], { encoding: 'utf8' });
const outcomes = said
  .trimEnd()
  .split('\n')
  .map((line) => line.split('\t') as [name: string, outcome: string]);

interface Vector {
  readonly file: string;
  readonly code?: string;
}

function expectedOf(name: string): string {
  const { file, code } = JSON.parse(readFileSync(join(VECTORS, name), 'utf8')) as Vector;
  // It wants the hint that DSSE calls optional, as it says itself.
  if (name === 'valid/no-keyid.json') return 'MALFORMED';
  if (code === 'SIGNATURE_INVALID') return 'REFUSED';
  // Without a signature there are fewer than it is asked for; of duplicate members it takes the last, and of base64 what can be read.
  if (name === 'invalid/unsigned.json') return 'REFUSED';
  if (code === 'PAYLOAD_TYPE') return 'REFUSED';
  if (code === 'ENVELOPE_FORMAT' && name !== 'invalid/duplicate-member.json') return 'MALFORMED';
  const { payload } = JSON.parse(file) as { payload: string };
  const sha256 = createHash('sha256').update(Buffer.from(payload, 'base64')).digest('hex');
  return `SIGNED ${PAYLOAD_TYPE} ${sha256}`;
}

describe('envelopes, by securesystemslib', () => {
  it.each(outcomes)('%s', (name, outcome) => {
    expect(outcome).toBe(expectedOf(name));
  });

  it('are all there', () => {
    expect(outcomes.length).toBeGreaterThan(20);
  });
});
