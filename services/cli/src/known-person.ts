import type { JsonObject } from '@countersign/canonical';
import type { LedgerClient } from '@countersign/sdk';
import { CliError } from './cli-error.ts';
import { listedMembers } from './commands/listed-rows.ts';

/**
 * Somebody of this ledger, as the server tells of them: what counts is what the ledger takes.
 *
 * @throws CliError MEMBER_UNKNOWN, ANSWER_INVALID, READ_SCOPE, …
 */
export async function knownPerson(client: LedgerClient, person: string): Promise<JsonObject> {
  for await (const member of listedMembers(client, 'persons?')) {
    if (member['id'] === person) return member;
  }
  throw new CliError('MEMBER_UNKNOWN', `expected a person of this ledger, got ${person}`, {
    hint: '`countersign list persons` names them',
  });
}
