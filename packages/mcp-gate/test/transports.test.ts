import { PassThrough, Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { withId } from '../src/answers.ts';
import { eventOf, readEvents } from '../src/event-stream.ts';
import { GateError } from '../src/gate-error.ts';
import { asLine, readLines } from '../src/message-line.ts';
import { stdioServer } from '../src/stdio-server.ts';

async function linesOf(chunks: readonly Buffer[]): Promise<string[]> {
  const lines: string[] = [];
  await readLines(Readable.from(chunks), (line) => lines.push(line));
  return lines;
}

async function eventsOf(chunks: readonly string[]): Promise<string[]> {
  const events: string[] = [];
  const stream = new PassThrough();
  const read = readEvents(stream, (data) => events.push(data));
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  await read;
  return events;
}

describe('a message a line', () => {
  it('is read however it is cut into pieces', async () => {
    const bytes = Buffer.from('{"a":"ü"}\r\n\n{"b":1}\n');
    const pieces = [...bytes].map((byte) => Buffer.from([byte]));
    expect(await linesOf(pieces)).toEqual(['{"a":"ü"}\r', '{"b":1}']);
    expect(await linesOf([bytes])).toEqual(['{"a":"ü"}\r', '{"b":1}']);
  });

  it('is one line for every reader: what others end a line at is written otherwise', () => {
    const hidden = '{"a":"\u2028{\\"method\\":\\"tools/call\\"}\u2029","b":"\u0085",\r"c":1\n}';
    const line = asLine(hidden);
    expect(line).not.toMatch(/[\r\n\u0085\u2028\u2029]/);
    expect(JSON.parse(line)).toEqual(JSON.parse(hidden));
  });

  it('stays as it is otherwise', () => {
    for (const text of ['{"a" :\t1}', '{"a":1}\r', '{"a":"\\n\\u2028"}']) {
      expect(asLine(text)).toBe(text);
    }
  });
});

describe('a stream of events', () => {
  it('is read however it is cut, with any end of line', async () => {
    const text =
      ': alive\r\n\r\nevent: message\r\nid: 7\r\ndata: {"a":\r\ndata:1}\r\n\r\ndata: x\n\ndata:\n\n';
    expect(await eventsOf([text])).toEqual(['{"a":\n1}', 'x']);
    expect(await eventsOf(Array.from(text))).toEqual(['{"a":\n1}', 'x']);
  });

  it('gives a message back as it was written', async () => {
    expect(await eventsOf([eventOf('{"a":1}'), eventOf('{"b":\n2}')])).toEqual([
      '{"a":1}',
      '{"b":\n2}',
    ]);
  });
});

it('A09: a server that may not be started takes no message, and is not started', async () => {
  const ends: string[] = [];
  const said: string[] = [];
  const server = stdioServer({
    file: process.execPath,
    argv: ['node', '--eval', 'console.error("started"); process.stdin.resume()'],
    env: {},
    cwd: '/',
    beforeStart: () => Promise.reject(new GateError('TOOL_CHANGED', 'expected another program')),
    onErrorOutput: (chunk) => said.push(chunk.toString()),
  })(
    {
      onMessage: (text) => said.push(text),
      onStreamEnd: () => undefined,
      onEnd: (why) => ends.push(why),
    },
    { authorization: undefined },
  );
  for (const text of ['{"id":1}', '{"id":2}']) {
    await expect(server.send(text, undefined)).rejects.toMatchObject({ code: 'TOOL_CHANGED' });
  }
  await server.close();
  expect([said, ends]).toEqual([[], []]);
});

it('an answer gets the id of the client, and is otherwise as the server wrote it', () => {
  const text = '{ "result":{"id":1, "n":1.50}, "id" : "countersign-x-1","jsonrpc":"2.0"}';
  expect(withId(text, 'a"b')).toBe(
    '{ "result":{"id":1, "n":1.50}, "id" : "a\\"b","jsonrpc":"2.0"}',
  );
});
