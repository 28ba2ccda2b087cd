import { resolve } from 'node:path';
import { isUlid } from '@countersign/canonical';
import type { Command } from 'commander';
import { patienceOf } from '../away-words.ts';
import { CliError, cliError, EXIT } from '../cli-error.ts';
import { describeCommand, type CommandOrder, type Emergency } from '../command-line.ts';
import type { CliContext } from '../context.ts';
import { EXEC_AUDIENCE, EXEC_EXECUTOR } from '../exec-interface.ts';
import { execItem, type ItemOrder } from '../exec-item.ts';
import { execCommand, resumeCommand, type ExecDeps } from '../exec-session.ts';
import { openLedger } from '../ledger-access.ts';
import { Narrator } from '../narrator.ts';
import type { CommandParts } from '../command-parts.ts';
import { readSigningKey } from '../signing-key.ts';
import { addAccessOptions, type ClientOptions } from './access-options.ts';
import { accessWords, againLine } from './again-line.ts';
import { parseItem } from './item-option.ts';

interface ExecOptions extends ClientOptions {
  readonly env?: readonly string[];
  readonly secretEnv?: readonly string[];
  readonly stdin?: string;
  readonly cwd?: string;
  readonly timeout?: number;
  readonly purpose?: string;
  readonly incident?: string;
  readonly reason?: string;
  readonly executorKey?: string;
  readonly executorId: string;
  readonly audience: string;
  readonly resume?: string;
  readonly batch?: string;
  readonly item?: number;
  readonly describe?: true;
}

const DEFAULT_TIMEOUT_S = 3_600;
const TIMEOUT_MAX_S = 86_400;

export function addExec(program: Command, { context, end }: CommandParts): void {
  addAccessOptions(program.command('exec'))
    .description('ask for one command, wait for a human, and run exactly what was approved')
    .argument('[argv...]', 'the command, after --')
    .option('--env <name>', 'pass this variable on, shown in clear (repeat)', collect)
    .option('--secret-env <name>', 'pass this variable on, shown as a digest (repeat)', collect)
    .option('--stdin <file>', 'standard input of the command; - for that of countersign')
    .option('--cwd <dir>', 'working directory of the command')
    .option('--timeout <seconds>', 'stop it after this time (default: 3600)', parseTimeout)
    .option('--purpose <text>', 'why, in your own words; shown as a claim')
    .option('--incident <system:id>', 'BREAK-GLASS: the incident that cannot wait; with --reason')
    .option('--reason <text>', 'BREAK-GLASS: why it cannot wait; shown as a claim')
    .option('--executor-key <file>', 'key file of the executor')
    .option('--executor-id <id>', 'id of the executor', EXEC_EXECUTOR)
    .option('--audience <name>', 'audience of the executor', EXEC_AUDIENCE)
    .option('--resume <id>', 'go on with a request that was interrupted')
    .option('--describe', 'print what would be asked for, as an item of a batch, and end')
    .option('--batch <id>', 'run an item of this batch, which others asked for; with --item')
    .option('--item <number>', 'which item of it, as its page numbers them', parseItem)
    .addHelpText(
      'after',
      `
The command inherits nothing: no variable but those named here (not even PATH) and COUNTERSIGN_USE, empty input.
Its output passes through; messages of countersign go to stderr. What runs is a private copy of the approved bytes.
Exit codes: 0 ran and ended with 0, 10 ran and failed, 1 refused, 2 usage, 3 indeterminate.

Examples:
  $ countersign exec --purpose "clean up" -- /usr/bin/find /var/tmp -mtime +30 -delete
  $ countersign exec --env PATH --secret-env DB_PASSWORD --timeout 600 -- ./migrate.sh --to 42
  $ countersign exec --incident siem:INC-118 --reason "customers cannot pay" -- /usr/sbin/restart-payments
  $ countersign exec --resume 01JD3ZQ5Y0W9V8X7T6S5R4Q3P2
  $ countersign exec --describe -- ./migrate.sh --to 42 > step-1.json
  $ countersign exec --batch 01JD3ZQ5Y0W9V8X7T6S5R4Q3P2 --item 2`,
    )
    .action(async (argv: readonly string[], options: ExecOptions) => {
      end(await exec(argv, options, context));
    });
}

function collect(name: string, before: readonly string[] = []): string[] {
  return [...before, name];
}

function parseTimeout(text: string): number {
  const seconds = Number(text);
  if (/^[0-9]{1,5}$/.test(text) && seconds >= 1 && seconds <= TIMEOUT_MAX_S) return seconds;
  throw cliError('USAGE', `--timeout: expected 1 to ${TIMEOUT_MAX_S} seconds`);
}

/** @throws CliError USAGE: without both nobody could review it */
function emergencyIn({ incident, reason }: ExecOptions): Emergency | undefined {
  if (incident === undefined && reason === undefined) return undefined;
  const [, system, id] = /^([^:]+):(.+)$/.exec(incident ?? '') ?? [];
  if (system === undefined || id === undefined || reason === undefined) {
    throw cliError('USAGE', 'expected --incident SYSTEM:ID and --reason together');
  }
  return { incident: { system, id }, reason };
}

/** What an action says already, the command line cannot. */
const ASKED = [
  'env',
  'secretEnv',
  'cwd',
  'timeout',
  'purpose',
  'incident',
  'reason',
  'resume',
] as const satisfies readonly (keyof ExecOptions)[];

