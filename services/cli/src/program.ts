import { Command, CommanderError, type Option } from 'commander';
import { isSystemError, CliError, cliError, EXIT } from './cli-error.ts';
import { addAudit } from './commands/audit.ts';
import { addEnrol } from './commands/enrol.ts';
import { addApprove, addDeny } from './commands/decide.ts';
import { addErase } from './commands/erase.ts';
import { addEvidence } from './commands/evidence.ts';
import { addExec } from './commands/exec.ts';
import { addFreeze, addThaw } from './commands/freeze.ts';
import { addGateway } from './commands/gateway.ts';
import { addInbox } from './commands/inbox.ts';
import { addInit } from './commands/init.ts';
import { addLedger } from './commands/ledger.ts';
import { addList } from './commands/list.ts';
import { addLog } from './commands/log.ts';
import { addLogKey } from './commands/log-key.ts';
import { addMcpGate } from './commands/mcp-gate.ts';
import { addMonitor } from './commands/monitor.ts';
import { addMove } from './commands/move.ts';
import { addPay } from './commands/pay.ts';
import { addPolicy } from './commands/policy.ts';
import { addProjector } from './commands/projector.ts';
import { addRebuild } from './commands/rebuild.ts';
import { addFindings } from './commands/findings.ts';
import { addReconcile } from './commands/reconcile.ts';
import { addReport } from './commands/report.ts';
import { addRequest } from './commands/request.ts';
import { addRecover } from './commands/recover.ts';
import { addReview } from './commands/review.ts';
import { addServe } from './commands/serve.ts';
import { addShow } from './commands/show.ts';
import { addStatement } from './commands/statement.ts';
import { addTopics } from './commands/topics.ts';
import { addTrace } from './commands/trace.ts';
import { addVerify } from './commands/verify.ts';
import { addWatch } from './commands/watch.ts';
import type { CommandParts } from './command-parts.ts';
import type { CliContext } from './context.ts';
import { Narrator } from './narrator.ts';

const COMMANDS = [
  addServe,
  addInit,
  addExec,
  addMcpGate,
  addPay,
  addVerify,
  addAudit,
  addMonitor,
  addEvidence,
  addRequest,
  addWatch,
  addInbox,
  addApprove,
  addDeny,
  addShow,
  addTrace,
  addReconcile,
  addFindings,
  addList,
  addReport,
  addStatement,
  addEnrol,
  addReview,
  addFreeze,
  addThaw,
  addRecover,
  addErase,
  addPolicy,
  addLog,
  addLogKey,
  addRebuild,
  addLedger,
  addProjector,
  addGateway,
  addTopics,
  addMove,
];

/** Runs one command line. @returns the exit code: docs/cli.md, "Exit codes" */
export async function runCli(argv: readonly string[], context: CliContext): Promise<number> {
  let exitCode: number = EXIT.ok;
  let misused: Command | undefined;
  const program = buildProgram({
    context,
    end: (code) => {
      exitCode = code;
    },
    misused: (command) => {
      misused = command;
    },
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && misused === undefined) {
      // Help that was asked for, or that is shown where a command is missing.
      return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    }
    const refusal = refusalOf(error, misused ?? program);
    const own = argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv;
    const hint = refusal.hint?.replaceAll('`countersign ', () => `\`${context.command} `);
    new Narrator(context.stderr, own.includes('--json')).fail(refusal, hint);
    return refusal.exitCode;
  }
}

interface ProgramParts extends CommandParts {
  /** Told which command a command line means that cannot be read. */
  readonly misused: (command: Command) => void;
}

/** All commands with their options. */
export function buildProgram(parts: ProgramParts): Command {
  const program = newProgram(parts.context);
  for (const add of COMMANDS) add(program, parts);
  settle(program, parts);
  return program;
}

/** What follows the name of a command is that one's, also where it and the one above it have the same options. */
function newProgram(context: CliContext): Command {
  return new Command(context.command)
    .description(
      'Lets an autonomous action run only when a verified human has signed for exactly that action.',
    )
    .version(context.version)
    .enablePositionalOptions()
    .configureHelp({ optionDescription })
    .addHelpText(
      'after',
      `
Exit codes: 0 done or VALID, 1 refused, 2 usage, 3 indeterminate (unreachable, interrupted); exec: 10 ran and failed.

Examples:
  $ countersign serve
  $ countersign exec --purpose "rotate the logs" -- ./rotate.sh
  $ countersign verify evidence.json --trust trust.json`,
    );
}

/** Choices and defaults as they are typed: commander shows the text of JSON. */
function optionDescription({ description, argChoices, defaultValue }: Option): string {
  const isDefault = typeof defaultValue === 'string' || typeof defaultValue === 'number';
  const more = [
    ...(argChoices === undefined ? [] : [`one of ${argChoices.join(', ')}`]),
    ...(isDefault ? [`default ${defaultValue}`] : []),
  ];
  return more.length === 0 ? description : `${description} (${more.join('; ')})`;
}

/** Examples say what to type, and in a checkout that is not `countersign`. */
function typed(text: string, { command }: CliContext): string {
  return text.replaceAll(/(?<=[$|] )countersign (?=[a-z])/g, () => `${command} `);
}

/** Commander keeps these per command. */
function settle(command: Command, parts: ProgramParts): void {
  const { context, misused } = parts;
  command.exitOverride().configureOutput({
    writeOut: (text) => {
      context.stdout.text(typed(text, context));
    },
    writeErr: (text) => {
      context.stderr.text(typed(text, context));
    },
    // It comes as an error too, and is told like any other.
    outputError: () => {
      misused(command);
    },
  });
  for (const sub of command.commands) settle(sub, parts);
}

function pathOf(command: Command): string {
  const { parent } = command;
  return parent === null ? command.name() : `${pathOf(parent)} ${command.name()}`;
}

/** "error: what is wrong", and sometimes "(Did you mean …?)" on a line of its own. */
function misuse({ message }: CommanderError, command: Command): CliError {
  const [wrong = '', ...suggested] = message.replace(/^error: /, '').split('\n');
  const help = `see \`${pathOf(command)} --help\``;
  return cliError('USAGE', wrong, { hint: [...suggested, help].join(' ') });
}

/** Every error has a code; one that nobody foresaw is ours, and says nothing about what happened. */
function refusalOf(error: unknown, command: Command): CliError {
  if (error instanceof CliError) return error;
  if (error instanceof CommanderError) return misuse(error, command);
  if (isSystemError(error, 'ENOSPC', 'EDQUOT', 'EFBIG')) {
    return cliError('DISK_FULL', 'no space left to write', { cause: error });
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return cliError('INTERNAL', message, { cause: error });
}
