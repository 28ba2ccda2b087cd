import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

/** One message a line, as MCP frames them on a pipe. */
const LINE_BYTES_MAX = 16 * 1024 * 1024;

/** What some readers of lines take for the end of one: a bare CR, and the separators of Unicode. */
const OTHER_ENDS = /[\r\n\u0085\u2028\u2029]/g;

/**
 * A message that every reader of lines takes for one line. What would end a line elsewhere is white space between tokens of
 * JSON, or escaped within a string: the same message. Else a server could be shown the middle of a string as a message.
 */
export function asLine(text: string): string {
  const line = text.endsWith('\r') ? text.slice(0, -1) : text;
  if (line.search(OTHER_ENDS) === -1) return text;
  return line.replaceAll(OTHER_ENDS, (sign) =>
    sign === '\r' || sign === '\n' ? ' ' : `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Calls back for each line, until the stream ends or a line is longer than 16 MiB. */
export async function readLines(stream: Readable, onLine: (line: string) => void): Promise<void> {
  const decoder = new StringDecoder('utf8');
  let open: string[] = [];
  let size = 0;
  for await (const chunk of stream) {
    const text = decoder.write(chunk as Buffer);
    const lines = text.split('\n');
    const rest = lines.pop() ?? '';
    for (const line of lines) {
      open.push(line);
      const whole = open.join('');
      open = [];
      size = 0;
      if (whole.trim() !== '') onLine(whole);
    }
    open.push(rest);
    size += rest.length;
    if (size > LINE_BYTES_MAX) throw new RangeError('expected lines of at most 16 MiB');
  }
}
