const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Reads UTF-8; undefined when it is malformed. TextDecoder is no part of the language, but
 * decodeURIComponent is, and it refuses overlong forms, surrogates and truncation.
 */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  let escaped = '';
  for (const byte of bytes) escaped += `%${byte.toString(16).padStart(2, '0')}`;
  try {
    return decodeURIComponent(escaped);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

/**
 * Whether a note can hold a text (c2sp.org/signed-note): no control character but newline, and no lone
 * surrogate, which has no UTF-8 form and would be replaced in silence.
 */
export function isNoteText(text: string): boolean {
  for (let position = 0; position < text.length; position += 1) {
    const code = text.charCodeAt(position);
    if (code < 0x20 && code !== 0x0a) return false;
  }
  return !LONE_SURROGATE.test(text);
}
