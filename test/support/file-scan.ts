import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

/** Every form in which a text can stand in a file: itself, in hex, and in base64 at each of its three alignments. */
function formsOf(text: string): Buffer[] {
  const bytes = Buffer.from(text);
  const base64 = [0, 1, 2].flatMap((before) => {
    const shifted = Buffer.concat([Buffer.alloc(before), bytes]);
    // The first and the last letters also hold bits of the neighbours.
    const [from, to] = [Math.ceil((before * 8) / 6), Math.floor((shifted.length * 8) / 6)];
    return (['base64', 'base64url'] as const).map((form) => shifted.toString(form).slice(from, to));
  });
  const hex = bytes.toString('hex');
  return [bytes, ...[hex, hex.toUpperCase(), ...base64].map((form) => Buffer.from(form))];
}

/** Whether bytes hold a text in whatever form. */
export function holds(bytes: Buffer, text: string): boolean {
  return formsOf(text).some((form) => bytes.includes(form));
}

/** The files below a folder that hold a text, in whatever form. */
export async function filesHolding(folder: string, text: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = path.join(entry.parentPath, entry.name);
    if (holds(await readFile(file), text)) found.push(path.relative(folder, file));
  }
  return found.sort();
}
