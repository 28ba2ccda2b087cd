import type { Command } from 'commander';
import { askForChange } from '../authority-request.ts';
import { cliError, EXIT } from '../cli-error.ts';
import { parseIssuer, parseSubject, tieOf } from '../company-accounts.ts';
import { openLedger } from '../ledger-access.ts';
import { Narrator } from '../narrator.ts';
import { personParser } from '../person-id.ts';
import type { CommandParts } from '../command-parts.ts';
import { addAccessOptions, type ClientOptions } from './access-options.ts';

interface AccountOptions extends ClientOptions {
  readonly issuer: string;
  readonly subject: string;
}

/** docs/sign-in.md */
export function addAccount(enrol: Command, { context, end }: CommandParts): void {
  addAccessOptions(enrol.command('account'))
    .description('the company account of a person who is enrolled or invited already')
    .argument('<person>', 'id of the person', personParser('person'))
    .requiredOption('--issuer <url>', 'whose account it is', parseIssuer)
    .requiredOption('--subject <id>', 'the account, as "sub" in its tokens', parseSubject)
    .addHelpText(
      'after',
      `
The log gets a salted digest of the account. The file that shows whose it is stays in the data folder.

Example:
  $ countersign enrol account prs_01JD3ZQ5Y0W9V8X7T6S5R4Q3P2 --issuer https://login.example.com/acme --subject 248289761001`,
    )
    .action(async (person: string, options: AccountOptions) => {
      const access = await openLedger(options, context, 'operator');
      const { folder } = access;
      if (folder === undefined) {
        throw cliError('USAGE', 'expected --data: the key of accounts is on the ledger’s machine');
      }
      const { issuer, subject } = options;
      const { tie, path } = await tieOf(folder, { person, issuer, subject }, context.randomBytes);
      const kept = `${path} shows whose account it is: keep it`;
      await askForChange(
        { ...tie },
        { type: 'authority.identity', access, context, options, kept },
      );
      const words = `${person} is tied to an account of ${issuer}; ${path} shows which`;
      const facts = { person, issuer, subject_digest: tie.subject_digest, path };
      new Narrator(context.stdout, options.json === true).say('enrolled', words, facts);
      end(EXIT.ok);
    });
}
