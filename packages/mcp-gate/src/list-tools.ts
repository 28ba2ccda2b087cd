import { toBase64url } from '@countersign/canonical';
import { isObject } from './client-message.ts';
import type { GateConfig } from './gate-config.ts';
import { GateError } from './gate-error.ts';
import { maybeJson } from './maybe-json.ts';
import { OwnRequests } from './own-requests.ts';
import type { OpenServer, ServerEnd } from './server-end.ts';
import { digestsOf } from './tool-catalogue.ts';

const PAGES_MAX = 100;
const SECRET_BYTES = 16;
const PROTOCOL_VERSION = '2025-11-25';
/** Calls wait for it: a server that never answers must not hold them for ever. */
const ANSWER_WITHIN_MS = 60_000;

/** All tools of a server, as it describes them now. @throws GateError UPSTREAM_FAILED, UPSTREAM_GONE */
export async function listTools(
  own: OwnRequests,
  answerWithinMs: number = ANSWER_WITHIN_MS,
): Promise<readonly unknown[]> {
  const tools: unknown[] = [];
  let cursor: unknown;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const params = typeof cursor === 'string' ? JSON.stringify({ cursor }) : '{}';
    const { json } = await own.ask('tools/list', params, {
      signal: AbortSignal.timeout(answerWithinMs),
    });
    const { result } = json;
    if (!isObject(result) || !Array.isArray(result['tools'])) {
      throw new GateError('UPSTREAM_FAILED', 'expected the server to list its tools');
    }
    tools.push(...(result['tools'] as unknown[]));
    cursor = result['nextCursor'];
    if (cursor === undefined) return tools;
  }
  throw new GateError('UPSTREAM_FAILED', `expected at most ${PAGES_MAX} pages of tools`);
}

/**
 * A configuration that pins the tools of a server as they are now, each of which needs a human: to be read, and made looser where
 * that is meant.
 *
 * @throws GateError UPSTREAM_FAILED, UPSTREAM_GONE
 */
export async function pinnedConfig(
  openServer: OpenServer,
  randomBytes: (size: number) => Uint8Array,
): Promise<GateConfig> {
  const secret = toBase64url(randomBytes(SECRET_BYTES));
  const own = new OwnRequests((text, id) => server.send(text, id), secret);
  const server: ServerEnd = openServer(
    {
      onMessage: (text) => {
        const json = maybeJson(text);
        if (isObject(json) && json['method'] === undefined) own.settle({ text, json });
      },
      onStreamEnd: (about) => {
        own.failOne(about, new GateError('UPSTREAM_GONE', 'the server ended without an answer'));
      },
      onEnd: (why) => {
        own.fail(new GateError('UPSTREAM_GONE', why));
      },
    },
    { authorization: undefined },
  );
  try {
    const clientInfo = { name: 'countersign', version: '1' };
    const begin = { protocolVersion: PROTOCOL_VERSION, capabilities: {}, clientInfo };
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
    await own.ask('initialize', JSON.stringify(begin), { signal });
    await server.send('{"jsonrpc":"2.0","method":"notifications/initialized"}', undefined);
    const pins = Object.fromEntries(digestsOf(await listTools(own)));
    const tools = Object.fromEntries(Object.keys(pins).map((tool) => [tool, 'approve' as const]));
    return { v: 'countersign.mcp-gate.v1', tools, pins };
  } finally {
    await server.close();
  }
}
