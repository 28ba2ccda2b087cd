import type { Readable } from 'node:stream';

const EVENT_BYTES_MAX = 16 * 1024 * 1024;

/** The data of each event of a `text/event-stream`: WHATWG HTML, "Server-sent events". */
export async function readEvents(stream: Readable, onData: (data: string) => void): Promise<void> {
  stream.setEncoding('utf8');
  let open = '';
  let data: string[] = [];
  let size = 0;
  for await (const chunk of stream) {
    open += chunk as string;
    // A CR at the very end may be half of a CRLF.
    const isHalf = open.endsWith('\r');
    const lines = (isHalf ? open.slice(0, -1) : open).split(/\r\n|\n|\r/);
    open = `${lines.pop() ?? ''}${isHalf ? '\r' : ''}`;
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0 && data.join('') !== '') onData(data.join('\n'));
        data = [];
        size = 0;
      } else if (line.startsWith('data:')) {
        data.push(line.slice(line[5] === ' ' ? 6 : 5));
        size += line.length;
      }
    }
    if (open.length + size > EVENT_BYTES_MAX) {
      throw new RangeError('expected events of at most 16 MiB');
    }
  }
}

/** One message as an event. */
export function eventOf(text: string): string {
  const lines = text.split(/\r\n|\n|\r/).map((line) => `data: ${line}\n`);
  return `event: message\n${lines.join('')}\n`;
}
