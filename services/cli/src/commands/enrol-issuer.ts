import type { JsonObject } from '@countersign/canonical';
import type { Command } from 'commander';
import { askForChange } from '../authority-request.ts';
import { cliError, EXIT } from '../cli-error.ts';
import type { CommandParts } from '../command-parts.ts';
import { readIssuerKeys } from '../issuer-keys.ts';
import { openLedger } from '../ledger-access.ts';
import { Narrator } from '../narrator.ts';
import { addAccessOptions, type ClientOptions } from './access-options.ts';

interface IssuerOptions extends ClientOptions {
  readonly jwks: string;
  readonly person: readonly string[];
  readonly services?: string;
}

export function addIssuer(enrol: Command, { context, end }: CommandParts): void {
  addAccessOptions(enrol.command('issuer'))
    .description('who is believed when it says on whose behalf an agent acts')
    .argument('<url>', 'the iss of its tokens')
    .requiredOption('--jwks <file>', 'its JWK set, whose keys are pinned')
    .option(
      '--person <sub=person>',
      'a subject that is a person of this ledger; once for each',
      collected,
      [],
    )
    .option('--services <prefix>', 'how the subjects begin that are no persons')
    .addHelpText(
      'after',
      `
Its keys are taken as the file has them, and never fetched: enrol it again when they change. See docs/delegation.md.

Example:
  $ countersign enrol issuer https://login.acme.example --jwks jwks.json
    --person alice@acme.example=prs_01JD3ZQ5Y0W9V8X7T6S5R4Q3P2 --services svc:`,
    )
    .action(async (id: string, options: IssuerOptions) => {
      const keys = await readIssuerKeys(options.jwks, context);
      const persons = options.person.map(personOf);
      const { services } = options;
      const issuer = { id, keys, persons, ...(services !== undefined && { services }) };
      const access = await openLedger(options, context, 'operator');
      const kept = `${id} is believed from then on`;
      const change = { kind: 'issuer-enrolled', issuer } as unknown as JsonObject;
      await askForChange(change, { type: 'authority.issuer', access, context, options, kept });
      new Narrator(context.stdout, options.json === true).say(
        'enrolled',
        `${id} is believed when it says on whose behalf an agent acts`,
        { issuer: id, keys: keys.length, persons: persons.length },
      );
      end(EXIT.ok);
    });
}

function collected(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

/** The last equals sign: a subject may have some, a person has none. */
function personOf(given: string): { readonly sub: string; readonly person: string } {
  const at = given.lastIndexOf('=');
  if (at < 1) throw cliError('USAGE', '--person: expected SUBJECT=PERSON');
  return { sub: given.slice(0, at), person: given.slice(at + 1) };
}
