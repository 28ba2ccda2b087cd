const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const NO_VALUE = 0xff;
const VALUES = new Uint8Array(128).fill(NO_VALUE);

const LETTERS = Uint8Array.from(ALPHABET, (letter) => letter.charCodeAt(0));
for (const [value, code] of LETTERS.entries()) VALUES[code] = value;
const PADDING = '='.charCodeAt(0);
/** Arguments of one String.fromCharCode call; engines bound the argument count by their stack. */
const CHUNK = 4096;

/** Standard base64 (RFC 4648 §4), padded. */
export function encodeBase64(bytes: Uint8Array): string {
  const codes = new Uint8Array(Math.ceil(bytes.length / 3) * 4).fill(PADDING);
  let at = 0;
  for (let start = 0; start < bytes.length; start += 3) {
    const left = bytes.length - start;
    const bits =
      ((bytes[start] ?? 0) << 16) | ((bytes[start + 1] ?? 0) << 8) | (bytes[start + 2] ?? 0);
    codes[at] = letter(bits >> 18);
    codes[at + 1] = letter(bits >> 12);
    if (left > 1) codes[at + 2] = letter(bits >> 6);
    if (left > 2) codes[at + 3] = letter(bits);
    at += 4;
  }
  // At once: a text that grows letter by letter is a chain of pieces, each as large as a hash.
  let text = '';
  for (let from = 0; from < codes.length; from += CHUNK) {
    const part = codes.subarray(from, from + CHUNK);
    text += String(Reflect.apply(String.fromCharCode, undefined, part));
  }
  return text;
}

function letter(bits: number): number {
  return LETTERS[bits & 63] ?? 0;
}

/**
 * Reads standard base64; undefined when malformed. Strict, so that a byte string has one spelling
 * only: padding is required, and the bits that it leaves over must be zero.
 */
export function decodeBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0) return undefined;
  const padding = text.endsWith('==') ? 2 : Number(text.endsWith('='));
  const letters = text.length - padding;
  const bytes = new Uint8Array(Math.floor((letters * 3) / 4));
  let pending = 0;
  let pendingBits = 0;
  let written = 0;
  for (let at = 0; at < letters; at += 1) {
    const value = VALUES[text.charCodeAt(at)] ?? NO_VALUE;
    if (value === NO_VALUE) return undefined;
    pending = ((pending << 6) | value) & 0xffff;
    pendingBits += 6;
    if (pendingBits < 8) continue;
    pendingBits -= 8;
    bytes[written] = (pending >> pendingBits) & 0xff;
    written += 1;
  }
  const strayBits = pending & ((1 << pendingBits) - 1);
  return strayBits === 0 ? bytes : undefined;
}
