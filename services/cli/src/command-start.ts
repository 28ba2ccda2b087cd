import type { Writable } from 'node:stream';
import { CliError, cliError } from './cli-error.ts';
import { runCommand, type CommandEnd, type CommandSurroundings } from './command-runner.ts';
import type { CliContext } from './context.ts';
import type { PreparedCommand } from './prepared-command.ts';

/** Where the command's own output goes. */
export interface CommandStreams {
  readonly stdout: Writable;
  readonly stderr: Writable;
}

/** A use that the log holds, and what its output is digested with. */
export interface CommandUse {
  readonly shortId: string;
  readonly startBy: string;
  readonly salts: CommandSurroundings['salts'];
}

/**
 * Starts a command on its use, if everything still is as it was approved. A refusal to start is a value: the use is spent, and
 * the ledger has to hear that nothing came of it.
 */
export async function startCommand(
  command: PreparedCommand,
  { shortId, startBy, salts }: CommandUse,
  { stdout, stderr, context }: CommandStreams & { readonly context: CliContext },
): Promise<CommandEnd | CliError> {
  const { interrupted, nowMs } = context;
  try {
    if (interrupted.aborted) {
      throw cliError('INTERRUPTED', 'stopped after the use was claimed; it did not run');
    }
    await command.recheck();
    assertInTime(startBy, nowMs());
    return await runCommand(command.toRun(shortId), { stdout, stderr, interrupted, salts });
  } catch (error) {
    if (error instanceof CliError) return error;
    throw error;
  }
}

/** No skew: starting late is the harm. */
function assertInTime(startBy: string, nowMs: number): void {
  if (nowMs <= Date.parse(startBy)) return;
  throw new CliError('EXPIRED', `expected a start by ${startBy}; it did not run`);
}

/** What a report says of it. */
export function commandResult({ exitStatus, isTimedOut }: CommandEnd): 'succeeded' | 'failed' {
  return exitStatus === 0 && !isTimedOut ? 'succeeded' : 'failed';
}

/** What a person is told of it, with the name of its use: by that `trace` finds what was approved. */
export function endWords({ exitStatus, isTimedOut }: CommandEnd, shortId: string): string {
  const end = isTimedOut ? 'stopped when its time was over' : `ended with ${exitStatus}`;
  return `the command ${end}: ${shortId}`;
}
