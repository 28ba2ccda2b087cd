import { digestOf } from '@countersign/canonical';
import { GateError, stdioServer, type OpenServer, type ServerOrigin } from '@countersign/mcp-gate';
import { cliError } from './cli-error.ts';
import type { CliContext } from './context.ts';
import { findExecutable, type FileFact } from './executable.ts';
import { digestFile } from './file-digest.ts';

export interface McpServer {
  readonly origin: ServerOrigin;
  readonly openServer: OpenServer;
}

/** What a program needs to find its way on a machine, and what is no secret. */
const COMMON_VARIABLES = [
  'HOME',
  'LANG',
  'LOGNAME',
  'PATH',
  'SHELL',
  'TERM',
  'TMPDIR',
  'TZ',
  'USER',
];

/**
 * A server that is started here. What it is, is what its launch is: schemas/formats/action-types.md, tag countersign/mcp-launch/v1.
 *
 * @throws CliError ENV_MISSING, and the codes of findExecutable
 */
export async function launchedServer(
  argv: readonly string[],
  names: readonly string[],
  context: CliContext,
): Promise<McpServer> {
  const { env, cwd } = context;
  const { program } = await findExecutable(argv[0] ?? '', { cwd, path: env['PATH'] });
  const given = givenVariables(names, env);
  const digest = digestOf('countersign/mcp-launch/v1', {
    argv: [...argv],
    env: Object.keys(given).sort(),
    executable: program.digest,
  });
  return {
    origin: { kind: 'launch', digest },
    openServer: stdioServer({
      file: program.path,
      argv,
      env: given,
      cwd,
      beforeStart: () => assertPinned(program),
      onErrorOutput: (chunk) => {
        context.child.stderr.write(chunk);
      },
    }),
  };
}

/**
 * A gate lives for long and starts its server for each session: another program at this path by then would run under the digest
 * of this one (attack row A09).
 */
async function assertPinned({ path, digest }: FileFact): Promise<void> {
  if ((await digestFile(path)).digest === digest) return;
  throw new GateError(
    'TOOL_CHANGED',
    `${path}: expected the program that was there when the gate began`,
  );
}

function givenVariables(
  names: readonly string[],
  env: CliContext['env'],
): Readonly<Record<string, string>> {
  const given = new Map<string, string>();
  for (const name of COMMON_VARIABLES) {
    const value = env[name];
    if (value !== undefined) given.set(name, value);
  }
  for (const name of names) {
    const value = env[name];
    if (value === undefined) {
      throw cliError('ENV_MISSING', `--env ${name}: expected a variable that is set`);
    }
    given.set(name, value);
  }
  return Object.fromEntries(given);
}
