import { resolve } from 'node:path';
import {
  CanonicalError,
  canonicalText,
  formatTimestamp,
  isJsonObject,
  parseStrict,
  utf8,
  type Json,
  type JsonObject,
} from '@countersign/canonical';
import { LEDGER_EXECUTOR, isAuthorityType } from '@countersign/binding';
import { batchedType, BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import type { Command } from 'commander';
import { checkAction } from '../action-check.ts';
import { freshIds, signedFrame } from '@countersign/sdk';
import { CliError, cliError, EXIT } from '../cli-error.ts';
import { readCommandInput } from '../command-input.ts';
import type { CliContext } from '../context.ts';
import {
  EXEC_AUDIENCE,
  EXEC_EXECUTOR,
  EXEC_INTERFACE_DIGEST,
  isCommandType,
} from '../exec-interface.ts';
import { openLedger, readGivenFile, type LedgerAccess } from '../ledger-access.ts';
import { submitKept } from '../kept-arrival.ts';
import { Narrator } from '../narrator.ts';
import { isNotJson } from '../not-json.ts';
import type { CommandParts } from '../command-parts.ts';
import { withDelegation } from '../delegation-file.ts';
import { addAccessOptions, type ClientOptions } from './access-options.ts';

interface RequestOptions extends ClientOptions {
  readonly delegation?: string;
  readonly receipt?: string;
}

const LIFE_MS = 86_400_000;
const EXAMPLE_DIGEST: string = `sha256:${'5f'.repeat(32)}`;

export function addRequest(program: Command, { context, end }: CommandParts): void {
  addAccessOptions(program.command('request'))
    .description('ask for an action that is written as JSON; what is missing of it is filled in')
    .argument('<file>', 'the action; - for standard input')
    .option('--receipt <file>', 'keep what proves that it arrived, then its entry and receipt')
    .option(
      '--delegation <file>',
      'on whose behalf it is asked: tokens, one a line, outermost first',
    )
    .addHelpText(
      'after',
      `
Filled in when absent: v, action_id, nonce, tenant, type_version (1), agent, acting_for, preconditions, not_after (a day
from now), max_uses (1, or one for each item of a batch), and the executor of a command (that of exec) or an authority.change (the ledger). The action
is checked here first; what does not fit its type is not sent. It does not wait: see watch.

Examples:
  $ echo '{"type":"generic.command","params":{"argv":["/bin/true"],"cwd":"/","executable":{"path":"/bin/true",
    "digest":"${EXAMPLE_DIGEST}"},
    "env":[],"secret_env":[],"stdin":{"kind":"empty"},"timeout_s":60}}' | countersign request -
  $ countersign request policy.json --json`,
    )
    .action(async (file: string, options: RequestOptions) => {
      end(await request(file, options, context));
    });
}

async function request(
  file: string,
  options: RequestOptions,
  context: CliContext,
): Promise<number> {
  const bytes =
    file === '-'
      ? (await readCommandInput('-', context)).bytes
      : await readGivenFile(resolve(context.cwd, file), 'action');
  const bare = actionOf(bytes);
  const { delegation } = options;
  const given = delegation === undefined ? bare : await withDelegation(bare, delegation, context);
  const access = await openLedger(options, context);
  const action = canonicalText(completed(given, access, context));
  checkAction(action);
  const frame = await signedFrame('request', utf8(action), access.agent.key);
  const receipt = options.receipt === undefined ? undefined : resolve(context.cwd, options.receipt);
  const { entry } = await helped(() => submitKept(access.client, frame, receipt));
  const id = actionIdOf(action);
  const url = `${access.client.url}/action/${id}`;
  new Narrator(context.stdout, options.json === true).say(
    'requested',
    `asked for approval: ${url}`,
    { action_id: id, url, entry: entry.index },
  );
  return EXIT.ok;
}

/** Which executors there are, the ledger alone knows. */
async function helped<T>(submit: () => Promise<T>): Promise<T> {
  try {
    return await submit();
  } catch (error) {
    if (!(error instanceof CliError) || !error.code.startsWith('EXECUTOR_')) throw error;
    const hint =
      '/executor: expected one that is enrolled, with its audience and interface; see `countersign enrol executor --help`';
    throw new CliError(error.code, error.message, { cause: error, hint });
  }
}

function actionIdOf(action: string): string {
  const { action_id: id } = parseStrict(utf8(action)) as JsonObject;
  return typeof id === 'string' ? id : '';
}

function actionOf(bytes: Uint8Array): JsonObject {
  let json: Json;
  try {
    json = parseStrict(bytes);
  } catch (error) {
    if (!(error instanceof CanonicalError)) throw error;
    const said = isNotJson(error) ? `is not JSON (${error.message})` : error.message;
    throw cliError('USAGE', `the action: ${said}`, { cause: error });
  }
  if (!isJsonObject(json)) {
    throw cliError('USAGE', 'the action: expected a JSON object');
  }
  return json;
}

/** Nothing that is given is ever changed. */
function completed(given: JsonObject, access: LedgerAccess, context: CliContext): JsonObject {
  const { tenant, agent } = access;
  const executor = executorOf(given['type'], access);
  return {
    v: 'countersign.action.v1',
    ...freshIds(context),
    tenant,
    type_version: 1,
    agent: { id: agent.id, key_thumbprint: agent.key.thumbprint },
    acting_for: [],
    ...(executor !== undefined && { executor }),
    preconditions: [],
    not_after: formatTimestamp(context.nowMs() + LIFE_MS),
    max_uses: usesOf(given),
    ...given,
  };
}

/** Of a batch, one for each item. */
function usesOf({ type, params }: JsonObject): number {
  const { items } = (params ?? {}) as JsonObject;
  const isBatch = typeof type === 'string' && batchedType(type) !== undefined;
  return isBatch && Array.isArray(items) && items.length > 0 ? items.length : 1;
}

/** The one that a type always has: another cannot be guessed, and the wrong one would be approved for nothing. */
function executorOf(type: Json | undefined, { trust }: LedgerAccess): JsonObject | undefined {
  if (isCommandType(type)) {
    return {
      id: EXEC_EXECUTOR,
      audience: EXEC_AUDIENCE,
      descriptor_digest: EXEC_INTERFACE_DIGEST,
    };
  }
  if (typeof type !== 'string' || !isAuthorityType(type)) return undefined;
  const descriptor = BUILTIN_DESCRIPTORS.find((known) => known.type === type);
  return descriptor === undefined
    ? undefined
    : { id: LEDGER_EXECUTOR, audience: trust.origin, descriptor_digest: descriptor.digest };
}
