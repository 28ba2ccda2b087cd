import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** `lose-replies`: what is sent arrives, what is answered does not. */
export type LinkFault = 'none' | 'lose-replies' | 'refuse' | { readonly delayMs: number };

/** Stands between processes and a server over TCP, and does to their connections what it is told. */
export class FaultProxy {
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #targetPort = 0;
  #fault: LinkFault = 'none';

  private constructor() {
    this.#server = createServer((near) => {
      this.#join(near);
    });
  }

  static async start(): Promise<FaultProxy> {
    const proxy = new FaultProxy();
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Where to, which may be known later than the proxy's own port. */
  to(port: number): void {
    this.#targetPort = port;
  }

  set(fault: LinkFault): void {
    this.#fault = fault;
    if (fault === 'refuse') this.cut();
  }

  /** Ends every connection now, whatever is under way. */
  cut(): void {
    for (const [near, far] of this.#pairs) {
      near.resetAndDestroy();
      far.resetAndDestroy();
    }
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(near: Socket): void {
    if (this.#fault === 'refuse') {
      near.resetAndDestroy();
      return;
    }
    const far = connect({ host: '127.0.0.1', port: this.#targetPort });
    const pair = [near, far] as const;
    this.#pairs.add(pair);
    for (const [socket, other] of [pair, [far, near] as const]) {
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.once('close', () => {
        this.#pairs.delete(pair);
        other.destroy();
      });
    }
    near.on('data', (chunk: Buffer) => {
      this.#pass(far, chunk);
    });
    far.on('data', (chunk: Buffer) => {
      if (this.#fault !== 'lose-replies') this.#pass(near, chunk);
    });
  }

  /** In order: every chunk of a connection waits as long. */
  #pass(socket: Socket, chunk: Buffer): void {
    const delayMs = typeof this.#fault === 'object' ? this.#fault.delayMs : 0;
    if (delayMs === 0) {
      socket.write(chunk);
      return;
    }
    setTimeout(() => {
      if (!socket.destroyed) socket.write(chunk);
    }, delayMs);
  }
}
