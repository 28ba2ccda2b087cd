import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

const PRODUCE = 0;
/** Of a request: length INT32, api key INT16. */
const API_KEY_AT = 4;

/**
 * Where the connection of the next Produce request is cut: `before` any byte of it, at `half` of it, or `after` it, when its
 * acknowledgement is on the way.
 */
export type Cut = 'before' | 'half' | 'after';

/** Stands between a client and the broker, and cuts their connection at a given point. */
export class CuttingProxy {
  readonly #server: Server;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #open = new Set<Socket>();
  #cut: Cut | undefined;
  #isLastCut = false;
  #isAway = false;
  #cuts = 0;

  private constructor(target: string) {
    const [host = '', port = ''] = target.split(':');
    this.#target = { host, port: Number(port) };
    this.#server = createServer((client) => {
      this.#join(client);
    });
  }

  static async start(target: string): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  /** For `openSocket`: whatever address the broker names, the way leads through here. */
  readonly openSocket = (): Socket => {
    const { port } = this.#server.address() as AddressInfo;
    return connect({ host: '127.0.0.1', port });
  };

  /** How many connections were cut at a Produce request. */
  get cuts(): number {
    return this.#cuts;
  }

  cutNextProduce(cut: Cut): void {
    this.#cut = cut;
    this.#isLastCut = false;
  }

  /** Loses the acknowledgement of the next Produce request, and is away from then on. */
  cutNextProduceAndGoAway(): void {
    this.#cut = 'after';
    this.#isLastCut = true;
  }

  /** Cuts everything, and takes nothing until it comes back. */
  goAway(): void {
    this.#isAway = true;
    for (const socket of this.#open) socket.destroy();
  }

  comeBack(): void {
    this.#isAway = false;
  }

  async stop(): Promise<void> {
    this.goAway();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(client: Socket): void {
    if (this.#isAway) {
      client.destroy();
      return;
    }
    const broker = connect(this.#target);
    const end = (): void => {
      client.destroy();
      broker.destroy();
    };
    for (const socket of [client, broker]) {
      this.#open.add(socket);
      socket.on('error', end);
      socket.on('close', () => {
        this.#open.delete(socket);
        end();
      });
    }
    let isCutAtReply = false;
    client.on('data', (bytes: Buffer) => {
      const cut = bytes.length > API_KEY_AT + 2 && bytes.readInt16BE(API_KEY_AT) === PRODUCE;
      const where = cut ? this.#cut : undefined;
      if (where !== undefined) {
        this.#cut = undefined;
        this.#cuts += 1;
      }
      if (where === 'before') end();
      else if (where === 'half') broker.write(bytes.subarray(0, bytes.length / 2), end);
      else broker.write(bytes);
      if (where === 'after') isCutAtReply = true;
    });
    broker.on('data', (bytes: Buffer) => {
      if (!isCutAtReply) client.write(bytes);
      else if (this.#isLastCut) this.goAway();
      else end();
    });
  }
}
