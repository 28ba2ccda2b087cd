import { TlogError } from '../src/index.ts';
import type { TlogErrorCode } from '../src/index.ts';

/** The code that an operation refuses with; undefined when it does not refuse. */
export function refusalOf(operation: () => unknown): TlogErrorCode | undefined {
  try {
    operation();
  } catch (error) {
    return codeOf(error);
  }
  return undefined;
}

export async function refusalOfAsync(
  operation: () => Promise<unknown>,
): Promise<TlogErrorCode | undefined> {
  try {
    await operation();
  } catch (error) {
    return codeOf(error);
  }
  return undefined;
}

function codeOf(error: unknown): TlogErrorCode {
  if (error instanceof TlogError) return error.code;
  throw error;
}
