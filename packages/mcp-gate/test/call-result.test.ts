import { describe, expect, it } from 'vitest';
import { callResult } from '../src/call-result.ts';

describe('what came of a call', () => {
  it.each([
    ['succeeded', { result: { content: [] } }],
    ['failed', { result: { content: [], isError: true } }],
    ['failed', { error: { code: -32_600, message: 'invalid request' } }],
    ['failed', { error: { code: -32_601, message: 'no such method' } }],
    ['failed', { error: { code: -32_602, message: 'no such tool' } }],
    ['unknown', { error: { code: -32_603, message: 'internal error' } }],
    ['unknown', { error: { code: -32_001, message: 'timeout' } }],
    ['unknown', { error: { code: -32_700, message: 'parse error' } }],
    ['unknown', { error: { code: '-32602', message: 'a text is no code' } }],
    ['unknown', { error: null, result: { content: [] } }],
    ['unknown', { result: 'done' }],
    ['unknown', {}],
  ])('C16: is %s after %j', (result, answer) => {
    expect(callResult(answer)).toBe(result);
  });
});
