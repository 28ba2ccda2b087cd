import type { Command } from 'commander';
import { verifySignature } from '@countersign/crypto-node';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import { Projector } from '@countersign/projector';
import { openSqliteStore, type ReadModels } from '@countersign/store';
import { cliError, EXIT } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { dataError } from '../data-error.ts';
import { dataFolder, requireMark } from '../data-folder.ts';
import { dataPath } from '../ledger-access.ts';
import { Narrator } from '../narrator.ts';
import { openData, type OpenData } from '../open-data.ts';
import type { CommandParts } from '../command-parts.ts';

interface RebuildOptions {
  readonly data?: string;
  readonly json?: true;
}

const CAUGHT_UP_WITHIN_MS = 3_600_000;
const LOOK_EVERY_MS = 100;

export function addRebuild(program: Command, { context, end }: CommandParts): void {
  program
    .command('rebuild')
    .description(
      'drop the read models and build them again from the log; the server must be stopped',
    )
    .option('--data <dir>', 'data folder (COUNTERSIGN_DATA_DIR)')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Prints a digest over all rows before and after: they are equal, because nothing but the log and the content counts.

Example:
  $ countersign rebuild --data ./my-ledger`,
    )
    .action(async (options: RebuildOptions) => {
      end(await rebuild(options, context));
    });
}

async function rebuild(options: RebuildOptions, context: CliContext): Promise<number> {
  const folder = dataFolder(dataPath(options, context));
  const { url, demo, separation } = await requireMark(folder);
  const { nowMs, randomBytes, stderr } = context;
  const narrator = new Narrator(stderr, options.json === true);
  const choice = { url, demo, separation, origin: undefined, rpId: undefined };
  const data = await openData(folder, { choice, narrator, nowMs, randomBytes });
  try {
    const store = await openSqliteStore(folder.storeFile);
    try {
      return await rebuilt({ data, store }, options, context);
    } finally {
      await store.close();
    }
  } catch (error) {
    throw dataError(error, folder);
  } finally {
    await data.broker.close();
  }
}

async function rebuilt(
  parts: { readonly data: OpenData; readonly store: ReadModels },
  options: RebuildOptions,
  context: CliContext,
): Promise<number> {
  const { store } = parts;
  // First to the end of the log: a server that was killed may have left its last entries unread.
  await project(parts, context);
  const before = await store.dump();
  await store.clear();
  await project(parts, context);
  const after = await store.dump();
  new Narrator(context.stdout, options.json === true).say(
    'rebuilt',
    ['read models rebuilt', `before ${before}`, `after  ${after}`],
    { before, after },
  );
  return before === after ? EXIT.ok : EXIT.refused;
}

async function project(
  { data, store }: { readonly data: OpenData; readonly store: ReadModels },
  { nowMs }: CliContext,
): Promise<void> {
  const { broker, mark, signer } = data;
  const clock = { sleep };
  const projector = new Projector({
    broker,
    store,
    clock,
    verifySignature,
    descriptors: BUILTIN_DESCRIPTORS,
    origin: mark.origin,
    logKeys: [signer.vkey],
  });
  const running = projector.run();
  running.catch(() => undefined);
  const untilMs = nowMs() + CAUGHT_UP_WITHIN_MS;
  while (!(await isCaughtUp(data, store))) {
    if (projector.status.state === 'stopped') break;
    if (nowMs() > untilMs)
      throw cliError('LEDGER_STOPPED', 'the read models were not built in time');
    await sleep(LOOK_EVERY_MS);
  }
  projector.stop();
  await running;
}

async function isCaughtUp({ broker }: OpenData, store: ReadModels): Promise<boolean> {
  const log = await broker.end({ topic: 'log', partition: 0 });
  const content = await broker.end({ topic: 'content', partition: 0 });
  const quarantine = await broker.end({ topic: 'quarantine', partition: 0 });
  return (
    ((await store.logPosition())?.nextOffset ?? 0) >= log &&
    (await store.sidePosition('content')) >= content &&
    (await store.sidePosition('quarantine')) >= quarantine
  );
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
