import type { ExecutionResult } from '@countersign/sdk';
import { isObject } from './client-message.ts';

/** JSON-RPC 2.0 §5.1: no valid request, no such method, no valid parameters. After what any other error came is not known. */
const NOT_CALLED: ReadonlySet<unknown> = new Set([-32_600, -32_601, -32_602]);

/** What came of a call, by the server's answer: `isError` says that the tool failed, and some errors that it was not called. */
export function callResult({
  result,
  error,
}: Readonly<Record<string, unknown>>): ExecutionResult['result'] {
  if (error !== undefined) {
    return isObject(error) && NOT_CALLED.has(error['code']) ? 'failed' : 'unknown';
  }
  if (!isObject(result)) return 'unknown';
  return result['isError'] === true ? 'failed' : 'succeeded';
}
