import { createHmac } from 'node:crypto';
import { join, resolve } from 'node:path';
import { fromUtf8 } from '@countersign/canonical';
import { TOKEN_KEY_ID, type TokenSigner } from '@countersign/http-auth';
import type { HeldKey, LedgerClient } from '@countersign/sdk';
import { parseTrust, VerifyError, type Trust } from '@countersign/verify';
import { CliError, cliError, isSystemError } from './cli-error.ts';
import { readBounded } from './bounded-file.ts';
import type { CliContext } from './context.ts';
import { dataFolder, requireMark, type DataFolder } from './data-folder.ts';
import { readReadToken } from './data-keys.ts';
import { ledgerClient } from './ledger-client.ts';
import { isNotJson } from './not-json.ts';
import { readSigningKey } from './signing-key.ts';
import { readOwnTrust } from './trust-file.ts';

/** How a command says which ledger it means: a data folder on this machine, or an address with its own key and trust file. */
export interface AccessOptions {
  readonly data?: string;
  readonly url?: string;
  readonly key?: string;
  readonly agentId?: string;
  readonly trust?: string;
  readonly readToken?: string;
}

export interface Agent {
  readonly id: string;
  readonly key: HeldKey;
}

export interface LedgerAccess {
  readonly client: LedgerClient;
  readonly tenant: string;
  readonly agent: Agent;
  readonly trust: Trust;
  /** The ledger of this data folder was founded as a demonstration by whoever types here. */
  readonly allowDemo: boolean;
  /** Where `exec` keeps what it needs to go on. */
  readonly requestsFolder: string;
  /** Present when the ledger is the one in a data folder here. */
  readonly folder: DataFolder | undefined;
}

const LOCAL_AGENT = 'local-agent';
const OPERATOR = 'operator';
export const DEFAULT_DATA = 'countersign-data';
const REMOTE_REQUESTS = 'countersign-requests';

export function dataPath(options: Pick<AccessOptions, 'data'>, context: CliContext): string {
  const { env, cwd } = context;
  return resolve(cwd, options.data ?? env['COUNTERSIGN_DATA_DIR'] ?? DEFAULT_DATA);
}

/**
 * Opens the way to a ledger and makes sure that it is the one which the trust file names.
 *
 * @throws CliError DATA_MISSING, KEY_FILE_PERMISSIONS, FOREIGN_LEDGER, LEDGER_UNREACHABLE, …
 */
export async function openLedger(
  options: AccessOptions,
  context: CliContext,
  as: 'agent' | 'operator' = 'agent',
): Promise<LedgerAccess> {
  const parts =
    options.url === undefined
      ? await localParts(options, context, as)
      : await remoteParts({ ...options, url: options.url }, context);
  const { thumbprint, sign } = parts.agent.key;
  const client = ledgerClient({
    ...context,
    url: parts.url,
    reader: { keyId: thumbprint, sign },
  });
  const tenant = await assertTrusted(client, parts.trust);
  return { ...parts, client, tenant };
}

/**
 * Opens the way to a ledger for reading only: with the read token, which sees everything, or else as an agent, which
 * sees what it asked for.
 *
 * @throws CliError as openLedger
 */
export async function openReader(
  options: AccessOptions,
  context: CliContext,
): Promise<LedgerClient> {
  return (await openTrusted(options, context)).client;
}

/** As openReader, with what the trust file says. @throws CliError as openLedger */
export async function openTrusted(
  options: AccessOptions,
  context: CliContext,
): Promise<Pick<LedgerAccess, 'client' | 'trust'>> {
  const parts = await readerParts(options, context);
  if (parts === undefined) return openLedger(options, context);
  const client = ledgerClient({ ...context, url: parts.url, reader: tokenSigner(parts.token) });
  await assertTrusted(client, parts.trust);
  return { client, trust: parts.trust };
}

function tokenSigner(token: string): TokenSigner {
  return {
    keyId: TOKEN_KEY_ID,
    sign: (message) => createHmac('sha256', token).update(message).digest(),
  };
}

interface ReaderParts {
  readonly url: string;
  readonly token: string;
  readonly trust: Trust;
}

async function readerParts(
  options: AccessOptions,
  context: CliContext,
): Promise<ReaderParts | undefined> {
  const { url, key } = options;
  const folder = url === undefined ? dataFolder(dataPath(options, context)) : undefined;
  const tokenFile =
    options.readToken === undefined ? folder?.readToken : resolve(context.cwd, options.readToken);
  if (key !== undefined || tokenFile === undefined) return undefined;
  const at = folder === undefined ? url : (await requireMark(folder)).url;
  if (at === undefined) throw trustNeeded();
  const trust = await trustOf(options, context, folder);
  const token =
    options.readToken === undefined && folder !== undefined
      ? await readReadToken(folder)
      : fromUtf8(await readGivenFile(tokenFile, 'read token')).trim();
  if (token === undefined) {
    throw cliError('FILE_UNREADABLE', `expected a readable read token at ${tokenFile}`);
  }
  return { url: originOf(at), token, trust };
}

type Parts = Omit<LedgerAccess, 'client' | 'tenant'> & { readonly url: string };

