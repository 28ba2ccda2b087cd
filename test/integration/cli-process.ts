import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SoftwareMaker } from '@countersign/software-passkey';
import { freePort } from '../support/free-port.ts';
import { HttpPerson } from '../support/http-person.ts';
import { tierOfTests, type TierOfTests } from '../support/tier.ts';

const BIN = fileURLToPath(new URL('../../services/cli/bin/countersign.js', import.meta.url));
const SAID_WITHIN_MS = 60_000;
/** Not whatever a server says that does not start. */
const READY = /(?:^Countersign ledger |"event":"ready")[^]*\n$/m;
/** Runs a command on a pseudo terminal of 110 by 45, and ends as it does. */
const PTY = `
import fcntl, os, pty, select, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', 45, 110, 0, 0))
    os.execvp(sys.argv[1], sys.argv[1:])
typing = [0]
while True:
    ready, _, _ = select.select([fd] + typing, [], [])
    if 0 in ready:
        typed = os.read(0, 4096)
        if typed: os.write(fd, typed)
        else: typing = []
    if fd in ready:
        try: told = os.read(fd, 65536)
        except OSError: break
        if not told: break
        os.write(1, told)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

export interface Ended {
  /** A signal's name when one ended it. */
  readonly exit: number | string | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** With a person at a terminal of its own, who types with `type`. */
  readonly terminal?: true;
  /** A shell line before it, in the same process: limits. */
  readonly before?: string;
  /** The first argument is a script of its own, in the place of `countersign`. */
  readonly program?: true;
}

/** The built `countersign` command in a process of its own, as its users run it. */
export class CliProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  #stdout = '';
  #stderr = '';
  #isOver = false;

  constructor(args: readonly string[], options: CliOptions = {}) {
    const { cwd, env = {}, stdin = '', before, terminal } = options;
    const own = [process.execPath, ...(options.program === true ? [] : [BIN]), ...args];
    const command = terminal === true ? ['python3', '-c', PTY, ...own] : own;
    const [file, ...rest] =
      before === undefined ? command : ['/bin/sh', '-c', `${before}; exec "$@"`, 'sh', ...command];
    this.child = spawn(file ?? '', rest, {
      env: { PATH: process.env['PATH'] ?? '', ...env },
      ...(cwd !== undefined && { cwd }),
    });
    this.child.stdin?.on('error', () => undefined);
    if (terminal !== true) this.child.stdin?.end(stdin);
    this.child.stdout?.on('data', (chunk: Buffer) => (this.#stdout += chunk.toString()));
    this.child.stderr?.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString()));
    this.ended = new Promise((resolve) => {
      this.child.once('close', (code, signal) => {
        this.#isOver = true;
        resolve({ exit: code ?? signal, stdout: this.#stdout, stderr: this.#stderr });
      });
    });
  }

  /** The first match in what it has said so far; waits until there is one. */
  async said(pattern: RegExp): Promise<RegExpExecArray> {
    const until = Date.now() + SAID_WITHIN_MS;
    for (;;) {
      const found = pattern.exec(this.#stdout + this.#stderr);
      if (found !== null) return found;
      if (this.#isOver || Date.now() > until) {
        throw new Error(`expected ${String(pattern)} in:\n${this.#stdout}\n${this.#stderr}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  type(text: string): void {
    this.child.stdin?.write(text);
  }

  signal(name: NodeJS.Signals): Promise<Ended> {
    this.child.kill(name);
    return this.ended;
  }
}

export function countersign(args: readonly string[], options?: CliOptions): Promise<Ended> {
  return new CliProcess(args, options).ended;
}

/** For commands, by one person; who approves is for each test to say. */
export const COMMAND_RULE = {
  id: 'command',
  types: ['generic.command'],
  approvals: 1,
  proof_classes: ['uv'],
  rationale: 'optional',
  decide_within_s: 900,
  use_within_s: 900,
  start_within_s: 60,
  max_uses: 1,
} as const;

/** A data folder with its server, gone after the test. */
export class CliLedger {
  readonly folder: string;
  readonly data: string;
  readonly port: number;
  readonly #options: CliOptions;
  server: CliProcess | undefined;
  /** What it needs beside it, where it is not alone. */
  #beside: CliProcess[] = [];
  #isFounded = false;
  readonly #spawned: CliProcess[] = [];

  private constructor(folder: string, port: number, options: CliOptions) {
    this.folder = folder;
    this.data = join(folder, 'ledger');
    this.port = port;
    this.#options = options;
  }

  static async create(options: CliOptions = {}): Promise<CliLedger> {
    const folder = await mkdtemp(join(tmpdir(), 'countersign-cli-'));
    return new CliLedger(folder, await freePort(), options);
  }

  static async start(options: CliOptions = {}): Promise<CliLedger> {
    const ledger = await CliLedger.create(options);
    await ledger.serve('--port', String(ledger.port));
    return ledger;
  }

  get url(): string {
    return `http://localhost:${this.port}`;
  }

  at(...names: string[]): string {
    return join(this.folder, ...names);
  }

