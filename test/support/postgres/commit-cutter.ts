import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

const COMMIT = Buffer.from('commit\0');

/** Whether the COMMIT still reaches the server, whose answer is lost, or does not; `silent`: without an end of the connection. */
export type CommitCut = 'before' | 'after' | 'silent';

/** Stands between a client and PostgreSQL, and cuts the connection at a COMMIT. */
export class CommitCutter {
  /** Of the same database, through here. */
  readonly url: string;
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  #cut: CommitCut | undefined;
  #cuts = 0;

  private constructor(url: string, server: Server) {
    this.url = url;
    this.#server = server;
  }

  static async start(target: string): Promise<CommitCutter> {
    const through = new URL(target);
    const { hostname: host, port } = through;
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    through.hostname = '127.0.0.1';
    through.port = String((server.address() as AddressInfo).port);
    const cutter = new CommitCutter(through.href, server);
    server.on('connection', (client) => {
      cutter.#join(client, connect({ host, port: Number(port === '' ? 5432 : port) }));
    });
    return cutter;
  }

  get cuts(): number {
    return this.#cuts;
  }

  cutNextCommit(cut: CommitCut): void {
    this.#cut = cut;
  }

  async stop(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(client: Socket, server: Socket): void {
    const end = (): void => {
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      this.#open.add(socket);
      socket.on('error', end);
      socket.on('close', () => {
        this.#open.delete(socket);
        end();
      });
    }
    let atAnswer: 'pass' | 'end' | 'drop' = 'pass';
    client.on('data', (bytes: Buffer) => {
      const cut = bytes.includes(COMMIT) ? this.#cut : undefined;
      if (cut === undefined) {
        server.write(bytes);
        return;
      }
      this.#cut = undefined;
      this.#cuts += 1;
      if (cut === 'before') {
        end();
        return;
      }
      atAnswer = cut === 'after' ? 'end' : 'drop';
      server.write(bytes);
    });
    server.on('data', (bytes: Buffer) => {
      if (atAnswer === 'end') end();
      if (atAnswer === 'pass') client.write(bytes);
    });
  }
}
