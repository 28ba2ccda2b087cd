const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const VALUES = new Map(Array.from(ALPHABET, (letter, value) => [letter, value]));
const SHAPE = /^[A-Za-z0-9+/]*={0,2}$/;

/** Standard base64 (RFC 4648 §4), padded. */
export function encodeBase64(bytes: Uint8Array): string {
  let text = '';
  for (let start = 0; start < bytes.length; start += 3) {
    const group = bytes.subarray(start, start + 3);
    const bits = ((group[0] ?? 0) << 16) | ((group[1] ?? 0) << 8) | (group[2] ?? 0);
    for (let letter = 0; letter < 4; letter += 1) {
      text += letter > group.length ? '=' : ALPHABET.charAt((bits >> (18 - 6 * letter)) & 63);
    }
  }
  return text;
}

/**
 * Reads standard base64; undefined when malformed. Strict, so that a byte string has one spelling
 * only: padding is required, and the bits that it leaves over must be zero.
 */
export function decodeBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0 || !SHAPE.test(text)) return undefined;
  const letters = text.replace(/=+$/, '');
  const bytes = new Uint8Array(Math.floor((letters.length * 3) / 4));
  let pending = 0;
  let pendingBits = 0;
  let written = 0;
  for (const letter of letters) {
    pending = ((pending << 6) | (VALUES.get(letter) ?? 0)) & 0xffff;
    pendingBits += 6;
    if (pendingBits < 8) continue;
    pendingBits -= 8;
    bytes[written] = (pending >> pendingBits) & 0xff;
    written += 1;
  }
  const strayBits = pending & ((1 << pendingBits) - 1);
  return strayBits === 0 ? bytes : undefined;
}
