import { realpath } from 'node:fs/promises';
import { CanonicalError, parseStrict, utf8, type JsonObject } from '@countersign/canonical';
import { childEnvironment, USE_VARIABLE } from './child-environment.ts';
import { paramsFromJson, rereadInput, type CommandParams } from './command-line.ts';
import type { CommandToRun } from './command-runner.ts';
import { CliError, cliError } from './cli-error.ts';
import type { CliContext } from './context.ts';
import type { RequestRecord } from './exec-record.ts';
import { interpreterCall, shebangOf } from './executable.ts';
import { holdInterpreter, type HeldInterpreter } from './held-interpreter.ts';
import { assertUnchanged, copyPrivately, type PrivateCopy } from './private-copy.ts';

const MS_PER_S = 1_000;

/** A command whose every part was found to be what was approved; only its start is missing. */
export interface PreparedCommand {
  /** What has to be true again at the very last moment. @throws CliError ACTION_DIGEST_MISMATCH */
  recheck(): Promise<void>;
  /** @param shortId what the command itself is told about its use */
  toRun(shortId: string): CommandToRun;
  remove(): Promise<void>;
}

export interface Preparation {
  /** Of an action that was approved. */
  readonly params: CommandParams;
  /** Salt of each secret variable's digest. */
  readonly salts: Readonly<Record<string, string>>;
  /** Standard input, when this process has read it already. */
  readonly input: Uint8Array | undefined;
  /** Where to read it from otherwise. */
  readonly stdin: string | undefined;
  readonly context: CliContext;
}

/** The parameters of the action that this record asked for. @throws CliError DATA_DAMAGED */
export function paramsOf(request: RequestRecord): CommandParams {
  try {
    const envelope = parseStrict(utf8(request.action)) as JsonObject;
    const params = paramsFromJson(envelope['params'] ?? null);
    // The rest is held against what was approved before anything of it is used.
    if (params.argv.every((word) => typeof word === 'string')) return params;
  } catch (error) {
    if (!(error instanceof CanonicalError || error instanceof TypeError)) throw error;
  }
  throw cliError('DATA_DAMAGED', `${request.action_id}: expected a command in its record`);
}

/**
 * Takes every part of the command again from where it really is, and holds it against the approved action: what runs is
 * what was digested, never what was shown (attack rows A01, A02, A04).
 *
 * @throws CliError ACTION_DIGEST_MISMATCH, ENV_MISSING, COMMAND_NOT_FOUND
 */
export async function prepareCommand(preparation: Preparation): Promise<PreparedCommand> {
  const { params, salts, context } = preparation;
  const env = childEnvironment({ ...params, salts }, context.env);
  const stdin = preparation.input ?? (await rereadInput(params.stdin, preparation.stdin, context));
  const files = await holdFiles(params, context.tempFolder);
  return {
    recheck: async () => {
      await files.held?.recheck();
      await assertUnchanged({ path: files.copy.path, digest: params.executable.digest });
      await assertSameFolder(params.cwd);
    },
    toRun: (shortId) => ({
      ...files.call,
      cwd: params.cwd,
      env: { ...env, [USE_VARIABLE]: shortId },
      stdin,
      timeoutMs: params.timeout_s * MS_PER_S,
    }),
    remove: async () => {
      await files.held?.release();
      await files.copy.remove();
    },
  };
}

interface HeldFiles {
  readonly held: HeldInterpreter | undefined;
  readonly copy: PrivateCopy;
  readonly call: Pick<CommandToRun, 'file' | 'argv0' | 'args'>;
}

async function holdFiles(params: CommandParams, tempFolder: string): Promise<HeldFiles> {
  const { interpreter, executable } = params;
  const held =
    interpreter === undefined ? undefined : await holdInterpreter(interpreter, tempFolder);
  let copy: PrivateCopy | undefined;
  try {
    copy = await copyPrivately(executable, tempFolder);
    return { held, copy, call: callOf(params, copy, held) };
  } catch (error) {
    await held?.release();
    await copy?.remove();
    throw error;
  }
}

/**
 * How it is started. A script's interpreter is started directly, since the system would take the file that its name means by
 * then; and how, only the approved bytes say: no file that we keep beside the request is asked.
 */
function callOf(
  params: CommandParams,
  copy: PrivateCopy,
  held: HeldInterpreter | undefined,
): HeldFiles['call'] {
  const { interpreter, argv, executable } = params;
  const args = argv.slice(1);
  const shebang = shebangOf(copy.head, executable.path);
  if (shebang === undefined && interpreter === undefined) {
    return { file: copy.path, argv0: argv[0] ?? '', args };
  }
  if (shebang === undefined || interpreter === undefined || held === undefined) {
    throw new CliError(
      'ACTION_DIGEST_MISMATCH',
      `${executable.path}: expected an interpreter exactly where the approved bytes name one; it did not run`,
    );
  }
  const { argv0, args: first } = interpreterCall(shebang, interpreter);
  return { file: held.file, argv0, args: [...first, copy.path, ...args] };
}

/** @throws CliError ACTION_DIGEST_MISMATCH when the path now leads to another folder */
async function assertSameFolder(cwd: string): Promise<void> {
  // A folder that is gone is told by the system when the command is started.
  const now = await realpath(cwd).catch(() => cwd);
  if (now === cwd) return;
  throw new CliError(
    'ACTION_DIGEST_MISMATCH',
    `expected the working directory ${cwd} itself, got a link to another one; it did not run`,
  );
}
