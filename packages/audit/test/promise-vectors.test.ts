import { readFileSync, readdirSync } from 'node:fs';
import { utf8 } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import { parseVerifierKey } from '@countersign/tlog';
import { describe, expect, it } from 'vitest';
import { AuditError, formatArrival, openArrival, parseArrival } from '../src/index.ts';

interface Vector {
  readonly trust: { readonly origin: string; readonly log_key: string };
  readonly file: string;
  readonly code?: string;
}

const FOLDER = new URL('../../../test/vectors/promise/', import.meta.url);

function vectors(kind: 'valid' | 'invalid'): [name: string, vector: Vector][] {
  const folder = new URL(`${kind}/`, FOLDER);
  return readdirSync(folder).map((name) => [
    name,
    JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Vector,
  ]);
}

async function outcomeOf({ trust, file }: Vector): Promise<string> {
  const logKeys = [parseVerifierKey(trust.log_key)];
  try {
    await openArrival(parseArrival(utf8(file)), { origin: trust.origin, logKeys, verifySignature });
    return 'VALID';
  } catch (error) {
    if (error instanceof AuditError) return error.code;
    throw error;
  }
}

describe('promises of arrivals', () => {
  it.each(vectors('valid'))('%s is valid, and is written as it was read', async (_, vector) => {
    expect(await outcomeOf(vector)).toBe('VALID');
    expect(formatArrival(parseArrival(utf8(vector.file)))).toEqual(utf8(vector.file));
  });

  it.each(vectors('invalid'))('%s is refused', async (_, vector) => {
    expect(await outcomeOf(vector)).toBe(vector.code);
  });

  it('has a vector for each code', () => {
    expect(new Set(vectors('invalid').map(([, { code }]) => code))).toEqual(
      new Set(['PROMISE_FORMAT', 'PROMISE_SIGNATURE', 'PROMISE_LEDGER']),
    );
  });
});
