import { readdirSync, readFileSync } from 'node:fs';
import { fromBase64, utf8 } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import { describe, expect, it } from 'vitest';
import {
  ReportError,
  formatStatement,
  openEnvelope,
  parseStatement,
  type EnvelopeKey,
} from '../src/index.ts';

interface Vector {
  readonly about: string;
  readonly key: { readonly algorithm: EnvelopeKey['algorithm']; readonly public_key: string };
  readonly file: string;
  readonly code?: string;
}

const FOLDER = new URL('../../../test/vectors/statement/', import.meta.url);

function vectors(kind: 'valid' | 'invalid'): [name: string, vector: Vector][] {
  const folder = new URL(`${kind}/`, FOLDER);
  return readdirSync(folder).map((name) => [
    name,
    JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Vector,
  ]);
}

function payloadOf({ file, key }: Vector): Promise<Uint8Array> {
  const by = { algorithm: key.algorithm, publicKey: fromBase64(key.public_key) };
  return openEnvelope(utf8(file), by, verifySignature);
}

async function outcomeOf(vector: Vector): Promise<string> {
  try {
    parseStatement(await payloadOf(vector));
    return 'VALID';
  } catch (error) {
    if (error instanceof ReportError) return error.code;
    throw error;
  }
}

describe('statements', () => {
  it.each(vectors('valid'))('%s is valid, and is written as it was read', async (_, vector) => {
    const payload = await payloadOf(vector);
    expect(formatStatement(parseStatement(payload))).toEqual(payload);
  });

  it.each(vectors('invalid'))('%s is refused', async (_, vector) => {
    expect(await outcomeOf(vector)).toBe(vector.code);
  });

  it('has a vector for each code', () => {
    expect(new Set(vectors('invalid').map(([, { code }]) => code))).toEqual(
      new Set([
        'ENVELOPE_FORMAT',
        'PAYLOAD_TYPE',
        'SIGNATURE_INVALID',
        'STATEMENT_FORMAT',
        'PREDICATE_TYPE',
      ]),
    );
  });

  it('is not valid with any byte of the payload or the signature changed', async () => {
    const [, vector] = vectors('valid').find(([name]) => name === 'ed25519.json') ?? [];
    if (vector === undefined) throw new Error('expected a vector');
    const envelope = JSON.parse(vector.file) as { payload: string; signatures: [{ sig: string }] };
    const { payload, signatures } = envelope;
    const flip = (text: string, at: number): string => {
      const bytes = Buffer.from(text, 'base64');
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      return bytes.toString('base64');
    };
    const size = Buffer.from(payload, 'base64').length;
    for (let at = 0; at < size; at += 7) {
      const file = JSON.stringify({ ...envelope, payload: flip(payload, at) });
      expect(await outcomeOf({ ...vector, file })).toBe('SIGNATURE_INVALID');
    }
    for (let at = 0; at < 64; at += 1) {
      const sig = flip(signatures[0].sig, at);
      const file = JSON.stringify({ ...envelope, signatures: [{ sig }] });
      expect(await outcomeOf({ ...vector, file })).toBe('SIGNATURE_INVALID');
    }
  });
});
