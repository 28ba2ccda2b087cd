import { spawn, type ChildProcess } from 'node:child_process';
import { availableParallelism, loadavg } from 'node:os';
import { writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CliLedger } from '../integration/cli-process.ts';
import { npmServer } from '../support/mcp-gate.ts';
import { percentile, rounded } from './percentile.ts';

const BIN = fileURLToPath(new URL('../../services/cli/bin/countersign.js', import.meta.url));
const WARM_UP = 500;

/** One MCP client that does nothing but wait for its answer. */
class LineClient {
  readonly #child: ChildProcess;
  #answered: ((line: string) => void) | undefined;
  #count = 0;

  constructor([file = '', ...args]: readonly string[], cwd: string) {
    this.#child = spawn(file, args, { cwd, stdio: ['pipe', 'pipe', 'ignore'] });
    const { stdout } = this.#child;
    if (stdout === null) throw new Error('expected a pipe');
    createInterface({ input: stdout }).on('line', (line) => {
      if (line.includes('"id":')) this.#answered?.(line);
    });
  }

  async begin(): Promise<void> {
    await this.#ask('initialize', {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'bench', version: '1' },
    });
    this.#write({ jsonrpc: '2.0', method: 'notifications/initialized' });
  }

  /** @returns milliseconds */
  async call(message: string): Promise<number> {
    const started = performance.now();
    const answer = await this.#ask('tools/call', { name: 'echo', arguments: { message } });
    const ms = performance.now() - started;
    if (!answer.includes('Echo: ')) throw new Error(`expected an echo, got ${answer}`);
    return ms;
  }

  stop(): void {
    this.#child.kill();
  }

  #ask(method: string, params: unknown): Promise<string> {
    this.#count += 1;
    return new Promise((resolve) => {
      this.#answered = resolve;
      this.#write({ jsonrpc: '2.0', id: this.#count, method, params });
    });
  }

  #write(message: unknown): void {
    this.#child.stdin?.write(`${JSON.stringify(message)}\n`);
  }
}

/** Each call goes to both in turn, so that whatever else the machine does is on both sides. */
async function measured(
  ends: readonly [bare: LineClient, gated: LineClient],
  { calls, bytes }: { readonly calls: number; readonly bytes: number },
): Promise<string> {
  const message = 'x'.repeat(bytes);
  const [bare, gated]: [number[], number[]] = [[], []];
  for (let i = 0; i < calls + WARM_UP; i += 1) {
    const pair = [await ends[0].call(message), await ends[1].call(message)] as const;
    if (i < WARM_UP) continue;
    bare.push(pair[0]);
    gated.push(pair[1]);
  }
  const of = (samples: readonly number[]): string =>
    [0.5, 0.99].map((share) => rounded(percentile(samples, share), 3)).join(' / ');
  const more = rounded(percentile(gated, 0.5) - percentile(bare, 0.5), 3);
  return `${bytes} bytes, ${calls} calls: bare ${of(bare)} ms, through the gate ${of(gated)} ms (p50 / p99); p50 differs by ${more} ms`;
}

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
const calls = values.quick ? 500 : 5_000;
const ledger = await CliLedger.start();
const config = { v: 'countersign.mcp-gate.v1', tools: { echo: 'pass' } };
await writeFile(ledger.at('countersign.mcp.json'), JSON.stringify(config));
const server = await npmServer('@modelcontextprotocol/server-everything');
const gate = [process.execPath, BIN, 'mcp-gate', '--data', ledger.data, '--', ...server];
const ends = [new LineClient(server, ledger.folder), new LineClient(gate, ledger.folder)] as const;
try {
  for (const end of ends) await end.begin();
  console.log(
    `Node ${process.version}, ${availableParallelism()} cores, load ${loadavg()
      .map((each) => rounded(each, 1))
      .join(' ')}`,
  );
  for (const bytes of [100, 10_000]) console.log(await measured(ends, { calls, bytes }));
} finally {
  for (const end of ends) end.stop();
  await ledger.discard();
}
