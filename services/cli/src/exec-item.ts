import { join } from 'node:path';
import { canonicalText, toBase64url, type JsonObject } from '@countersign/canonical';
import { batchedType } from '@countersign/descriptors';
import { makePrivateFolder } from '@countersign/durable-file';
import type { ExecutionResult, RunOrder, RunResult } from '@countersign/sdk';
import { ApprovedRun } from './approved-run.ts';
import { CliError, EXIT } from './cli-error.ts';
import { paramsFromJson } from './command-line.ts';
import type { CommandEnd } from './command-runner.ts';
import { commandResult, endWords, startCommand, type CommandUse } from './command-start.ts';
import { createPrivate } from './data-folder.ts';
import { EXEC_INTERFACE_DIGEST, isCommandType } from './exec-interface.ts';
import type { ExecDeps } from './exec-session.ts';
import { prepareCommand, type PreparedCommand } from './prepared-command.ts';

export interface ItemOrder {
  readonly actionId: string;
  /** From 1, as people see them numbered. */
  readonly item: number;
  /** The command that it is expected to be; empty for whatever was approved. */
  readonly argv: readonly string[];
  readonly stdin: string | undefined;
}

type ItemDeps = Pick<
  ExecDeps,
  'access' | 'context' | 'executor' | 'narrator' | 'stdout' | 'stderr'
>;

const SALT_BYTES = 16;
const LOOK = 'look at what it would have changed; then ask for a new action if it did not';

/** How far one call came. */
interface Attempt {
  command: PreparedCommand | undefined;
  /** How the command ended, or why it was not started. */
  end: CommandEnd | CliError | undefined;
}

/**
 * Runs one command of a batch that was approved, once: called again it tells what became of it.
 *
 * @returns the exit code: 0 it ran and ended with 0, 10 it ran and failed, 3 nobody knows
 * @throws CliError for everything else: it did not run
 */
export async function execItem(order: ItemOrder, deps: ItemDeps): Promise<number> {
  const { actionId, item } = order;
  const folder = join(deps.access.requestsFolder, 'exec');
  const approved = await ApprovedRun.open(actionId, { ...deps, folder });
  const { action } = approved;
  assertCommands(action);
  const { guarded, left } = await approved.guarded(`item-${item}`, EXEC_INTERFACE_DIGEST);
  for (const each of left) tellLeft(each, deps);
  const attempt: Attempt = { command: undefined, end: undefined };
  try {
    const result = await guarded.run(
      {
        ...{ action, item },
        ...paramsNamed(action, order),
        // A command has no live state. Whether all of it is as approved is found out here, before anything is claimed.
        preconditions: async ({ params }) => {
          attempt.command = await noting(attempt, () => prepared(params, order, deps));
          return {};
        },
      },
      async (verified) => {
        const salts = await keptSalts(join(folder, 'salts'), verified.useId, deps);
        return execute(attempt, { ...verified, salts }, deps);
      },
    );
    return tell(result, attempt, { order, deps });
  } finally {
    await attempt.command?.remove();
  }
}

function assertCommands({ type }: JsonObject): void {
  if (typeof type === 'string' && isCommandType(type) && batchedType(type) !== undefined) return;
  throw new CliError('NOT_IN_BATCH', 'expected a batch of commands, got another action');
}

/** With the command that was named in its place, which the guard refuses unless it is the one that was approved. */
function paramsNamed({ params }: JsonObject, { item, argv }: ItemOrder): Pick<RunOrder, 'params'> {
  const items = (params as JsonObject | undefined)?.['items'];
  const named = Array.isArray(items) ? (items as JsonObject[])[item - 1] : undefined;
  const approved = named?.['params'] as JsonObject | undefined;
  return argv.length === 0 || approved === undefined ? {} : { params: { ...approved, argv } };
}

async function prepared(
  approved: JsonObject,
  { stdin }: ItemOrder,
  { context }: ItemDeps,
): Promise<PreparedCommand> {
  const params = paramsFromJson(approved);
  if (params.secret_env.length > 0) {
    throw new CliError(
      'NOT_SUPPORTED',
      'expected a command without secret variables: only the `exec` that asked for one can know their salts',
    );
  }
  return prepareCommand({ params, salts: {}, input: undefined, stdin, context });
}

/** The guard tells only that it may not go on; a person has to be told why. */
async function noting<T>(attempt: Attempt, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof CliError) attempt.end = error;
    throw error;
  }
}

/** Written before the start: without them nobody could say which output the report is about. */
async function keptSalts(
  folder: string,
  useId: string,
  { context: { randomBytes } }: ItemDeps,
): Promise<CommandUse['salts']> {
  const salts = { stdout: randomBytes(SALT_BYTES), stderr: randomBytes(SALT_BYTES) };
  await makePrivateFolder(folder);
  const [stdout, stderr] = [toBase64url(salts.stdout), toBase64url(salts.stderr)];
  const text = canonicalText({ v: 'countersign.exec-salts.v1', stdout, stderr });
  await createPrivate(join(folder, `${useId}.json`), `${text}\n`);
  return salts;
}

async function execute(
  attempt: Attempt,
  use: CommandUse,
  deps: ItemDeps,
): Promise<ExecutionResult> {
  if (attempt.command === undefined) throw new Error('expected a command that was prepared');
  attempt.end = await startCommand(attempt.command, use, deps);
  if (attempt.end instanceof CliError) return { result: 'failed' };
  const { exitStatus, outputs } = attempt.end;
  return { result: commandResult(attempt.end), exitStatus, outputs };
}

function tellLeft(left: RunResult, { narrator }: ItemDeps): void {
  if (left.outcome === 'refused') return;
  const { useId, shortId, result } = left;
  const facts = { use_id: useId, result };
  if (left.outcome === 'ended') {
    narrator.say('settled', `an earlier command is reported: ${shortId} ${result}`, facts);
    return;
  }
  const words = `${left.code}: an earlier command was cut off: ${shortId}`;
  narrator.say('unknown', [words, LOOK], { ...facts, code: left.code });
}

function tell(
  run: RunResult,
  { end }: Attempt,
  { order, deps: { narrator } }: { readonly order: ItemOrder; readonly deps: ItemDeps },
): number {
  if (end instanceof CliError) throw end;
  if (run.outcome === 'refused') {
    throw new CliError(run.code, run.detail, { hint: 'nothing was run' });
  }
  const { actionId, item } = order;
  const { useId, shortId, result } = run;
  const facts = { action_id: actionId, item, use_id: useId, short_id: shortId, result };
  if (run.outcome === 'unknown' && (run.report === 'logged' || result === 'unknown')) {
    const words = `${run.code}: whether item ${item} ran is unknown, and it is not run again: ${shortId}`;
    narrator.say('unknown', [words, LOOK], { ...facts, code: run.code });
    return EXIT.indeterminate;
  }
  const words =
    end === undefined
      ? `item ${item} had ended before: ${result}: ${shortId}`
      : endWords(end, shortId);
  narrator.say('ended', words, {
    ...facts,
    ...(end !== undefined && { exit_status: end.exitStatus }),
  });
  if (run.outcome === 'unknown') {
    narrator.say(
      'report-pending',
      'the report is not delivered: the same line sends it again',
      facts,
    );
  }
  return result === 'succeeded' ? EXIT.ok : EXIT.commandFailed;
}
