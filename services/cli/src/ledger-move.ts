import { verifySignature } from '@countersign/crypto-node';
import {
  LedgerError,
  Patience,
  completeMove,
  readPlace,
  takeShard,
  type Moved,
  type MoveOptions,
} from '@countersign/ledger';
import { CliError, cliError } from './cli-error.ts';
import type { CliContext } from './context.ts';
import { dataError, placeOf } from './data-error.ts';
import { writeMark, type DataFolder, type LedgerMark } from './data-folder.ts';
import { Narrator } from './narrator.ts';
import { openFounded, type FoundedData } from './open-data.ts';
import { sleep } from './service.ts';

export interface LedgerMove extends Moved {
  readonly from: number;
  readonly to: number;
}

/** More moves than a ledger ever makes: a log that sends us round is no log. */
const HOPS_MAX = 1_000;

/**
 * Follows the log of a folder to where it lives now, and brings what a move has left behind.
 *
 * Crash story: the folder is changed once a move is complete. Stopping before that leaves a folder whose services are refused
 * with the command that comes here again, which finds done what is done.
 *
 * @throws CliError NOT_SEALED, SHARD_TAKEN, LOG_CORRUPT, and as openFounded
 */
export async function moveLedger(
  folder: DataFolder,
  context: CliContext,
): Promise<{ readonly shard: number; readonly moves: readonly LedgerMove[] }> {
  return withLedger(folder, context, async (data, options) => {
    const moves: LedgerMove[] = [];
    let { mark } = data;
    for (let hop = 0; hop < HOPS_MAX; hop += 1) {
      const { shard: from } = mark;
      const place = await readPlace(options, from);
      if (place.movedTo !== undefined) {
        const moved = await completeMove(options, place);
        moves.push({ from, to: place.movedTo, ...moved });
        mark = movedMark(mark, { to: place.movedTo, intake: place.intakeOffset });
        await writeMark(folder, mark);
      } else if (place.home !== undefined && place.home !== from) {
        // A copy, or a move that another mover has not completed: the log there says where it is.
        mark = { ...mark, shard: place.home };
      } else {
        if (mark !== data.mark) await writeMark(folder, mark);
        return { shard: from, moves };
      }
    }
    throw new LedgerError('LOG_CORRUPT', `expected a log that lives somewhere`);
  });
}

function movedMark(mark: LedgerMark, { to, intake }: { to: number; intake: number }): LedgerMark {
  const { shard, left = [] } = mark;
  const others = left.filter((each) => each.shard !== shard);
  return { ...mark, shard: to, left: [...others, { shard, intake }] };
}

/**
 * Takes a shard for the ledger of a folder, if it could move there.
 *
 * @throws CliError SHARD_MISSING, SHARD_TAKEN, LOG_MOVED, NOT_ITS_SHARD
 */
export async function prepareMove(
  folder: DataFolder,
  to: number,
  context: CliContext,
): Promise<LedgerMark> {
  return withLedger(folder, context, async (data, options) => {
    const { mark, backends } = data;
    if (to === mark.shard) throw cliError('USAGE', `--to: expected another shard than ${to}`);
    const partitions = (await backends.routing.publicPartitions?.('action-requested')) ?? 1;
    if (to >= partitions) {
      throw new CliError(
        'SHARD_MISSING',
        `expected shard ${to} to be there, got ${partitions} partitions`,
        {
          hint: `add it: \`countersign topics create --cluster ${folder.clusterFile} --partitions ${to + 1}\``,
        },
      );
    }
    const place = await readPlace(options, mark.shard);
    if (place.movedTo !== undefined) {
      throw new LedgerError('LOG_MOVED', `the log has moved to shard ${place.movedTo}`);
    }
    if (place.home !== undefined && place.home !== mark.shard) {
      throw new LedgerError('NOT_ITS_SHARD', `the log says that it lives on shard ${place.home}`);
    }
    await takeShard(options, { from: mark.shard, to });
    return mark;
  });
}

async function withLedger<T>(
  folder: DataFolder,
  context: CliContext,
  work: (data: FoundedData, options: MoveOptions) => Promise<T>,
): Promise<T> {
  const narrator = new Narrator(context.stderr, false);
  const data = await openFounded(folder, { ...context, narrator });
  try {
    if (data.mark.tier === undefined) {
      throw cliError('USAGE', 'expected a ledger on a cluster: in one folder there is one shard');
    }
    return await work(data, moveOptions(data, context));
  } catch (error) {
    throw hinted(dataError(error, placeOf(data)), folder);
  } finally {
    data.backends.routing.close();
    await data.broker.close();
  }
}

function moveOptions(
  { broker, backends, mark, logKeys, trust }: FoundedData,
  { nowMs }: CliContext,
): MoveOptions & { readonly pinned?: { readonly size: number; readonly root: Uint8Array } } {
  const { pinnedHead } = trust;
  return {
    broker,
    // Whoever runs it sees that nothing comes, and ends it.
    patience: new Patience({
      clock: { nowMs, sleep },
      isStopped: () => false,
      onWait: () => undefined,
      onDone: () => undefined,
    }),
    origin: mark.origin,
    logKeys,
    verifySignature,
    tenant: mark.tenant,
    positions: backends.routing.positions,
    ...(pinnedHead !== undefined && { pinned: pinnedHead }),
  };
}

const HINTS: Readonly<Record<string, (folder: DataFolder) => string>> = {
  NOT_SEALED: ({ path }) =>
    `let a ledger sign it, which then stops by itself: \`countersign ledger --data ${path}\``,
  SHARD_TAKEN: () => 'choose another shard',
};

function hinted(error: unknown, folder: DataFolder): unknown {
  const hint = error instanceof CliError ? HINTS[error.code] : undefined;
  if (!(error instanceof CliError) || hint === undefined) return error;
  return new CliError(error.code, error.message, { cause: error.cause, hint: hint(folder) });
}
