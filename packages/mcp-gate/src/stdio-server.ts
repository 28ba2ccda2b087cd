import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { GateError } from './gate-error.ts';
import { asLine, readLines } from './message-line.ts';
import type { OpenServer, ServerEvents } from './server-end.ts';

export interface Launch {
  readonly file: string;
  /** With the name that the program is called by. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** What has to be true of the program each time before it is started. @throws GateError when it is not */
  readonly beforeStart: () => Promise<void>;
  /** Where its standard error goes. */
  readonly onErrorOutput: (chunk: Buffer) => void;
}

const CLOSE_WITHIN_MS = 5_000;

/**
 * Servers that are started here: one process a session. One that may not be started leaves the session open, and each message
 * of it is answered with the reason.
 */
export function stdioServer(launch: Launch): OpenServer {
  return (events) => {
    const starting = launch.beforeStart().then(() => started(launch, events));
    const child = starting.catch(() => undefined);
    return {
      send: async (text) => written(await starting, asLine(text)),
      close: async () => {
        const running = await child;
        if (running !== undefined) await closed(running);
      },
    };
  };
}

function started(launch: Launch, events: ServerEvents): ChildProcessWithoutNullStreams {
  const { file, argv, env, cwd } = launch;
  const [argv0 = file, ...args] = argv;
  const child = spawn(file, args, { argv0, env, cwd, stdio: 'pipe' });
  child.stderr.on('data', launch.onErrorOutput);
  // A write to a process that is gone is told by its end.
  child.stdin.on('error', () => undefined);
  child.on('error', () => {
    events.onEnd('the server did not start');
  });
  child.on('close', () => {
    events.onEnd('the server has ended');
  });
  readLines(child.stdout, (line) => {
    events.onMessage(line);
  }).catch(() => {
    child.kill('SIGKILL');
  });
  return child;
}

function written({ stdin }: ChildProcessWithoutNullStreams, line: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stdin.write(`${line}\n`, (error) => {
      if (!error) resolve();
      else reject(new GateError('UPSTREAM_FAILED', 'the server has ended', { cause: error }));
    });
  });
}

/** As MCP asks: its input ends, then it is told to stop, then it is stopped. */
async function closed(child: ChildProcessWithoutNullStreams): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const over = new Promise((resolve) => child.once('close', resolve));
  child.stdin.end();
  const kill = (signal: NodeJS.Signals, ms: number): NodeJS.Timeout =>
    setTimeout(() => child.kill(signal), ms).unref();
  const timers = [kill('SIGTERM', CLOSE_WITHIN_MS / 2), kill('SIGKILL', CLOSE_WITHIN_MS)];
  await over;
  timers.forEach(clearTimeout);
}
