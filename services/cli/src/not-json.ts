import { CanonicalError, parseStrict } from '@countersign/canonical';

/** Whether a parser refused text that is no JSON at all, and not what the JSON says. */
export function isNotJson(error: unknown): boolean {
  return (
    error instanceof CanonicalError &&
    (error.code === 'JSON_SYNTAX' || error.code === 'TEXT_ENCODING')
  );
}

/** Whether these bytes are no JSON at all: then a person has named another file than was meant. */
export function holdsNoJson(bytes: Uint8Array): boolean {
  try {
    parseStrict(bytes);
    return false;
  } catch (error) {
    if (!(error instanceof CanonicalError)) throw error;
    return isNotJson(error);
  }
}
