import type { Command } from 'commander';
import type { ReadModels } from '@countersign/store';
import { newProjector } from '../assembly.ts';
import { cliError, EXIT } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { dataError, placeOf } from '../data-error.ts';
import { dataFolder } from '../data-folder.ts';
import { dataPath } from '../ledger-access.ts';
import { Narrator } from '../narrator.ts';
import { openFounded, type FoundedData } from '../open-data.ts';
import { sleep } from '../service.ts';
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
  const narrator = new Narrator(context.stderr, options.json === true);
  const data = await openFounded(folder, { ...context, narrator });
  try {
    const store = await data.backends.openStore();
    try {
      return await rebuilt({ data, store }, options, context);
    } finally {
      await store.close();
    }
  } catch (error) {
    throw dataError(error, placeOf(data));
  } finally {
    await data.broker.close();
  }
}

async function rebuilt(
  parts: { readonly data: FoundedData; readonly store: ReadModels },
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
  { data, store }: { readonly data: FoundedData; readonly store: ReadModels },
  { nowMs }: CliContext,
): Promise<void> {
  const projector = newProjector(data, { store, clock: { sleep } });
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

async function isCaughtUp({ broker, mark }: FoundedData, store: ReadModels): Promise<boolean> {
  const partition = mark.shard;
  const log = await broker.end({ topic: 'log', partition });
  const content = await broker.end({ topic: 'content', partition });
  const quarantine = await broker.end({ topic: 'quarantine', partition });
  return (
    ((await store.logPosition())?.nextOffset ?? 0) >= log &&
    (await store.sidePosition('content')) >= content &&
    (await store.sidePosition('quarantine')) >= quarantine
  );
}
