import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { SdkError, type RunPart } from '@countersign/sdk';
import { describe, expect, it } from 'vitest';
import { parseRunPart } from '../src/run-record.ts';

interface Vector {
  readonly about: string;
  readonly part: RunPart;
  readonly text: string;
}

const folder = fileURLToPath(new URL('../../../test/vectors/run-record/', import.meta.url));

function load(kind: string): [string, Vector][] {
  return readdirSync(`${folder}${kind}`).map((name) => [
    name,
    JSON.parse(readFileSync(`${folder}${kind}/${name}`, 'utf8')) as Vector,
  ]);
}

describe('the record of a run', () => {
  it.each(load('valid'))('%s is read', (_, { part, text }) => {
    expect(parseRunPart(part, text)).toMatchObject({ v: `countersign.run-${part}.v1` });
  });

  it.each(load('invalid'))('%s is RECORD_DAMAGED', (_, { part, text }) => {
    let said: unknown;
    try {
      parseRunPart(part, text);
    } catch (error) {
      said = error instanceof SdkError ? error.code : error;
    }
    expect(said).toBe('RECORD_DAMAGED');
  });
});
