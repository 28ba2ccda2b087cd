import type { Readable, Writable } from 'node:stream';
import { GateSession, type SessionParts } from './gate-session.ts';
import { asLine, readLines } from './message-line.ts';

export interface StdioClient {
  readonly input: Readable;
  readonly output: Writable;
  /** Ends the session. */
  readonly signal: AbortSignal;
}

/** One client on a pipe. Resolves when one of the ends is gone, and says which. */
export async function serveStdio(
  parts: SessionParts,
  { input, output, signal }: StdioClient,
): Promise<string> {
  return new Promise((resolve) => {
    const session = new GateSession(parts, {
      toClient: (text) => {
        output.write(`${asLine(text)}\n`);
      },
      onEnd: resolve,
    });
    signal.addEventListener('abort', () => void session.end('the gate was stopped'), {
      once: true,
    });
    readLines(input, (line) => {
      session.fromClient(line);
    }).then(
      () => session.end('the client has ended'),
      () => session.end('the client sent a line of more than 16 MiB'),
    );
  });
}
