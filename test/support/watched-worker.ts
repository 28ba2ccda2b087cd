import { execFile, type ChildProcess } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import {
  ForksPoolWorker,
  type PoolOptions,
  type PoolRunnerInitializer,
  type TestCase,
  type TestProject,
  type WorkerRequest,
} from 'vitest/node';

/** Twice as long as any hook may take; and a test that may take longer is given its time, and this much more. */
const QUIET_MS = Number(process.env['COUNTERSIGN_QUIET_MS'] ?? 10 * 60_000);
const LOOKS = 20;
const REPORT_MS = 5_000;
const DEBUGGER_MS = 60_000;
const CALLS_MAX = 16;
const REPORT_SIGNAL = 'SIGUSR2';

type Listener = (arg: unknown) => void;

/** Told once more at the end of the run, where it is not overlooked. */
const told: string[] = [];

const WATCHED = 'watched';

type Run = WorkerRequest & { readonly type: 'run' };

/**
 * A process of the tests that is not waited for without an end. Each test and hook has a time to end in, but it is the process
 * itself that keeps it: one that stands still, or whose last message was lost, keeps nothing, and vitest waits for it for ever and
 * does not say for which. Here a process that nothing is heard of for longer than any test of its file may take is ended, and what
 * it was doing is told; the file runs once more in another process. Twice fails.
 */
class WatchedWorker extends ForksPoolWorker {
  /** By which vitest knows that files may share a process. */
  override readonly name = WATCHED;
  readonly #listeners: [event: string, listener: Listener][] = [];
  readonly #project: TestProject;
  #reports = '';
  #begin: WorkerRequest | undefined;
  #heardMs = 0;
  #looking: NodeJS.Timeout | undefined;
  #isAgain = false;

  constructor(options: PoolOptions) {
    super(options);
    this.#project = options.project;
  }

  override async start(): Promise<void> {
    this.#reports = await mkdtemp(path.join(tmpdir(), 'worker-'));
    this.execArgv = [
      ...this.execArgv,
      ...['--report-on-signal', `--report-signal=${REPORT_SIGNAL}`, '--report-exclude-network'],
      `--report-directory=${this.#reports}`,
    ];
    await this.#fork();
  }

