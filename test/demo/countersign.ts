import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const bin = join(
  dirname(fileURLToPath(import.meta.url)),
  '..',
  '..',
  'services',
  'cli',
  'bin',
  'countersign.js',
);

const START_TIMEOUT_MS = 60_000;

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
}

/** The real command in a process of its own. */
export function launch(
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; detached?: boolean } = {},
): Running {
  const child = spawn(process.execPath, [bin, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const finished = new Promise<Finished>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      resolve({ code, stdout, stderr });
    });
  });
  return { child, finished };
}

export function countersign(args: readonly string[], cwd?: string): Promise<Finished> {
  return launch(args, cwd === undefined ? {} : { cwd }).finished;
}

/** What the story needs of a ledger, wherever it runs. */
export interface DemoLedger {
  readonly url: string;
  readonly data: string;
  /** The one-time link of the founder. */
  readonly enrolmentLink: string;
  readonly trustFile: string;
  stop(): Promise<void>;
}

/** A ledger in its own process: `countersign serve`. */
export class LedgerProcess implements DemoLedger {
  readonly url: string;
  readonly data: string;
  readonly #running: Running;

  private constructor(parts: { url: string; data: string; running: Running }) {
    this.url = parts.url;
    this.data = parts.data;
    this.#running = parts.running;
  }

  static async start(data: string, port: number, more: readonly string[]): Promise<LedgerProcess> {
    const url = `http://localhost:${port}`;
    const running = launch(['serve', '--data', data, '--port', String(port), ...more]);
    const ledger = new LedgerProcess({ url, data, running });
    await ledger.#ready();
    return ledger;
  }

  get enrolmentLink(): string {
    return readFileSync(join(this.data, 'enrolment-link.txt'), 'utf8').trim();
  }

  get trustFile(): string {
    return join(this.data, 'trust.json');
  }

  async stop(): Promise<void> {
    this.#running.child.kill('SIGINT');
    const { code, stdout, stderr } = await this.#running.finished;
    if (code === 0) return;
    process.stderr.write(`the ledger ended with ${code}, not 0:\n${stdout}${stderr}\n`);
    process.exitCode = 1;
  }

  async #ready(): Promise<void> {
    const deadline = Date.now() + START_TIMEOUT_MS;
    const ended = this.#running.finished.then(({ code, stderr }) => {
      throw new Error(`the ledger ended with ${code}: ${stderr}`);
    });
    ended.catch(() => undefined);
    while (Date.now() < deadline) {
      const isReady = await Promise.race([answers(`${this.url}/readyz`), ended]);
      if (isReady) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    this.#running.child.kill('SIGKILL');
    throw new Error(`expected the ledger to be ready within ${START_TIMEOUT_MS} ms`);
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch (error) {
    // Not listening yet.
    if (error instanceof TypeError) return false;
    throw error;
  }
}
