import { spawn, type ChildProcess } from 'node:child_process';
import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:os';
import type { Writable } from 'node:stream';
import type { Digest } from '@countersign/canonical';
import { cliError, isSystemError } from './cli-error.ts';

export interface CommandToRun {
  /** The file to start: a private copy, or the interpreter of one. */
  readonly file: string;
  readonly argv0: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: Uint8Array;
  readonly timeoutMs: number;
}

export interface CommandOutput {
  readonly name: 'stdout' | 'stderr';
  readonly digest: Digest;
  readonly bytes: number;
}

export interface CommandEnd {
  /** As a shell counts: 128 and the signal's number when one ended it. */
  readonly exitStatus: number;
  readonly isTimedOut: boolean;
  readonly outputs: readonly CommandOutput[];
}

export interface CommandSurroundings {
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly interrupted: AbortSignal;
  /** Salt of each output's digest, at least 16 bytes. */
  readonly salts: { readonly stdout: Uint8Array; readonly stderr: Uint8Array };
}

const OUTPUT_TAG = 'countersign/output/v1\n';
const KILL_AFTER_MS = 5_000;
const SIGNAL_BASE = 128;

/**
 * Runs a command once, with exactly this environment, and passes its output through. It has a process group of its own,
 * so that a time limit ends what it started too. Ctrl-C is passed on to it, and the caller still hears how it ended.
 *
 * @throws CliError COMMAND_NOT_STARTED: it certainly did not run
 */
export async function runCommand(
  command: CommandToRun,
  surroundings: CommandSurroundings,
): Promise<CommandEnd> {
  const child = spawn(command.file, command.args, {
    argv0: command.argv0,
    cwd: command.cwd,
    env: { ...command.env },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const ended = endOf(child);
  const outputs = [
    meter('stdout', child, surroundings),
    meter('stderr', child, surroundings),
  ] as const;
  feed(child, command.stdin);
  const stopper = stopGroup(child, command.timeoutMs, surroundings.interrupted);
  try {
    const exitStatus = await ended;
    return {
      exitStatus,
      isTimedOut: stopper.isTimedOut(),
      outputs: outputs.map((output) => output.finish()),
    };
  } finally {
    stopper.clear();
  }
}

function endOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => {
      if (child.pid !== undefined) return;
      const why = isSystemError(cause, 'ENOENT', 'EACCES', 'ENOEXEC', 'E2BIG')
        ? cause.code
        : 'error';
      reject(
        cliError('COMMAND_NOT_STARTED', `the system did not start the program (${String(why)})`, {
          cause,
          hint: 'is TMPDIR on a file system that allows programs, and is the working directory still there?',
        }),
      );
    });
    // `close` comes after the last byte of both outputs.
    child.once('close', (code, signal) => {
      if (child.pid === undefined) return;
      resolve(code ?? SIGNAL_BASE + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

function feed(child: ChildProcess, bytes: Uint8Array): void {
  // A program may end without reading all of it; that is its own affair.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(bytes);
}

interface Meter {
  finish(): CommandOutput;
}

function meter(
  name: 'stdout' | 'stderr',
  child: ChildProcess,
  { [name]: target, salts }: CommandSurroundings,
): Meter {
  const hash: Hash = createHash('sha256').update(OUTPUT_TAG).update(salts[name]);
  let bytes = 0;
  child[name]?.on('data', (chunk: Buffer) => {
    hash.update(chunk);
    bytes += chunk.length;
  });
  child[name]?.pipe(target, { end: false });
  return { finish: () => ({ name, digest: `sha256:${hash.digest('hex')}`, bytes }) };
}

interface Stopper {
  isTimedOut(): boolean;
  clear(): void;
}

function stopGroup(child: ChildProcess, timeoutMs: number, interrupted: AbortSignal): Stopper {
  let isTimedOut = false;
  let killing: NodeJS.Timeout | undefined;
  const stop = (signal: NodeJS.Signals): void => {
    signalGroup(child, signal);
    killing ??= setTimeout(() => {
      signalGroup(child, 'SIGKILL');
      // A program that left its group may still hold the other ends; it is not waited for.
      child.stdout?.destroy();
      child.stderr?.destroy();
    }, KILL_AFTER_MS);
  };
  const onInterrupt = (): void => {
    stop('SIGINT');
  };
  const timer = setTimeout(() => {
    isTimedOut = true;
    stop('SIGTERM');
  }, timeoutMs);
  if (interrupted.aborted) onInterrupt();
  else interrupted.addEventListener('abort', onInterrupt, { once: true });
  return {
    isTimedOut: () => isTimedOut,
    clear: () => {
      clearTimeout(timer);
      clearTimeout(killing);
      interrupted.removeEventListener('abort', onInterrupt);
    },
  };
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if (!isSystemError(error, 'ESRCH')) throw error;
  }
}
