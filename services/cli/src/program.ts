import { Command, CommanderError, type Option } from 'commander';
import { isSystemError, CliError, cliError, EXIT } from './cli-error.ts';
import type { CommandParts } from './command-parts.ts';
import type { CliContext } from './context.ts';
import { Narrator } from './narrator.ts';
import { refusalHint } from './refusal-hint.ts';

type AddCommand = (program: Command, parts: CommandParts) => void;

/** In the order of the help. Each is read in only once it is meant: all of them together take a second. */
const COMMANDS: Readonly<Record<string, () => Promise<AddCommand>>> = {
  serve: async () => (await import('./commands/serve.ts')).addServe,
  init: async () => (await import('./commands/init.ts')).addInit,
  exec: async () => (await import('./commands/exec.ts')).addExec,
  'mcp-gate': async () => (await import('./commands/mcp-gate.ts')).addMcpGate,
  pay: async () => (await import('./commands/pay.ts')).addPay,
  verify: async () => (await import('./commands/verify.ts')).addVerify,
  audit: async () => (await import('./commands/audit.ts')).addAudit,
  monitor: async () => (await import('./commands/monitor.ts')).addMonitor,
  evidence: async () => (await import('./commands/evidence.ts')).addEvidence,
  request: async () => (await import('./commands/request.ts')).addRequest,
  watch: async () => (await import('./commands/watch.ts')).addWatch,
  inbox: async () => (await import('./commands/inbox.ts')).addInbox,
  approve: async () => (await import('./commands/decide.ts')).addApprove,
  deny: async () => (await import('./commands/decide.ts')).addDeny,
  show: async () => (await import('./commands/show.ts')).addShow,
  trace: async () => (await import('./commands/trace.ts')).addTrace,
  reconcile: async () => (await import('./commands/reconcile.ts')).addReconcile,
  findings: async () => (await import('./commands/findings.ts')).addFindings,
  list: async () => (await import('./commands/list.ts')).addList,
  report: async () => (await import('./commands/report.ts')).addReport,
  statement: async () => (await import('./commands/statement.ts')).addStatement,
  enrol: async () => (await import('./commands/enrol.ts')).addEnrol,
  revoke: async () => (await import('./commands/revoke.ts')).addRevoke,
  review: async () => (await import('./commands/review.ts')).addReview,
  freeze: async () => (await import('./commands/freeze.ts')).addFreeze,
  thaw: async () => (await import('./commands/freeze.ts')).addThaw,
  deputy: async () => (await import('./commands/deputy.ts')).addDeputy,
  recover: async () => (await import('./commands/recover.ts')).addRecover,
  erase: async () => (await import('./commands/erase.ts')).addErase,
  policy: async () => (await import('./commands/policy.ts')).addPolicy,
  log: async () => (await import('./commands/log.ts')).addLog,
  'log-key': async () => (await import('./commands/log-key.ts')).addLogKey,
  rebuild: async () => (await import('./commands/rebuild.ts')).addRebuild,
  ledger: async () => (await import('./commands/ledger.ts')).addLedger,
  projector: async () => (await import('./commands/projector.ts')).addProjector,
  gateway: async () => (await import('./commands/gateway.ts')).addGateway,
  topics: async () => (await import('./commands/topics.ts')).addTopics,
  move: async () => (await import('./commands/move.ts')).addMove,
};

/** Runs one command line. @returns the exit code: docs/cli.md, "Exit codes" */
export async function runCli(argv: readonly string[], context: CliContext): Promise<number> {
  let exitCode: number = EXIT.ok;
  let misused: Command | undefined;
  const program = await buildProgram(argv, {
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
    const said = refusal.hint ?? refusalHint(refusal.code);
    const hint = said?.replaceAll('`countersign ', () => `\`${context.command} `);
    new Narrator(context.stderr, own.includes('--json')).fail(refusal, hint);
    return refusal.exitCode;
  }
}

interface ProgramParts extends CommandParts {
  /** Told which command a command line means that cannot be read. */
  readonly misused: (command: Command) => void;
}

/** With the command that is meant and its options; with all of them where none is. */
export async function buildProgram(argv: readonly string[], parts: ProgramParts): Promise<Command> {
  const program = newProgram(parts.context);
  const [name = ''] = argv.filter((word) => !word.startsWith('-'));
  const meant = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  const isVersion = argv[0] === '--version' || argv[0] === '-V';
  const others = isVersion ? [] : Object.values(COMMANDS);
  const needed = meant === undefined ? others : [meant];
  for (const add of await Promise.all(needed.map((load) => load()))) add(program, parts);
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
