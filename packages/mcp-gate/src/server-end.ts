import type { RequestId } from './client-message.ts';

/** The way to one MCP server, for one session. */
export interface ServerEnd {
  /** @throws GateError UPSTREAM_FAILED when the server has not taken it */
  send(text: string, about: RequestId | undefined): Promise<void>;
  close(): Promise<void>;
}

export interface ServerEvents {
  /** @param about the request on whose stream it came, where the transport has such */
  readonly onMessage: (text: string, about?: RequestId) => void;
  /** The stream for a request is over. Without an answer before, there will be none. */
  readonly onStreamEnd: (about: RequestId) => void;
  readonly onEnd: (why: string) => void;
}

export type OpenServer = (
  events: ServerEvents,
  /** What the client authenticates with, for a server that is reached over HTTP. */
  credentials: { readonly authorization: string | undefined },
) => ServerEnd;
