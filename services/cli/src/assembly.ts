import { distDirectory } from '@countersign/console/dist-directory';
import { newUlid, verifySignature, verifySignatureAside } from '@countersign/crypto-node';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import type { GatewayDeps, IdentityConfig, SignHeadRoot } from '@countersign/gateway';
import {
  RootSigner,
  Router,
  Writer,
  type LedgerClock,
  type LeftIntake,
  type RootSignerOptions,
  type SnapshotStore,
  type WriterOptions,
} from '@countersign/ledger';
import { Projector } from '@countersign/projector';
import type { ReadModels } from '@countersign/store';
import type { PinnedHead } from '@countersign/verify';
import type { LogSigner } from './backends.ts';
import type { LedgerMark } from './data-folder.ts';
import { readReadToken } from './data-keys.ts';
import { POLICY_ENGINE } from './policy-engine.ts';
import type { FoundedData, OpenData } from './open-data.ts';

/** The services of the ledger in a data folder, put together. */

export function newWriter(
  { broker, mark, signers, logKeys, trust }: OpenData,
  at: Pick<WriterOptions, 'clock' | 'onBatch'> & {
    readonly pinnedHead: PinnedHead | undefined;
    readonly snapshots: SnapshotStore;
  },
): Writer {
  const { clock, pinnedHead, snapshots, onBatch } = at;
  return new Writer({
    broker,
    signers,
    clock,
    // Inputs come many at a time: their signatures are checked on all cores while others are decided.
    verifySignature: verifySignatureAside,
    descriptors: BUILTIN_DESCRIPTORS,
    policyEngine: POLICY_ENGINE,
    origin: mark.origin,
    logKeys,
    genesis: trust.genesis,
    epoch: newUlid(clock.nowMs()),
    partition: mark.shard,
    snapshots: { store: snapshots },
    ...(pinnedHead !== undefined && { pinnedHead }),
    ...(onBatch !== undefined && { onBatch }),
  });
}

/** One for all ledgers that have the same topics. `assigned`: it is told which public partitions it moves. */
export function newRouter(
  ledgers: readonly [FoundedData, ...FoundedData[]],
  clock: LedgerClock,
  assigned?: 'assigned',
): Router {
  const [{ broker, backends }] = ledgers;
  const { positions, publicPartitions: every } = backends.routing;
  const publicPartitions = assigned ?? every;
  const shards = new Map(ledgers.map(({ mark }) => [mark.tenant, mark.shard]));
  return new Router({
    broker,
    clock,
    positions,
    ...(publicPartitions !== undefined && { publicPartitions }),
    partitionOf: (tenant) => shards.get(tenant),
    left: ledgers.flatMap(({ mark }) => leftIntakes(mark)),
  });
}

/** The intakes that a ledger has left. */
export function leftIntakes({ tenant, left = [] }: LedgerMark): LeftIntake[] {
  return left.map(({ shard: partition, intake: fromOffset }) => ({
    tenant,
    partition,
    fromOffset,
  }));
}

export function newProjector(
  { broker, mark, logKeys }: FoundedData,
  { store, clock }: { store: ReadModels; clock: Pick<LedgerClock, 'sleep'> },
): Projector {
  return new Projector({
    broker,
    store,
    clock,
    verifySignature,
    descriptors: BUILTIN_DESCRIPTORS,
    origin: mark.origin,
    logKeys,
    partition: mark.shard,
  });
}

/** Signs for COSE receipts with keys of the log that this process has. */
export function headRootSigner(
  { mark, logKeys }: FoundedData,
  { store, signers }: { store: ReadModels; signers: readonly LogSigner[] },
): SignHeadRoot {
  const keyEntries = async (): ReturnType<RootSignerOptions['keyEntries']> => {
    const size = (await store.logPosition())?.size ?? 0;
    return store.entriesOfType(['authority-changed'], size - 1);
  };
  const { origin } = mark;
  const signer = new RootSigner({ origin, logKeys, signers, verifySignature, keyEntries });
  return (note) => signer.sign(note);
}

/** What an operator chooses for a gateway. */
interface GatewayChoice {
  readonly version: string;
  readonly publicLog: boolean;
  /** Where people sign in with a company account, if they do. */
  readonly identity: IdentityConfig | undefined;
  /** Certificates that may vouch for models of authenticators. */
  readonly attestationRoots: readonly string[];
}

/** What a gateway is told of the ledger that it answers for. */
export async function gatewayParts(
  { folder, mark, trust }: FoundedData,
  { version, publicLog, identity, attestationRoots }: GatewayChoice,
): Promise<
  Pick<GatewayDeps, 'config' | 'descriptors' | 'identity' | 'readTokens' | 'verifySignature'>
> {
  const token = await readReadToken(folder);
  return {
    config: {
      ledger: mark.origin,
      publicOrigins: [mark.url],
      version,
      publicLog,
      attestationRoots,
      ...(trust.witnessPolicy !== undefined && { witnessPolicy: trust.witnessPolicy.text }),
      pageFolder: distDirectory,
    },
    descriptors: BUILTIN_DESCRIPTORS,
    readTokens: token === undefined ? [] : [{ token, tenant: mark.tenant }],
    verifySignature,
    ...(identity !== undefined && { identity }),
  };
}
