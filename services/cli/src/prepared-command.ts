import { parseStrict, utf8, type JsonObject } from '@countersign/canonical';
import { childEnvironment, USE_VARIABLE } from './child-environment.ts';
import { paramsFromJson, rereadInput, type CommandParams } from './command-line.ts';
import type { CommandToRun } from './command-runner.ts';
import type { CliContext } from './context.ts';
import type { RequestRecord } from './exec-record.ts';
import { assertUnchanged, copyPrivately } from './private-copy.ts';

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
  readonly request: RequestRecord;
  /** Standard input, when this process has read it already. */
  readonly input: Uint8Array | undefined;
  /** Where to read it from otherwise. */
  readonly stdin: string | undefined;
  readonly context: CliContext;
}

/** The parameters of the action that this record asked for. */
export function paramsOf(request: RequestRecord): CommandParams {
  const envelope = parseStrict(utf8(request.action)) as JsonObject;
  return paramsFromJson(envelope['params'] ?? null);
}

/**
 * Takes every part of the command again from where it really is, and holds it against the approved action: what runs is
 * what was digested, never what was shown (attack rows A01, A02, A04).
 *
 * @throws CliError ACTION_DIGEST_MISMATCH, ENV_MISSING, COMMAND_NOT_FOUND
 */
export async function prepareCommand(preparation: Preparation): Promise<PreparedCommand> {
  const { request, context } = preparation;
  const params = paramsOf(request);
  const { salts, shebang } = request.keepsakes;
  const env = childEnvironment({ ...params, salts }, context.env);
  const stdin = preparation.input ?? (await rereadInput(params.stdin, preparation.stdin, context));
  const { interpreter } = params;
  if (interpreter !== undefined) await assertUnchanged(interpreter);
  const copy = await copyPrivately(params.executable, context.tempFolder);
  const argv0 = params.argv[0] ?? '';
  const args = params.argv.slice(1);
  return {
    recheck: async () => {
      if (interpreter !== undefined) await assertUnchanged(interpreter);
    },
    toRun: (shortId) => ({
      // A script's interpreter is started directly: the system would take the file that its name means by then.
      ...(interpreter === undefined
        ? { file: copy.path, argv0, args }
        : {
            file: interpreter.path,
            argv0: shebang?.name ?? interpreter.path,
            args: [
              ...(shebang?.argument === undefined ? [] : [shebang.argument]),
              copy.path,
              ...args,
            ],
          }),
      cwd: params.cwd,
      env: { ...env, [USE_VARIABLE]: shortId },
      stdin,
      timeoutMs: params.timeout_s * MS_PER_S,
    }),
    remove: () => copy.remove(),
  };
}
