import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';

const BIN = fileURLToPath(new URL('../../services/cli/bin/countersign.js', import.meta.url));

export interface GateProcess {
  readonly client: Client;
  readonly pid: number;
  /** What the gate has said on standard error. */
  readonly said: () => string;
  close(): Promise<void>;
}

/** The program of an MCP server from npm, as `node FILE`. */
export async function npmServer(name: string): Promise<readonly string[]> {
  const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
  const { bin } = JSON.parse(await readFile(manifest, 'utf8')) as { bin: Record<string, string> };
  return [process.execPath, join(dirname(manifest), Object.values(bin)[0] ?? '')];
}

/** An MCP client of the SDK whose server is `countersign mcp-gate`, in a process of its own. */
export async function stdioGate(
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> },
): Promise<GateProcess> {
  const { cwd, env = {} } = options;
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [BIN, 'mcp-gate', ...args],
    cwd,
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stderr: 'pipe',
  });
  let said = '';
  transport.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const client = new Client({ name: 'test', version: '1.0.0' });
  try {
    await client.connect(transport);
  } catch (error) {
    throw new Error(`expected a gate:\n${said}`, { cause: error });
  }
  return {
    client,
    pid: transport.pid ?? 0,
    said: () => said,
    close: () => client.close(),
  };
}

export async function httpGateClient(url: string, token?: string): Promise<Client> {
  const client = new Client({ name: 'test', version: '1.0.0' });
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  await client.connect(
    new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }),
  );
  return client;
}

/** The text of a result. */
export function textOf(result: unknown): string {
  const { content } = result as CallToolResult;
  return content.map((part) => (part.type === 'text' ? part.text : '')).join('');
}

/** The code of a call that was refused; `undefined` for one that ran. */
export function codeOf(result: unknown): string | undefined {
  const { isError, _meta: meta } = result as CallToolResult;
  if (isError !== true) return undefined;
  return (meta?.['countersign.dev/refusal'] as { code: string } | undefined)?.code;
}
