import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import {
  DEFAULT_CONFIG,
  HttpClients,
  httpServer,
  GateError,
  GATE_INTERFACE_DIGEST,
  parseGateConfig,
  pinnedConfig,
  serveStdio,
  type GateConfig,
  type Listening,
  type SessionParts,
} from '@countersign/mcp-gate';
import { parseStrict } from '@countersign/canonical';
import { guard, LedgerClient } from '@countersign/sdk';
import { fileRunStore } from '@countersign/sdk/file-store';
import { readRegular } from '../bounded-file.ts';
import { CliError, cliError, EXIT, isSystemError } from '../cli-error.ts';
import type { CommandParts } from '../command-parts.ts';
import type { CliContext } from '../context.ts';
import { EXEC_AUDIENCE, MCP_GATE_EXECUTOR } from '../exec-interface.ts';
import { makeOwnFolders } from '../folder-modes.ts';
import { openLedger, type LedgerAccess } from '../ledger-access.ts';
import { fileCallStore } from '../mcp-call-store.ts';
import { launchedServer, type McpServer } from '../mcp-launch.ts';
import { Narrator } from '../narrator.ts';
import { POLICY_ENGINE } from '../policy-engine.ts';
import { readSigningKey } from '../signing-key.ts';
import { addAccessOptions, type ClientOptions } from './access-options.ts';

interface McpGateOptions extends ClientOptions {
  readonly upstream?: string;
  readonly bearerEnv?: string;
  readonly listen?: Listening;
  readonly config?: string;
  readonly env?: readonly string[];
  readonly pins?: true;
  readonly executorKey?: string;
  readonly executorId: string;
  readonly audience: string;
}

const CONFIG_FILE = 'countersign.mcp.json';
const CONFIG_LIMITS = { maxBytes: 1_048_576, maxDepth: 4, maxMembers: 4_096 };

export function addMcpGate(program: Command, { context, end }: CommandParts): void {
  addAccessOptions(program.command('mcp-gate'))
    .description(
      'stand in front of an MCP server: its tools run when a human has approved the call',
    )
    .argument('[argv...]', 'the program of the server, after --')
    .option('--upstream <url>', 'a server that is reached over HTTP, in the place of a program')
    .option('--bearer-env <name>', 'variable with the token for it, which clients need not have')
    .option('--listen <host:port>', 'answer clients over HTTP, not on standard input', parseListen)
    .option('--config <file>', `which tools need a human (default: ${CONFIG_FILE}, else all)`)
    .option('--env <name>', 'pass this variable on to the program (repeat)', collect)
    .option('--pins', `print a ${CONFIG_FILE} that pins the tools as they are now, and end`)
    .option('--executor-key <file>', 'key file of the executor')
    .option('--executor-id <id>', 'id of the executor', MCP_GATE_EXECUTOR)
    .option('--audience <name>', 'audience of the executor', EXEC_AUDIENCE)
    .addHelpText(
      'after',
      `
A call that needs a human is held until it is bound, and runs once with the arguments that were approved. Messages go to stderr.
The program gets PATH, HOME and the like, and what --env names.

Examples:
  $ countersign mcp-gate -- npx -y @modelcontextprotocol/server-filesystem /srv/files
  $ countersign mcp-gate --upstream https://mcp.example.com/mcp --bearer-env MCP_TOKEN
  $ countersign mcp-gate --listen 127.0.0.1:7430 -- node server.js`,
    )
    .action(async (argv: readonly string[], options: McpGateOptions) => {
      end(await asCliErrors(() => mcpGate(argv, options, context)));
    });
}

async function asCliErrors<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof GateError) {
      throw new CliError(error.code, error.message, { cause: error });
    }
    if (isSystemError(error, 'EADDRINUSE', 'EACCES', 'EADDRNOTAVAIL')) {
      throw cliError('PORT_BUSY', `--listen: ${error.message}`, { cause: error });
    }
    throw error;
  }
}

function collect(name: string, before: readonly string[] = []): string[] {
  return [...before, name];
}

function parseListen(text: string): Listening {
  const [, bracketed, plain, port] =
    /^(?:\[([0-9a-f:]+)\]|([^:]+)):([0-9]{1,5})$/i.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host !== undefined && Number(port) <= 65_535) return { host, port: Number(port) };
  throw cliError('USAGE', '--listen: expected HOST:PORT, such as 127.0.0.1:7430');
}