  override async stop(): Promise<void> {
    clearInterval(this.#looking);
    await super.stop();
    await rm(this.#reports, { recursive: true, force: true });
  }

  override on(event: string, listener: Listener): void {
    this.#listeners.push([event, listener]);
    super.on(event, listener);
  }

  override off(event: string, listener: Listener): void {
    const at = this.#listeners.findIndex(([name, each]) => name === event && each === listener);
    if (at >= 0) this.#listeners.splice(at, 1);
    super.off(event, listener);
  }

  override send(message: WorkerRequest): void {
    if (message.type === 'start') this.#begin = message;
    if (message.type === 'run') this.#watch(message);
    super.send(message);
  }

  async #fork(): Promise<void> {
    await super.start();
    super.on('message', (message: unknown) => {
      this.#heardMs = performance.now();
      if (typeOf(message) !== 'testfileFinished') return;
      clearInterval(this.#looking);
      // The next file of this process may stand still once, too.
      this.#isAgain = false;
    });
  }

  #watch(run: Run): void {
    this.#heardMs = performance.now();
    this.#looking = setInterval(() => {
      if (performance.now() - this.#heardMs < QUIET_MS + this.#longestMs(run)) return;
      clearInterval(this.#looking);
      this.#runAgain(run).catch((error: unknown) => {
        console.error(error);
        this.#process.kill('SIGKILL');
      });
    }, QUIET_MS / LOOKS);
  }

  get #process(): ChildProcess {
    // Private to vitest, which has no other way to it.
    return (this as unknown as { readonly fork: ChildProcess }).fork;
  }

  /** Or fails, as vitest says of a process that has ended: the second time. */
  async #runAgain(run: Run): Promise<void> {
    const files = run.context.files.map(({ filepath }) =>
      path.relative(this.#project.config.root, filepath),
    );
    const line = `nothing was heard of process ${this.#process.pid}, which runs ${files.join(', ')}`;
    const open = this.#unended(run).map(({ fullName }) => `not ended: ${fullName}`);
    tell([line, ...open.slice(0, 1), ...(await this.#whatItDoes())].join('\n'));
    if (this.#isAgain || this.#begin === undefined) {
      this.#process.kill('SIGKILL');
      return;
    }
    this.#isAgain = true;
    tell(`${files.join(', ')} runs once more`);
    for (const [event, listener] of this.#listeners) super.off(event, listener);
    await super.stop();
    await this.#fork();
    for (const [event, listener] of this.#listeners) super.on(event, listener);
    const begun = new Promise<void>((resolve) => {
      super.on('message', (message: unknown) => {
        if (typeOf(message) === 'started') resolve();
      });
    });
    super.send(this.#begin);
    await begun;
    this.send(run);
  }

  /** How long the slowest of its tests may take, as far as they are known. */
  #longestMs(run: Run): number {
    const longer = this.#unended(run).map(({ options: { timeout = 0 } }) => timeout);
    return Math.max(0, ...longer.filter((ms) => ms > QUIET_MS));
  }

  #unended({ context: { files } }: Run): readonly TestCase[] {
    const { vitest, name } = this.#project;
    return files
      .flatMap(({ filepath }) => vitest.state.getFiles([filepath]))
      .filter(({ projectName }) => projectName === name)
      .flatMap(({ id }) => {
        const module = vitest.state.getReportedEntityById(id);
        return module?.type === 'module' ? [...module.children.allTests('pending')] : [];
      });
  }

  /** What each of its threads waits for, and where its code is if it still answers. */
  async #whatItDoes(): Promise<readonly string[]> {
    const { pid = 0 } = this.#process;
    const threads = await threadsOf(pid).catch(() => []);
    this.#process.kill(REPORT_SIGNAL);
    await sleep(REPORT_MS);
    const [name] = await readdir(this.#reports);
    if (name === undefined) {
      return [...threads, 'it makes no report', ...(await callsOf(pid).catch(() => []))];
    }
    const report = JSON.parse(await readFile(path.join(this.#reports, name), 'utf8')) as Report;
    const handles = report.libuv.filter(({ is_active: isActive }) => isActive);
    return [
      ...threads,
      report.javascriptStack.message,
      ...(report.javascriptStack.stack ?? []),
      ...handles.map(({ type, fd, is_referenced: isReferenced }) =>
        JSON.stringify({ type, fd, isReferenced }),
      ),
    ];
  }
}

interface Report {
  readonly javascriptStack: { readonly message: string; readonly stack?: readonly string[] };
  readonly libuv: readonly {
    readonly type: string;
    readonly is_active: boolean;
    readonly is_referenced?: boolean;
    readonly fd?: number;
  }[];
}

function typeOf(message: unknown): unknown {
  return typeof message === 'object' && message !== null && 'type' in message
    ? message.type
    : undefined;
}

function tell(line: string): void {
  if (told.length === 0)
    process.once('exit', () => {
      console.error(told.join('\n'));
    });
  told.push(line);
  console.error(line);
}

/** Of Linux: the state of each, and the call that it is in. */
async function threadsOf(pid: number): Promise<readonly string[]> {
  const threads = await readdir(`/proc/${pid}/task`);
  return Promise.all(
    threads.map(async (thread) => {
      const [status = '', call = ''] = await Promise.all(
        ['status', 'wchan'].map((name) => readFile(`/proc/${pid}/task/${thread}/${name}`, 'utf8')),
      );
      return `${thread} ${/^Name:\s*(.*)/.exec(status)?.[1]} ${/State:\s*(.*)/.exec(status)?.[1]} ${call}`;
    }),
  );
}

/** What it has called, where a debugger is installed that can tell. */
async function callsOf(pid: number): Promise<readonly string[]> {
  const args = ['-p', String(pid), '-batch', '-ex', `bt ${CALLS_MAX}`];
  const { stdout } = await promisify(execFile)('gdb', args, { timeout: DEBUGGER_MS });
  return stdout.split('\n').filter((line) => line.startsWith('#'));
}

export const watchedPool: PoolRunnerInitializer = {
  name: WATCHED,
  createPoolWorker: (options) => new WatchedWorker(options),
};
