import { expect } from 'vitest';
import { CliError } from '../src/cli-error.ts';

/** The code with which something was refused. */
export async function codeOf(run: () => unknown): Promise<string> {
  try {
    await run();
  } catch (error) {
    expect(error).toBeInstanceOf(CliError);
    if (error instanceof CliError) return error.code;
  }
  return 'NOT REFUSED';
}