  /** Starts the server and waits until it answers. */
  async serve(...more: string[]): Promise<CliProcess> {
    const tier = tierOfTests();
    if (tier !== undefined) return this.#serveOn(tier, more);
    const server = new CliProcess(['serve', '--data', this.data, ...more], this.#options);
    this.server = server;
    await server.said(READY);
    return server;
  }

  /** The same ledger with every service in a process of its own, none of which its commands can tell. */
  async #serveOn(tier: TierOfTests, more: readonly string[]): Promise<CliProcess> {
    const env = { ...this.#options.env, ...tier.env };
    if (!this.#isFounded) {
      const file = await tier.clusterFile(join(this.folder, 'cluster'));
      const init = ['init', '--data', this.data, '--port', String(this.port), '--cluster', file];
      await succeeds([...init, ...more], { env });
      // A gateway apart has no key of the log, so one is let promise for it.
      await succeeds(['log-key', 'promises', '--data', this.data, '--days', '1'], { env });
      this.#isFounded = true;
    }
    const options = { ...this.#options, env };
    const data = ['--data', this.data];
    const at = `127.0.0.1:${this.port}`;
    const server = new CliProcess(['gateway', ...data, '--listen', at], options);
    this.#beside = ['ledger', 'projector'].map((name) => new CliProcess([name, ...data], options));
    this.server = server;
    await Promise.all([server, ...this.#beside].map((each) => each.said(/\n$/)));
    while (!(await fetch(`http://${at}/readyz`)).ok) await sleep(50);
    return server;
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    const beside = this.#beside.splice(0).map((each) => each.signal(signal));
    const ended = await this.server?.signal(signal);
    await Promise.all(beside);
    this.server = undefined;
    return ended ?? { exit: null, stdout: '', stderr: '' };
  }

  /** Enrols the first person with a passkey in software. */
  async founder(): Promise<HttpPerson> {
    return HttpPerson.enrol((await readFile(join(this.data, 'enrolment-link.txt'), 'utf8')).trim());
  }

  /** A command of this ledger, in its own folder. */
  run(command: string, args: readonly string[], options: CliOptions = {}): CliProcess {
    const words = command.split(' ');
    const process = new CliProcess([...words, '--data', this.data, ...args], {
      cwd: this.folder,
      ...options,
    });
    this.#spawned.push(process);
    return process;
  }

  /** `exec` as far as its request; with the id of that. */
  async ask(
    args: readonly string[],
    options: CliOptions = {},
  ): Promise<{ exec: CliProcess; id: string }> {
    const exec = this.run('exec', args, options);
    return { exec, id: await idOf(exec) };
  }

  /** Somebody whom a founder lets in: enrolled with a passkey in software, which its maker vouches for if there is one. */
  async invited(
    founder: HttpPerson,
    { maker, ...options }: CliOptions & { readonly maker?: SoftwareMaker } = {},
  ): Promise<HttpPerson> {
    const link = await linkOf(this.run('enrol person', [], options), founder);
    return HttpPerson.enrol(link, maker);
  }

  /** The same person with another passkey in software, which their first one lets in. */
  async withAnotherPasskey(person: HttpPerson): Promise<HttpPerson> {
    return HttpPerson.enrol(await linkOf(this.run('enrol passkey', [person.person]), person));
  }

  /** Sets a policy that one founder may set. */
  async setPolicy(founder: HttpPerson, policy: object): Promise<void> {
    const change = { kind: 'policy-set', policy };
    const action = { type: 'authority.change', params: { change } };
    const key = join(this.data, 'keys', 'operator.key');
    const args = ['-', '--key', key, '--agent-id', 'operator', '--json'];
    const { stdout } = await this.run('request', args, { stdin: JSON.stringify(action) }).ended;
    await approve(founder, (JSON.parse(stdout) as { action_id: string }).action_id);
  }

  async discard(): Promise<void> {
    const spawned = [
      ...this.#spawned,
      ...this.#beside,
      ...(this.server === undefined ? [] : [this.server]),
    ];
    await Promise.all(spawned.map((process) => process.signal('SIGKILL')));
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Of the request that a command says it has made. */
export async function idOf(process: CliProcess): Promise<string> {
  const [, id = ''] = await process.said(/\/action\/([0-9A-Z]{26})/);
  return id;
}

/** What a command that invites says to hand over, once somebody has signed for it. */
async function linkOf(enrol: CliProcess, signer: HttpPerson): Promise<string> {
  await approve(signer, await idOf(enrol));
  const { stdout, stderr } = await enrol.ended;
  const [, file = ''] = /hand over the link in (\S+)/.exec(stdout + stderr) ?? [];
  return (await readFile(file, 'utf8')).trim();
}

/** Approves as soon as the request is in the person's inbox. */
export async function approve(person: HttpPerson, id: string): Promise<void> {
  for (let i = 0; i < 200; i += 1) {
    const open = await person.inbox();
    if (open.some(({ action_id }) => action_id === id)) {
      const { status, body } = await person.decide(id, 'approve', 'I looked at it');
      if (status !== 201) throw new Error(`expected 201, got ${status} ${JSON.stringify(body)}`);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`expected ${id} in the inbox`);
}

async function succeeds(args: readonly string[], options: CliOptions): Promise<void> {
  const { exit, stderr } = await countersign(args, options);
  if (exit !== 0) throw new Error(`expected countersign ${args[0] ?? ''} to succeed:\n${stderr}`);
}
