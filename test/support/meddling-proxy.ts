import {
  createServer,
  request,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';

/** What stands between somebody and the ledger does with one call: lets it pass, cuts it before or after it has arrived, or answers itself. */
export type Meddling =
  'pass' | 'cut' | 'cut-after' | { readonly status: number; readonly body: string };
export type Meddler = (call: string) => Meddling;

/** The network: everybody reaches the ledger through it, at its public address. */
export class MeddlingProxy {
  meddle: Meddler = () => 'pass';
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.url = `http://localhost:${port}`;
  }

  static async listen(port: number, ledgerPort: number): Promise<MeddlingProxy> {
    const server = createServer((incoming, response) => {
      const call = `${incoming.method ?? ''} ${incoming.url ?? ''}`;
      const what = made.meddle(call);
      if (what === 'cut') incoming.socket.destroy();
      else if (what === 'pass') forward(incoming, response, ledgerPort);
      else if (what === 'cut-after') forwardOnly(incoming, ledgerPort);
      else response.writeHead(what.status, { 'content-type': 'application/json' }).end(what.body);
    });
    const made = new MeddlingProxy(server, port);
    await new Promise<void>((resolve) => {
      server.listen(port, 'localhost', resolve);
    });
    return made;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function forward(incoming: IncomingMessage, response: ServerResponse, port: number): void {
  const { method, url, headers } = incoming;
  const onward = request({ host: '127.0.0.1', port, method, path: url, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
    answer.once('close', () => {
      if (!answer.complete) incoming.socket.destroy();
    });
  });
  onward.on('error', () => incoming.socket.destroy());
  incoming.pipe(onward);
}

/** The ledger takes it and answers; nobody hears the answer. */
function forwardOnly(incoming: IncomingMessage, port: number): void {
  const { method, url, headers } = incoming;
  const onward = request({ host: '127.0.0.1', port, method, path: url, headers }, (answer) => {
    answer.resume();
    answer.once('end', () => incoming.socket.destroy());
  });
  onward.on('error', () => incoming.socket.destroy());
  incoming.pipe(onward);
}
