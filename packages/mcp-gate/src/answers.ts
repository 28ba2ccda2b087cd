import type { RequestId } from './client-message.ts';
import { spansAt } from './json-spans.ts';

export interface Refusal {
  readonly code: string;
  readonly message: string;
}

const INVALID_REQUEST = -32_600;

/** A JSON-RPC error: for what is no call of a tool, or none that could be read. */
export function errorResponse(id: RequestId | undefined, { code, message }: Refusal): string {
  return JSON.stringify({
    jsonrpc: '2.0',
    id: id ?? null,
    error: { code: INVALID_REQUEST, message: `${code}: ${message}`, data: { code } },
  });
}

/** The result of a call that did not run, as a model reads it: what happened, and what is of no use. */
export function refusedResult(
  id: RequestId,
  refusal: Refusal & { readonly facts?: Readonly<Record<string, string>> },
): string {
  const { code, message, facts = {} } = refusal;
  return JSON.stringify({
    jsonrpc: '2.0',
    id,
    result: {
      content: [{ type: 'text', text: `${code}: ${message}` }],
      isError: true,
      _meta: { 'countersign.dev/refusal': { code, ...facts } },
    },
  });
}

/** The server's answer under the id of the client, otherwise as it came. */
export function withId(text: string, id: RequestId): string {
  const span = spansAt(text, 0).findLast(({ name }) => name === 'id');
  if (span === undefined) return text;
  return `${text.slice(0, span.start)}${JSON.stringify(id)}${text.slice(span.end)}`;
}

/** For a client that asked to be told how far its call is. */
export function progress(token: RequestId, count: number, message: string): string {
  return JSON.stringify({
    jsonrpc: '2.0',
    method: 'notifications/progress',
    params: { progressToken: token, progress: count, message },
  });
}
