import type { CliContext } from './context.ts';

/** How a command is put into the program: it hands its exit code to `end`. */
export interface CommandParts {
  readonly context: CliContext;
  readonly end: (exitCode: number) => void;
}
