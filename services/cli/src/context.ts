import type { Readable, Writable } from 'node:stream';
import type { Output } from './output.ts';

/** Everything that a command knows of the world. Only main.ts builds one from the process; tests build their own. */
export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** What to type to run this program again, for hints that can be copied. */
  readonly command: string;
  readonly tempFolder: string;
  readonly version: string;
  readonly stdin: Readable;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Where a command that is run writes, byte for byte. */
  readonly child: { readonly stdout: Writable; readonly stderr: Writable };
  /** Aborted by Ctrl-C or SIGTERM: what waits stops waiting, and says how to go on. */
  readonly interrupted: AbortSignal;
  /** Runs `stop` when the process is told to end, and ends it then. */
  readonly closeWith: (stop: (why: string) => Promise<void>) => void;
  /** Ends the process with the command's exit code at the latest then, whatever still keeps it. */
  readonly exitWithin: (ms: number) => void;
  readonly nowMs: () => number;
  readonly randomBytes: (size: number) => Uint8Array;
}
