import { resolve } from 'node:path';
import {
  CanonicalError,
  canonicalText,
  formatTimestamp,
  parseStrict,
  utf8,
  type Json,
  type JsonObject,
} from '@countersign/canonical';
import type { Command } from 'commander';
import { freshIds } from '../action-draft.ts';
import { cliError, EXIT } from '../cli-error.ts';
import { readCommandInput } from '../command-input.ts';
import type { CliContext } from '../context.ts';
import { EXEC_AUDIENCE, EXEC_EXECUTOR, EXEC_INTERFACE_DIGEST } from '../exec-interface.ts';
import { openLedger, readGivenFile, type LedgerAccess } from '../ledger-access.ts';
import { Narrator } from '../narrator.ts';
import type { CommandParts } from '../command-parts.ts';
import { signedFrame } from '../signing-key.ts';
import { addAccessOptions, type ClientOptions } from './access-options.ts';

const LIFE_MS = 86_400_000;

export function addRequest(program: Command, { context, end }: CommandParts): void {
  addAccessOptions(program.command('request'))
    .description('ask for an action that is written as JSON; what is missing of it is filled in')
    .argument('<file>', 'the action; - for standard input')
    .addHelpText(
      'after',
      `
Filled in when absent: v, action_id, nonce, tenant, type_version, agent, acting_for, executor, preconditions,
not_after (a day from now), max_uses (1).

Example:
  $ echo '{"type":"iam.policy.change","params":{…}}' | countersign request -`,
    )
    .action(async (file: string, options: ClientOptions) => {
      end(await request(file, options, context));
    });
}

async function request(file: string, options: ClientOptions, context: CliContext): Promise<number> {
  const bytes =
    file === '-'
      ? (await readCommandInput('-', context)).bytes
      : await readGivenFile(resolve(context.cwd, file), 'action');
  const given = actionOf(bytes);
  const access = await openLedger(options, context);
  const action = canonicalText(completed(given, access, context));
  const frame = signedFrame('request', utf8(action), access.agent.key);
  const { entry } = await access.client.submit('requests', frame);
  const id = actionIdOf(action);
  const url = `${access.client.url}/action/${id}`;
  new Narrator(context.stdout, options.json === true).say(
    'requested',
    `asked for approval: ${url}`,
    { action_id: id, url, entry: entry.index },
  );
  return EXIT.ok;
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
    throw cliError('USAGE', `the action: ${error.message}`, { cause: error });
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw cliError('USAGE', 'the action: expected a JSON object');
  }
  return json as JsonObject;
}

/** Nothing that is given is ever changed. */
function completed(
  given: JsonObject,
  { tenant, agent }: LedgerAccess,
  context: CliContext,
): JsonObject {
  return {
    v: 'countersign.action.v1',
    ...freshIds(context),
    tenant,
    type_version: 1,
    agent: { id: agent.id, key_thumbprint: agent.key.thumbprint },
    acting_for: [],
    executor: {
      id: EXEC_EXECUTOR,
      audience: EXEC_AUDIENCE,
      descriptor_digest: EXEC_INTERFACE_DIGEST,
    },
    preconditions: [],
    not_after: formatTimestamp(context.nowMs() + LIFE_MS),
    max_uses: 1,
    ...given,
  };
}
