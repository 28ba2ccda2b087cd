import { CanonicalError, type CanonicalErrorCode } from '../src/index.ts';

/** The code that `run` is refused with; undefined when it is not refused. Any other error passes through. */
export function refusal(run: () => unknown): CanonicalErrorCode | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (error instanceof CanonicalError) return error.code;
    throw error;
  }
}
