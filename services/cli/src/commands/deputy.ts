import { isAuthorityType } from '@countersign/binding';
import { formatTimestamp, type JsonObject } from '@countersign/canonical';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import type { Command } from 'commander';
import { askForChange } from '../authority-request.ts';
import { cliError, EXIT } from '../cli-error.ts';
import type { CommandParts } from '../command-parts.ts';
import { deputiesOf, keylessOf } from '../deputies.ts';
import { openLedger, openReader } from '../ledger-access.ts';
import { Narrator } from '../narrator.ts';
import { personParser } from '../person-id.ts';
import {
  addAccessOptions,
  addReadOptions,
  REASON,
  type ClientOptions,
  type ReasonOptions,
} from './access-options.ts';
import { timeParser } from './period-options.ts';

interface NameOptions extends ReasonOptions {
  readonly type: readonly string[];
  readonly from?: string;
  readonly until: string;
}

/** While somebody is away: schemas/formats/authority.md §14. */
export function addDeputy(program: Command, parts: CommandParts): void {
  const deputy = program
    .command('deputy')
    .description('let somebody decide in the place of a person who is away');
  addName(deputy, parts);
  addRevoke(deputy, parts);
  addDeputies(deputy, parts);
  deputy.addHelpText(
    'after',
    `
A person and their deputy are one voice, and the deputy of a deputy is nobody's. docs/governance.md

Examples:
  $ countersign deputy name prs_01JD3ZQ5Y0W9V8X7T6S5R4Q3P2 prs_01JD3ZQ5Y0W9V8X7T6S5R4Q3P3 --type key.rotate --until 2027-01-06 --reason "Alice is away until Epiphany"
  $ countersign deputy list
  $ countersign deputy revoke prs_01JD3ZQ5Y0W9V8X7T6S5R4Q3P2 --reason "she is back"`,
  );
}

/** A deputy for a type that nobody can ask for would be of no use, and nobody would notice before they are needed. */
function typesOf(named: readonly string[]): readonly string[] {
  for (const type of named) {
    const isKnown = BUILTIN_DESCRIPTORS.some((known) => known.type === type);
    if (isKnown && !isAuthorityType(type)) continue;
    throw cliError('USAGE', `--type: expected an action type that a policy is for, got ${type}`);
  }
  return [...new Set(named)].sort();
}

function addName(deputy: Command, parts: CommandParts): void {
  addAccessOptions(deputy.command('name'))
    .description('ask for a deputy, once as many sign as a change of the ledger needs')
    .argument('<person>', 'who is away', personParser('person'))
    .argument('<deputy>', 'who decides in their place', personParser('deputy'))
    .requiredOption('--type <type...>', 'of which actions; none of the authority')
    .option('--from <time>', 'from when; now unless given', timeParser('--from'))
    .requiredOption('--until <time>', 'until when, 90 days at most', timeParser('--until'))
    .requiredOption(...REASON)
    .addHelpText(
      'after',
      `
An earlier deputy of that person ends by it. The deputy does not sign for it.

Example:
  $ countersign deputy name prs_01JD3ZQ5Y0W9V8X7T6S5R4Q3P2 prs_01JD3ZQ5Y0W9V8X7T6S5R4Q3P3 --type key.rotate payment.transfer --from 2026-12-20 --until 2027-01-06 --reason "Alice is away until Epiphany"`,
    )
    .action(async (person: string, other: string, options: NameOptions) => {
      const named = {
        kind: 'deputy-named',
        principal: person,
        deputy: other,
        types: typesOf(options.type),
        not_before: options.from ?? formatTimestamp(parts.context.nowMs()),
        not_after: options.until,
      };
      await changeDeputy(named, options, parts);
      const said = new Narrator(parts.context.stdout, options.json === true);
      const { types, not_before, not_after } = named;
      said.say('named', `${other} decides in the place of ${person} until ${not_after}`, {
        principal: person,
        deputy: other,
        types,
        not_before,
        not_after,
      });
      parts.end(EXIT.ok);
    });
}

function addRevoke(deputy: Command, parts: CommandParts): void {
  addAccessOptions(deputy.command('revoke'))
    .description('end that somebody decides in the place of a person; also while it is frozen')
    .argument('<person>', 'in whose place', personParser('person'))
    .requiredOption(...REASON)
    .addHelpText(
      'after',
      `
What the deputy has approved and nobody has used yet is dead from then on.

Example:
  $ countersign deputy revoke prs_01JD3ZQ5Y0W9V8X7T6S5R4Q3P2 --reason "she is back"`,
    )
    .action(async (person: string, options: ReasonOptions) => {
      await changeDeputy({ kind: 'deputy-revoked', principal: person }, options, parts);
      const said = new Narrator(parts.context.stdout, options.json === true);
      said.say('revoked', `${person} has no deputy any more`, { principal: person });
      parts.end(EXIT.ok);
    });
}

async function changeDeputy(
  change: JsonObject,
  options: ReasonOptions,
  { context }: CommandParts,
): Promise<void> {
  const access = await openLedger(options, context, 'operator');
  const kept = 'nothing else has to be done for it';
  const parts = { access, context, options, kept, note: options.reason } as const;
  await askForChange(change, { ...parts, type: 'authority.deputy' });
}

function addDeputies(deputy: Command, { context, end }: CommandParts): void {
  addReadOptions(deputy.command('list'))
    .description('list who decides in whose place, now or later')
    .addHelpText('after', '\nExample:\n  $ countersign deputy list')
    .action(async (options: ClientOptions) => {
      const client = await openReader(options, context);
      const deputies = await deputiesOf(client);
      const without = await keylessOf(client, deputies);
      for (const each of deputies) {
        const keyless = [each.principal, each.deputy].filter((person) => without.has(person));
        if (options.json === true) context.stdout.json({ ...each, keyless });
        else
          context.stdout.lines(
            `${each.deputy}  in the place of ${each.principal}`,
            `  from ${each.not_before} to ${each.not_after}: ${each.types.join(', ')}`,
            ...keyless.map((person) => `  nobody until ${person} has a key`),
          );
      }
      end(EXIT.ok);
    });
}
