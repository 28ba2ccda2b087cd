import type { TextLine } from './text-lines.ts';

export interface LineDifference {
  readonly before: readonly TextLine[];
  readonly after: readonly TextLine[];
  /** Lines that only one of both has. */
  readonly changed: number;
}

/**
 * Lengths of the longest common subsequence of the tails that start at (i, j), row by row.
 * The caller bounds the number of lines.
 */
function tailLengths(before: readonly string[], after: readonly string[]): Uint16Array {
  const width = after.length + 1;
  const lengths = new Uint16Array((before.length + 1) * width);
  for (let i = before.length - 1; i >= 0; i -= 1) {
    for (let j = after.length - 1; j >= 0; j -= 1) {
      const below = lengths[(i + 1) * width + j] ?? 0;
      const right = lengths[i * width + j + 1] ?? 0;
      const diagonal = lengths[(i + 1) * width + j + 1] ?? 0;
      lengths[i * width + j] = before[i] === after[j] ? diagonal + 1 : Math.max(below, right);
    }
  }
  return lengths;
}

/**
 * Marks what differs, in texts that are both shown whole. Ties go to `removed` first, so that every
 * implementation marks the same lines: schemas/formats/descriptor-and-display.md §7.4.
 */
export function lineDifference(
  before: readonly string[],
  after: readonly string[],
): LineDifference {
  const lengths = tailLengths(before, after);
  const width = after.length + 1;
  const marked = { before: [] as TextLine[], after: [] as TextLine[] };
  let [i, j, changed] = [0, 0, 0];
  while (i < before.length || j < after.length) {
    const [left, right] = [before[i], after[j]];
    if (left !== undefined && left === right) {
      marked.before.push({ text: left });
      marked.after.push({ text: right });
      i += 1;
      j += 1;
      continue;
    }
    const below = lengths[(i + 1) * width + j] ?? 0;
    changed += 1;
    if (left !== undefined && (right === undefined || below >= (lengths[i * width + j + 1] ?? 0))) {
      marked.before.push({ text: left, mark: 'removed' });
      i += 1;
    } else if (right !== undefined) {
      marked.after.push({ text: right, mark: 'added' });
      j += 1;
    }
  }
  return { ...marked, changed };
}