/** @throws CliError USAGE */
function itemIn(options: ExecOptions): Pick<ItemOrder, 'actionId' | 'item'> | undefined {
  const { batch, item } = options;
  if (batch === undefined && item === undefined) return undefined;
  if (batch === undefined || item === undefined || !isUlid(batch)) {
    throw cliError('USAGE', 'expected --batch, the id of an action, and --item together');
  }
  if (ASKED.every((name) => options[name] === undefined)) return { actionId: batch, item };
  throw cliError('USAGE', 'expected nothing but --stdin with --batch: the item says the rest');
}

async function exec(
  argv: readonly string[],
  options: ExecOptions,
  context: CliContext,
): Promise<number> {
  const { resume, stdin } = options;
  const item = itemIn(options);
  if (item !== undefined) {
    const deps = await execDeps(options, context);
    return execItem({ ...item, argv, stdin }, deps);
  }
  if (argv.length === 0 && resume === undefined) {
    throw cliError('USAGE', 'expected a command after --', {
      hint: `${context.command} exec -- echo hello`,
    });
  }
  if (options.describe === true) return describe(argv, options, context);
  const { command } = context;
  const progress = newProgress(resume);
  const deps = await execDeps(options, context, progress);
  if (resume !== undefined) {
    return resumable(options, { argv, command, progress }, () =>
      resumeCommand(resume, { argv, stdin }, deps),
    );
  }
  const order = orderOf(argv, options);
  return resumable(options, { argv, command, progress }, () => execCommand(order, deps));
}

/** An item of a batch is run by another process than this one, which alone would know the salts of its secrets. */
async function describe(
  argv: readonly string[],
  options: ExecOptions,
  context: CliContext,
): Promise<number> {
  if (options.secretEnv !== undefined || options.incident !== undefined) {
    throw cliError('USAGE', 'expected neither --secret-env nor --incident with --describe');
  }
  const { params } = await describeCommand(orderOf(argv, options), context);
  context.stdout.json({ params });
  return EXIT.ok;
}

function orderOf(argv: readonly string[], options: ExecOptions): CommandOrder {
  const emergency = emergencyIn(options);
  return {
    argv,
    variables: { env: options.env ?? [], secretEnv: options.secretEnv ?? [] },
    stdin: options.stdin,
    cwd: options.cwd,
    timeoutS: options.timeout ?? DEFAULT_TIMEOUT_S,
    purpose: options.purpose,
    ...(emergency !== undefined && { emergency }),
  };
}

/** How far it came: what can still be done with the request when it ends with an error. */
interface Progress {
  id: string | undefined;
  openUntil: string | undefined;
  url: string | undefined;
}

function newProgress(id: string | undefined): Progress {
  return { id, openUntil: undefined, url: undefined };
}

async function execDeps(
  options: ExecOptions,
  context: CliContext,
  progress: Progress = newProgress(undefined),
): Promise<ExecDeps> {
  const narrator = new Narrator(context.stderr, options.json === true);
  const patience = patienceOf(context, narrator);
  const access = await openLedger(options, context);
  progress.url = access.client.url;
  const keyFile =
    options.executorKey === undefined
      ? access.folder?.executorKey
      : resolve(context.cwd, options.executorKey);
  if (keyFile === undefined) throw cliError('USAGE', 'expected --executor-key together with --url');
  return {
    access,
    context,
    executor: {
      id: options.executorId,
      audience: options.audience,
      key: await readSigningKey(keyFile),
    },
    stdout: context.child.stdout,
    stderr: context.child.stderr,
    narrator,
    patience,
    onAsked: (id) => {
      progress.id = id;
    },
    onOpen: (useBy) => {
      progress.openUntil = useBy;
    },
  };
}

/** What it takes to go on: the command that was asked for, and what this program is called here. */
interface Asked {
  readonly argv: readonly string[];
  readonly command: string;
  readonly progress: Progress;
}

/** Whatever ends it without an answer, or before the approval is used, leaves that as it is, and says how to go on. */
async function resumable(
  options: ExecOptions,
  asked: Asked,
  run: () => Promise<number>,
): Promise<number> {
  try {
    return await run();
  } catch (error) {
    const { id, openUntil } = asked.progress;
    if (!(error instanceof CliError) || id === undefined) throw error;
    const line = resumeLine(options, asked, id);
    if (error.exitCode === EXIT.indeterminate) throw hinted(error, `go on with: ${line}`);
    if (openUntil === undefined) throw error;
    const said = error.hint === undefined ? '' : `${error.hint}\n`;
    throw hinted(error, `${said}${stillOpen(asked.progress, line)}`);
  }
}

function hinted(error: CliError, hint: string): CliError {
  return new CliError(error.code, error.message, { cause: error, hint });
}

/** What was approved may still be put back and run, by whoever comes next: that has to be known. */
function stillOpen({ id, openUntil, url }: Progress, line: string): string {
  return [
    `the approval stays open until ${openUntil ?? ''}, for exactly what was approved`,
    `to run that: ${line}`,
    `to take it back: ${url ?? ''}/action/${id ?? ''}`,
  ].join('\n');
}

function resumeLine(options: ExecOptions, { argv, command }: Asked, id: string): string {
  return againLine({
    program: command,
    words: ['exec', ...(argv.length === 0 ? [] : ['--', ...argv])],
    options: {
      ...accessWords(options),
      'executor-key': options.executorKey,
      stdin: options.stdin,
      resume: id,
    },
  });
}
