import { Command, CommanderError } from 'commander';
import { isSystemError, CliError, cliError, EXIT } from './cli-error.ts';
import { addEnrol } from './commands/enrol.ts';
import { addErase } from './commands/erase.ts';
import { addEvidence } from './commands/evidence.ts';
import { addExec } from './commands/exec.ts';
import { addInit } from './commands/init.ts';
import { addLog } from './commands/log.ts';
import { addRebuild } from './commands/rebuild.ts';
import { addRequest } from './commands/request.ts';
import { addServe } from './commands/serve.ts';
import { addShow } from './commands/show.ts';
import { addVerify } from './commands/verify.ts';
import { addWatch } from './commands/watch.ts';
import type { CommandParts } from './command-parts.ts';
import type { CliContext } from './context.ts';
import { Narrator } from './narrator.ts';

const COMMANDS = [
  addServe,
  addInit,
  addExec,
  addVerify,
  addEvidence,
  addRequest,
  addWatch,
  addShow,
  addEnrol,
  addErase,
  addLog,
  addRebuild,
];

/** Runs one command line. @returns the exit code: docs/cli.md, "Exit codes" */
export async function runCli(argv: readonly string[], context: CliContext): Promise<number> {
  let exitCode: number = EXIT.ok;
  const program = newProgram(context);
  const parts: CommandParts = {
    context,
    end: (code) => {
      exitCode = code;
    },
  };
  for (const add of COMMANDS) add(program, parts);
  for (const command of program.commands) settle(command, context);
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const refusal = refusalOf(error);
    const own = argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv;
    const hint = refusal.hint?.replaceAll('`countersign ', () => `\`${context.command} `);
    new Narrator(context.stderr, own.includes('--json')).fail(refusal, hint);
    return refusal.exitCode;
  }
}

function newProgram(context: CliContext): Command {
  const program = new Command(context.command);
  program
    .description(
      'Lets an autonomous action run only when a verified human has signed for exactly that action.',
    )
    .version(context.version)
    .addHelpText(
      'after',
      `
Exit codes: 0 done or VALID, 1 refused, 2 usage, 3 indeterminate (unreachable, interrupted); exec: 10 ran and failed.

Examples:
  $ countersign serve
  $ countersign exec --purpose "rotate the logs" -- ./rotate.sh
  $ countersign verify evidence.json --trust trust.json`,
    );
  settle(program, context);
  return program;
}

/** Examples say what to type, and in a checkout that is not `countersign`. */
function typed(text: string, { command }: CliContext): string {
  return text.replaceAll(/(?<=[$|] )countersign (?=[a-z])/g, () => `${command} `);
}

/** Commander keeps these per command. */
function settle(command: Command, context: CliContext): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => {
      context.stdout.text(typed(text, context));
    },
    writeErr: (text) => {
      context.stderr.text(typed(text, context));
    },
  });
  for (const sub of command.commands) settle(sub, context);
}

/** Every error has a code; one that nobody foresaw is ours, and says nothing about what happened. */
function refusalOf(error: unknown): CliError {
  if (error instanceof CliError) return error;
  if (isSystemError(error, 'ENOSPC', 'EDQUOT', 'EFBIG')) {
    return cliError('DISK_FULL', 'no space left to write', { cause: error });
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return cliError('INTERNAL', message, { cause: error });
}
