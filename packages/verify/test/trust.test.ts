import { utf8 } from '@countersign/canonical';
import { describe, expect, it } from 'vitest';
import { parseTrust, VerifyError } from '../src/index.ts';
import { TRUST_CASES } from './testing/trust-cases.ts';

function codeOf(text: string): string {
  try {
    parseTrust(utf8(text));
    return 'VALID';
  } catch (error) {
    if (error instanceof VerifyError) return error.code;
    throw error;
  }
}

describe('a trust file', () => {
  it.each(TRUST_CASES)('$name: $about', ({ trust, isValid }) => {
    expect(codeOf(trust)).toBe(isValid ? 'VALID' : 'TRUST_FORMAT');
  });
});
