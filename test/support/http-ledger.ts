import { createHmac, randomBytes } from 'node:crypto';
import { verifySignature } from '@countersign/crypto-node';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import { buildGateway, type GatewayConfig, type GatewayLimits } from '@countersign/gateway';
import { TOKEN_KEY_ID } from '@countersign/http-auth';
import { RootSigner } from '@countersign/ledger';
import { LedgerClient } from '@countersign/sdk';
import { canonicalBytes } from '@countersign/canonical';
import type { FastifyInstance } from 'fastify';
import pino from 'pino';
import { FoundedLedger, type FoundedOptions } from './founded-ledger.ts';
import { freePort } from './free-port.ts';
import { MeddlingProxy } from './meddling-proxy.ts';
import { TENANT, type KeyHolder } from './parties.ts';
import { promiseKeyOf } from './promised.ts';

/** Reads everything. */
export const READ_TOKEN = 'read-token-of-the-http-ledger';

type HttpConfig = Pick<GatewayConfig, 'limits' | 'publicLog'>;

/** A founded ledger in this process with a gateway that listens, so that the network can be cut, and start again. */
export class HttpLedger {
  readonly ledger: FoundedLedger;
  /** The network: everybody reaches the ledger through it, at its public address. */
  readonly net: MeddlingProxy;
  readonly #port: number;
  readonly #config: HttpConfig;
  #app: FastifyInstance | undefined;
  #promiseKey: ReturnType<typeof promiseKeyOf> | undefined;

  private constructor(
    ledger: FoundedLedger,
    at: { net: MeddlingProxy; port: number },
    config: HttpConfig,
  ) {
    this.ledger = ledger;
    this.net = at.net;
    this.#port = at.port;
    this.#config = config;
  }

  static async start(
    options: FoundedOptions = {},
    limits: Partial<GatewayLimits> = {},
    more: Omit<HttpConfig, 'limits'> = {},
  ): Promise<HttpLedger> {
    const ledger = await FoundedLedger.create({ tier: 'sqlite', ...options });
    ledger.start();
    const port = await freePort();
    const net = await MeddlingProxy.listen(await freePort(), port);
    const made = new HttpLedger(ledger, { net, port }, { limits, ...more });
    await made.listen();
    return made;
  }

  get url(): string {
    return this.net.url;
  }

  async listen(): Promise<void> {
    const { ledger } = this;
    const app = buildGateway({
      config: {
        ledger: ledger.origin,
        publicOrigins: [this.url],
        version: 'test',
        ...this.#config,
      },
      router: ledger.router,
      view: ledger.projector,
      models: ledger.store,
      signHeadRoot: (note) =>
        new RootSigner({
          origin: ledger.origin,
          logKeys: [ledger.signer.vkey],
          signers: ledger.signers,
          verifySignature,
          keyEntries: () =>
            ledger.store.entriesOfType(['authority-changed'], Number.MAX_SAFE_INTEGER),
        }).sign(note),
      promiseKey: () => {
        const { origin, signer, clock } = ledger;
        this.#promiseKey ??= promiseKeyOf({ origin, signer, nowMs: clock.nowMs() });
        return this.#promiseKey;
      },
      descriptors: BUILTIN_DESCRIPTORS,
      health: () => ({
        writer: ledger.writer.status,
        sealedSize: ledger.writer.status.sealedSize,
        sealedAtMs: null,
        projectedSize: ledger.projector.status.storedSize,
        bindings: ledger.writer.counts.bindings,
      }),
      readTokens: [{ token: READ_TOKEN, tenant: TENANT }],
      verifySignature,
      nowMs: () => ledger.clock.nowMs(),
      randomBytes: (size) => new Uint8Array(randomBytes(size)),
      logger: pino({ level: 'silent' }),
    });
    await app.listen({ port: this.#port, host: '127.0.0.1' });
    this.#app = app;
  }

  /** Nobody answers at the address any more. */
  async hangUp(): Promise<void> {
    await this.#app?.close();
    this.#app = undefined;
  }

  /** Its services and its gateway start again. */
  async restart(): Promise<void> {
    await this.hangUp();
    await this.ledger.restart();
    await this.listen();
  }

  /** The way in of one of the parties. */
  client(holder: KeyHolder): LedgerClient {
    return new LedgerClient({
      url: this.url,
      reader: { keyId: holder.thumbprint, sign: (message) => holder.sign(message) },
      nowMs: () => this.ledger.clock.nowMs(),
    });
  }

  /** The way in of whoever holds its read token. */
  reader(): LedgerClient {
    const sign = (message: Uint8Array): Uint8Array =>
      createHmac('sha256', READ_TOKEN).update(message).digest();
    return new LedgerClient({
      url: this.url,
      reader: { keyId: TOKEN_KEY_ID, sign },
      nowMs: () => this.ledger.clock.nowMs(),
    });
  }

  /** What its founder hands to verifiers. */
  trustFile(): Uint8Array {
    const { origin, signer, genesis } = this.ledger;
    return canonicalBytes({
      v: 'countersign.trust.v1',
      origin,
      log_keys: [signer.vkey],
      genesis,
      accept: { proof_classes: ['uv'], separation: ['full'], demo: false },
    });
  }

  async discard(): Promise<void> {
    await this.net.close();
    await this.hangUp();
    await this.ledger.discard();
  }
}
