import { parseEntry, parseExecutionReport, voicesIn, type Entry } from '@countersign/binding';
import { utf8, type Json, type JsonObject } from '@countersign/canonical';
import { isAnsweredEntry, type LedgerClient } from '@countersign/sdk';
import { Option, type Command } from 'commander';
import { askForChange } from '../authority-request.ts';
import { CliError, cliError, EXIT } from '../cli-error.ts';
import type { CommandParts } from '../command-parts.ts';
import { openLedger } from '../ledger-access.ts';
import { Narrator } from '../narrator.ts';
import { addAccessOptions, addActionId, type ClientOptions } from './access-options.ts';

interface ReviewOptions extends ClientOptions {
  readonly verdict: 'justified' | 'not-justified';
  readonly remarks: string;
}

export function addReview(program: Command, { context, end }: CommandParts): void {
  addActionId(addAccessOptions(program.command('review')))
    .description('ask two persons to review an action that ran as BREAK-GLASS')
    .addOption(
      new Option('--verdict <verdict>', 'what they are asked to sign for')
        .choices(['justified', 'not-justified'])
        .makeOptionMandatory(),
    )
    .requiredOption('--remarks <text>', 'why, in up to 1000 characters')
    .addHelpText(
      'after',
      `
Who approved it, in whose place a deputy did, the owner of its agent and whose tool that is cannot be among the two. What they
sign says again what the log says of the action: if that changes before both have signed, ask again.

Example:
  $ countersign review 01JD3ZQ5Y0W9V8X7T6S5R4Q3P2 --verdict justified --remarks "payments were down"`,
    )
    .action(async (id: string, options: ReviewOptions) => {
      const access = await openLedger(options, context, 'operator');
      const { verdict, remarks } = options;
      const told = changeOf(await entriesOf(access.client, id));
      if (told === undefined) {
        throw new CliError('REVIEW_MISMATCH', `expected ${id} to be bound as BREAK-GLASS`);
      }
      const kept = `see what waits for a review with: ${context.command} findings`;
      const change = { kind: 'reviewed', action_id: id, ...told, verdict, remarks };
      await askForChange(change, { type: 'authority.review', access, context, options, kept });
      new Narrator(context.stdout, options.json === true).say(
        'reviewed',
        [
          `two persons have signed that ${id} was ${verdict.replace('-', ' ')}: the review is in the log`,
          `nothing more is needed for it; what still waits for a review: ${context.command} findings`,
        ],
        { action_id: id, verdict },
      );
      end(EXIT.ok);
    });
}

async function entriesOf(client: LedgerClient, id: string): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  for (let start: Json | undefined = 0; typeof start === 'number';) {
    const page = await client.getObject(`/v1/actions/${id}/entries?start=${start}`);
    const { entries: given, next } = page;
    if (!Array.isArray(given)) throw cliError('ANSWER_INVALID', 'expected entries of the action');
    for (const each of given as readonly Json[]) entries.push(entryIn(each));
    start = next;
  }
  return entries;
}

function entryIn(json: Json): Entry {
  const { entry } = Object(json) as { readonly entry?: Json };
  if (entry !== undefined && isAnsweredEntry(entry)) return parseEntry(utf8(entry.text));
  throw cliError('ANSWER_INVALID', 'expected an entry of the log');
}

/** What the log says of it: schemas/formats/authority.md §10. The ledger compares each of these. */
function changeOf(entries: readonly Entry[]): JsonObject | undefined {
  const binding = entries.find((entry) => entry.type === 'binding-made');
  if (binding?.requirement.break_glass === undefined) return undefined;
  const { agent } = binding;
  const reports = entries.filter((entry) => entry.type === 'execution-reported');
  const isUsed = entries.some((entry) => entry.type === 'binding-used');
  const last = reports.at(-1);
  const reported = last === undefined ? undefined : parseExecutionReport(utf8(last.report)).result;
  return {
    action_type: binding.action_type.name,
    action_digest: binding.action_digest,
    approvers: binding.decisions.flatMap(voicesIn),
    concerned: [...new Set([agent.owner, agent.person ?? agent.owner])].sort(),
    result: reported ?? (isUsed ? 'not-reported' : 'not-used'),
  };
}
