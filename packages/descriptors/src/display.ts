import { canonicalBytes, digestBytes, type Digest, type Json } from '@countersign/canonical';
import { DescriptorError } from './descriptor-error.ts';
import { lengthOf } from './text-length.ts';

export type DisplayMark = 'warning' | 'added' | 'removed' | 'code';

export interface DisplayLine {
  readonly label: string;
  readonly value: string;
  readonly mark?: DisplayMark;
}

/** What a human is shown, and signs for. schemas/formats/descriptor-and-display.md §5. */
export interface Display {
  readonly v: 'countersign.display.v1';
  /** The action's: the salt of the digest, since lines can be guessed. */
  readonly nonce: string;
  readonly type: string;
  readonly title: string;
  readonly lines: readonly DisplayLine[];
  readonly warnings: readonly string[];
  /** The agent's word, in a box of its own. */
  readonly claims: readonly DisplayLine[];
  readonly not_covered: readonly string[];
}

const LINES_MAX = 2000;
const VALUE_MAX = 14_000;
const DISPLAY_BYTES_MAX = 262_144;

function toJson(display: Display): Json {
  // Interfaces have no index signature; a Display holds texts, arrays and objects of texts only.
  return display as unknown as Json;
}

export function displayDigest(display: Display): Digest {
  return displayDigestOf(canonicalBytes(toJson(display)));
}

/** As `displayDigest`, where the canonical bytes are known. */
export function displayDigestOf(bytes: Uint8Array): Digest {
  return digestBytes('countersign/display/v1', bytes);
}

function checkLine(line: DisplayLine): void {
  const length = lengthOf(line.value);
  if (length > VALUE_MAX) {
    throw new DescriptorError(
      'RENDER_REFUSED',
      `line "${line.label}": expected at most ${VALUE_MAX} characters, got ${length}`,
    );
  }
}

/**
 * Nothing is ever cut: what is too long to show in full cannot be approved. Answers the canonical bytes, which had to
 * be made to know their size.
 */
export function assertShowable(display: Display): Uint8Array {
  const count = display.lines.length + display.claims.length + display.warnings.length;
  if (count > LINES_MAX) {
    throw new DescriptorError(
      'RENDER_REFUSED',
      `expected at most ${LINES_MAX} lines, got ${count}`,
    );
  }
  display.lines.forEach(checkLine);
  display.claims.forEach(checkLine);
  const bytes = canonicalBytes(toJson(display));
  if (bytes.length > DISPLAY_BYTES_MAX) {
    throw new DescriptorError(
      'RENDER_REFUSED',
      `expected a display of at most ${DISPLAY_BYTES_MAX} bytes, got ${bytes.length}`,
    );
  }
  return bytes;
}

/** What the type itself shows of an action. */
export type OwnLines = Pick<Display, 'lines' | 'warnings' | 'claims'>;
