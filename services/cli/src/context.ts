import type { Readable } from 'node:stream';

/** A stream of text to a person or a program. */
export interface TextSink {
  readonly isTty: boolean;
  write(text: string): void;
}

/** Everything that a command knows of the world. Only main.ts builds one from the process; tests build their own. */
export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly tempFolder: string;
  readonly stdin: Readable;
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  /** Aborted by Ctrl-C or SIGTERM: what waits stops waiting, and says how to go on. */
  readonly interrupted: AbortSignal;
  readonly nowMs: () => number;
  readonly randomBytes: (size: number) => Uint8Array;
}