async function mcpGate(
  argv: readonly string[],
  options: McpGateOptions,
  context: CliContext,
): Promise<number> {
  const narrator = new Narrator(context.stderr, options.json === true);
  const server = await serverOf(argv, options, context);
  if (options.pins === true) {
    const pinned = await pinnedConfig(server.openServer, context.randomBytes);
    context.stdout.document(`${JSON.stringify(pinned, undefined, 2)}\n`);
    return EXIT.ok;
  }
  const config = await readConfig(options, context);
  const parts = await partsOf({ server, config, narrator }, options, context);
  const { listen } = options;
  if (listen === undefined) {
    const { stdin, child, interrupted } = context;
    const end = await serveStdio(
      { ...parts, client: 'stdio' },
      { input: stdin, output: child.stdout, signal: interrupted },
    );
    narrator.say('ended', end);
    // Standard input may stay open.
    context.exitWithin(0);
    return EXIT.ok;
  }
  const gate = await HttpClients.listen(parts, listen);
  narrator.say('ready', `MCP at ${gate.url}`, { url: gate.url });
  await new Promise((stopped) => {
    context.interrupted.addEventListener('abort', stopped, { once: true });
  });
  await gate.close();
  return EXIT.ok;
}

async function serverOf(
  argv: readonly string[],
  { upstream, bearerEnv, env = [] }: McpGateOptions,
  context: CliContext,
): Promise<McpServer> {
  if ((upstream === undefined) === (argv.length === 0)) {
    throw cliError('USAGE', 'expected a program after --, or --upstream, and not both');
  }
  if (upstream === undefined) return launchedServer(argv, env, context);
  if (!/^https?:\/\/[^?#]+$/.test(upstream) || !URL.canParse(upstream)) {
    throw cliError('USAGE', '--upstream: expected an http or https URL without a query');
  }
  const token = bearerEnv === undefined ? undefined : context.env[bearerEnv];
  if (bearerEnv !== undefined && token === undefined) {
    throw cliError('ENV_MISSING', `--bearer-env ${bearerEnv}: expected a variable that is set`);
  }
  const { href } = new URL(upstream);
  const authorization = token === undefined ? undefined : `Bearer ${token}`;
  return {
    origin: { kind: 'url', url: href },
    openServer: httpServer({ url: href, authorization }),
  };
}

async function readConfig({ config }: McpGateOptions, { cwd }: CliContext): Promise<GateConfig> {
  const path = resolve(cwd, config ?? CONFIG_FILE);
  try {
    const bytes = await readRegular(path, CONFIG_LIMITS.maxBytes);
    if (bytes === undefined) throw cliError('CONFIG_INVALID', `${path}: expected a file`);
    return parseGateConfig(parseStrict(bytes, CONFIG_LIMITS));
  } catch (error) {
    if (config === undefined && isSystemError(error, 'ENOENT')) return DEFAULT_CONFIG;
    if (error instanceof CliError) throw error;
    const why = error instanceof GateError ? error.message : 'expected strict JSON';
    throw cliError('CONFIG_INVALID', `${path}: ${why}`, { cause: error });
  }
}

interface GateChoice {
  readonly server: McpServer;
  readonly config: GateConfig;
  readonly narrator: Narrator;
}

async function partsOf(
  { server, config, narrator }: GateChoice,
  options: McpGateOptions,
  context: CliContext,
): Promise<Omit<SessionParts, 'client'>> {
  const { nowMs, randomBytes } = context;
  const access = await openLedger(options, context);
  const { agent, tenant, trust, allowDemo, client } = access;
  const key = await readSigningKey(executorKeyFile(access, options, context));
  const { executorId: id, audience } = options;
  const { thumbprint: keyId, sign } = agent.key;
  const ledger = new LedgerClient({ url: client.url, reader: { keyId, sign }, nowMs, randomBytes });
  const folder = join(access.requestsFolder, 'mcp');
  await makeOwnFolders(access.requestsFolder, folder);
  const guarded = guard({
    ledger,
    trust,
    policyEngine: POLICY_ENGINE,
    allowDemo,
    nowMs,
    store: fileRunStore(folder),
    executor: { id, audience, key, interfaceDigest: GATE_INTERFACE_DIGEST },
  });
  for (const { outcome } of await guarded.settle())
    narrator.say('settled', `a call of before: ${outcome}`, { outcome });
  return {
    ...server,
    config,
    tenant,
    agent,
    executor: { id, audience },
    ledger,
    guard: guarded,
    calls: fileCallStore(folder, nowMs),
    nowMs,
    randomBytes,
    log: (event, facts) => {
      narrator.say(event, wordsOf(event, facts), facts);
    },
  };
}

function wordsOf(event: string, facts: Readonly<Record<string, string>>): string {
  const { tool = '', url = '', code = '' } = facts;
  switch (event) {
    case 'requested':
      return `${tool} waits for a human: ${url}`;
    case 'ran':
      return `${tool} ran under its approval`;
    default:
      return `${tool === '' ? 'a message' : tool} was refused: ${code}`;
  }
}

function executorKeyFile(
  { folder }: LedgerAccess,
  { executorKey }: McpGateOptions,
  { cwd }: CliContext,
): string {
  if (executorKey !== undefined) return resolve(cwd, executorKey);
  if (folder !== undefined) return folder.mcpGateKey;
  throw cliError('USAGE', 'expected --executor-key together with --url');
}