async function localParts(
  options: AccessOptions,
  context: CliContext,
  as: 'agent' | 'operator',
): Promise<Parts> {
  const folder = dataFolder(dataPath(options, context));
  const mark = await requireMark(folder);
  return {
    url: mark.url,
    folder,
    agent: await localAgent(options, { folder, context, as }),
    trust: await trustOf(options, context, folder),
    allowDemo: mark.demo,
    requestsFolder: folder.requestsFolder,
  };
}

async function localAgent(
  options: AccessOptions,
  from: { folder: DataFolder; context: CliContext; as: 'agent' | 'operator' },
): Promise<Agent> {
  const { folder, context, as } = from;
  const isOperator = as === 'operator';
  const path =
    options.key === undefined
      ? isOperator
        ? folder.operatorKey
        : folder.agentKey
      : resolve(context.cwd, options.key);
  const id = options.agentId ?? (isOperator ? OPERATOR : LOCAL_AGENT);
  return { id, key: await readSigningKey(path) };
}

async function remoteParts(
  options: AccessOptions & { readonly url: string },
  context: CliContext,
): Promise<Parts> {
  const { key, agentId } = options;
  const trust = trustPath(options, context);
  if (key === undefined || agentId === undefined || trust === undefined) {
    throw cliError('USAGE', 'expected --key, --agent-id and --trust together with --url');
  }
  return {
    url: originOf(options.url),
    folder: undefined,
    agent: { id: agentId, key: await readSigningKey(resolve(context.cwd, key)) },
    trust: await readTrust(trust),
    allowDemo: false,
    requestsFolder: join(context.cwd, REMOTE_REQUESTS),
  };
}

function trustPath({ trust }: AccessOptions, { cwd }: CliContext): string | undefined {
  return trust === undefined ? undefined : resolve(cwd, trust);
}

/** The given file, or else the folder's own. */
export async function trustOf(
  options: AccessOptions,
  context: CliContext,
  folder: DataFolder | undefined,
): Promise<Trust> {
  const given = trustPath(options, context);
  if (given !== undefined) return readTrust(given);
  if (folder === undefined) throw trustNeeded();
  const own = await readOwnTrust(folder);
  if (own !== undefined) return own;
  throw cliError('FILE_UNREADABLE', `expected a readable trust file at ${folder.trustFile}`);
}

function trustNeeded(): CliError {
  return cliError('USAGE', 'expected --trust together with --url');
}

/** @throws CliError USAGE */
export function originOf(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const isOrigin =
    parsed !== undefined &&
    /^https?:$/.test(parsed.protocol) &&
    parsed.pathname === '/' &&
    parsed.search === '' &&
    parsed.hash === '' &&
    parsed.username === '';
  if (!isOrigin) throw cliError('USAGE', 'expected an address like http://localhost:7420');
  return parsed.origin;
}

/** @throws CliError FILE_UNREADABLE, FILE_TOO_LARGE, TRUST_FORMAT */
export async function readTrust(path: string): Promise<Trust> {
  return (await readTrustFile(path)).trust;
}

/** With its bytes, for who has to say by which file it was judged: read once, for a server may replace it meanwhile. */
export async function readTrustFile(
  path: string,
): Promise<{ readonly trust: Trust; readonly bytes: Uint8Array }> {
  const bytes = await readGivenFile(path, 'trust file');
  try {
    return { trust: parseTrust(bytes), bytes };
  } catch (error) {
    if (!(error instanceof VerifyError)) throw error;
    const said = isNotJson(error.cause) ? `the file is not JSON (${error.message})` : error.message;
    throw new CliError(error.code, `${path}: ${said}`, { cause: error });
  }
}

const GIVEN_FILE_BYTES_MAX: number = 16 * 1024 * 1024;

/** A file that the command line names, which may be a pipe. @throws CliError FILE_UNREADABLE, FILE_TOO_LARGE */
export async function readGivenFile(path: string, what: string): Promise<Uint8Array> {
  try {
    const bytes = await readBounded(path, GIVEN_FILE_BYTES_MAX);
    if (bytes !== undefined) return bytes;
  } catch (error) {
    if (!isSystemError(error, 'ENOENT', 'EACCES', 'EISDIR', 'ENOTDIR')) throw error;
    throw cliError('FILE_UNREADABLE', `expected a readable ${what} at ${path}`, { cause: error });
  }
  throw cliError('FILE_TOO_LARGE', `expected a ${what} of at most 16 MiB at ${path}`);
}

/** Whoever answers at the address may be anybody: nothing is asked of another ledger than the trusted one. */
export async function assertTrusted(client: LedgerClient, trust: Trust): Promise<string> {
  const { origin, genesis, tenant } = await client.getObject('/v1/ledger');
  if (origin !== trust.origin || genesis !== trust.genesis) {
    throw cliError(
      'FOREIGN_LEDGER',
      `${client.url}: expected the ledger ${trust.origin} of the trust file, got another`,
    );
  }
  if (typeof tenant !== 'string') throw cliError('ANSWER_INVALID', 'expected the ledger’s tenant');
  return tenant;
}
