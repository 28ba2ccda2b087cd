const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const NO_VALUE = 0xff;
const VALUES = new Uint8Array(128).fill(NO_VALUE);
for (let value = 0; value < ALPHABET.length; value += 1) VALUES[ALPHABET.charCodeAt(value)] = value;

/** Standard base64 (RFC 4648 §4), padded. */
export function encodeBase64(bytes: Uint8Array): string {
  let text = '';
  const whole = bytes.length - (bytes.length % 3);
  for (let start = 0; start < whole; start += 3) {
    const bits =
      ((bytes[start] ?? 0) << 16) | ((bytes[start + 1] ?? 0) << 8) | (bytes[start + 2] ?? 0);
    text += letter(bits >> 18) + letter(bits >> 12) + letter(bits >> 6) + letter(bits);
  }
  if (whole === bytes.length) return text;
  const bits = ((bytes[whole] ?? 0) << 16) | ((bytes[whole + 1] ?? 0) << 8);
  const third = whole + 2 === bytes.length ? letter(bits >> 6) : '=';
  return `${text}${letter(bits >> 18)}${letter(bits >> 12)}${third}=`;
}

function letter(bits: number): string {
  return ALPHABET.charAt(bits & 63);
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
