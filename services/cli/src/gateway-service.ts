import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import { buildGateway, type IdentityConfig, type LedgerHealth } from '@countersign/gateway';
import { StoreView } from '@countersign/projector';
import type { Logger } from 'pino';
import { ApartHealth } from './apart-health.ts';
import { gatewayParts, headRootSigner, newRouter } from './assembly.ts';
import { dataError, placeOf } from './data-error.ts';
import type { FoundedData } from './open-data.ts';
import { openSharedStore } from './open-store.ts';
import { filedPromiseKey } from './promise-key.ts';
import type { ProcessProbe } from './process-probe.ts';
import type { StartPatience } from './start-patience.ts';
import type { Waiting } from './wait-watch.ts';
import { asError, listen, sleep, type Listening, type Service } from './service.ts';

export interface GatewayServiceOptions {
  readonly data: FoundedData;
  readonly where: Listening;
  /** Where health and metrics are told besides, to whoever knows the process by its address alone. */
  readonly probe: ProcessProbe;
  readonly patience: StartPatience;
  readonly version: string;
  /** Tiles of the log are for everybody. */
  readonly publicLog: boolean;
  /** Where people sign in with a company account, if they do. */
  readonly identity: IdentityConfig | undefined;
  /** Certificates that may vouch for models of authenticators, DER in base64url. */
  readonly attestationRoots: readonly string[];
  /** With the keys of the log, which this process is then given. */
  readonly coseReceipts: boolean;
  readonly logger: Logger;
  readonly nowMs: () => number;
  readonly randomBytes: (size: number) => Uint8Array;
}

/**
 * The API and the page of one ledger, apart from everything else: a passkey is bound to one address, so a gateway answers for
 * one. Any number of these processes may run behind that address. None needs the key of the log, unless it is to sign COSE
 * receipts.
 */
export class GatewayService implements Service {
  readonly failed: Promise<never>;
  readonly #close: () => Promise<void>;

  private constructor(failed: Promise<never>, close: () => Promise<void>) {
    this.failed = failed;
    this.#close = close;
  }

  /** @throws CliError PORT_BUSY, STORE_SETTINGS, STORE_CORRUPT, StartInterrupted */
  static async start(options: GatewayServiceOptions): Promise<GatewayService> {
    const { data, where, probe, logger, nowMs, randomBytes } = options;
    const store = await options.patience.until(data.mark, () => openSharedStore(data));
    const { origin } = data.mark;
    const signers = options.coseReceipts
      ? await options.patience.until(data.mark, () => data.backends.openSigners())
      : [];
    const view = new StoreView({ store, signal: store, origin, descriptors: BUILTIN_DESCRIPTORS });
    const health = new ApartHealth({ data, view, models: store });
    const gateway = buildGateway({
      ...(await gatewayParts(data, options)),
      // It submits only: what others publish is moved by the ledger's processes.
      router: newRouter([data], { nowMs, sleep }),
      view,
      models: store,
      ...(options.coseReceipts && { signHeadRoot: headRootSigner(data, { store, signers }) }),
      promiseKey: filedPromiseKey(data.folder, { origin, nowMs }),
      health: () => health.health,
      nowMs,
      randomBytes,
      logger,
    });
    const stopped = new AbortController();
    const watching = health.watch(stopped.signal);
    const viewing = view.run();
    // Whatever the store answers is waited out: it ends for a fault of ours only.
    const failed = viewing.then(
      () => new Promise<never>(() => undefined),
      (error: unknown) => Promise.reject(asError(dataError(error, placeOf(data)))),
    );
    failed.catch(() => undefined);
    const service = new GatewayService(failed, async () => {
      await gateway.close();
      stopped.abort();
      view.stop();
      await Promise.allSettled([watching, viewing]);
      await store.close();
      data.backends.routing.close();
      await data.broker.close();
    });
    const { tenant, shard } = data.mark;
    try {
      await listen(gateway, where, '--listen');
      probe.show({
        // It answers for itself.
        unready: () => undefined,
        app: { instance: gateway, host: new URL(data.mark.url).host },
        waits: () =>
          waitsOf(health.health, view.status).map((each) => ({ tenant, shard, ...each })),
      });
      return service;
    } catch (error) {
      await service.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.#close();
  }
}

/** What this gateway cannot answer without: the ledger, and the read models. */
function waitsOf(
  { writer }: LedgerHealth,
  view: StoreView['status'],
): Pick<Waiting, 'state' | 'code'>[] {
  const { state, code } = writer;
  const isAway = state !== 'running' && code !== undefined;
  const ofStore = view.state === 'waiting-store' ? [{ state: view.state, code: view.code }] : [];
  return [
    ...(isAway ? [{ state, code }] : []),
    ...ofStore.map((each) => ({ ...each, code: each.code ?? 'UNKNOWN' })),
  ];
}
