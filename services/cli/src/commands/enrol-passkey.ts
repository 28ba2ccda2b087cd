import type { PersonMember } from '@countersign/binding';
import type { Json } from '@countersign/canonical';
import type { Command } from 'commander';
import { cliError, EXIT } from '../cli-error.ts';
import type { CommandParts } from '../command-parts.ts';
import { knownPerson } from '../known-person.ts';
import { personParser } from '../person-id.ts';
import { invite, openInviter } from '../person-invitation.ts';
import { addAccessOptions, type ClientOptions } from './access-options.ts';

/** The display of the change is that of somebody new: whoever signs knows the person by the id alone. */
const NOTE = 'another passkey for a person who is known already';

export function addPasskey(enrol: Command, { context, end }: CommandParts): void {
  addAccessOptions(enrol.command('passkey'))
    .description('another passkey for somebody who is enrolled, by an invitation link')
    .argument('<person>', 'whose it is', personParser('person'))
    .addHelpText(
      'after',
      `
The earlier keys of the person stay, and all of them are one voice. A person with a company account needs that account for this link,
too.

Example:
  $ countersign enrol passkey prs_01JD3ZQ5Y0W9V8X7T6S5R4Q3P2`,
    )
    .action(async (person: string, options: ClientOptions) => {
      const inviter = await openInviter(options, context);
      const known = await knownPerson(inviter.access.client, person);
      await invite(inviter, {
        person,
        class: classIn(known['class']),
        note: NOTE,
        words: `${person} is invited to enrol another passkey`,
      });
      end(EXIT.ok);
    });
}

/** Before the link is made: one that could not be asked for would stay. @throws CliError ANSWER_INVALID */
function classIn(told: Json | undefined): PersonMember['class'] {
  if (told === 'natural' || told === 'role' || told === 'machine') return told;
  throw cliError('ANSWER_INVALID', 'expected the class of a person');
}
