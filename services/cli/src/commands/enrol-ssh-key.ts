import { sshKeyChange } from '@countersign/binding';
import type { Command } from 'commander';
import { askForChange } from '../authority-request.ts';
import { EXIT } from '../cli-error.ts';
import type { CommandParts } from '../command-parts.ts';
import { openLedger } from '../ledger-access.ts';
import { Narrator } from '../narrator.ts';
import { founderOf, personParser } from '../person-id.ts';
import { readSshKey, sshKeyWords } from '../ssh-key.ts';
import { addAccessOptions, type ClientOptions } from './access-options.ts';

interface SshKeyOptions extends ClientOptions {
  readonly person?: string;
}

export function addSshKey(enrol: Command, { context, end }: CommandParts): void {
  addAccessOptions(enrol.command('ssh-key'))
    .description('a key with which a person decides in a terminal')
    .argument('<file>', 'its .pub file')
    .option(
      '--person <person>',
      'whose it is (default: the first person of the data folder)',
      personParser('--person'),
    )
    .addHelpText(
      'after',
      `
A security key (ssh-keygen -t ed25519-sk -O verify-required) proves a person; a key in a file or an agent proves that somebody
has it, which no policy accepts by default. See docs/terminal.md.

Example:
  $ countersign enrol ssh-key ~/.ssh/id_ed25519_sk.pub`,
    )
    .action(async (file: string, options: SshKeyOptions) => {
      const key = await readSshKey(file, context);
      const access = await openLedger(options, context, 'operator');
      const person = options.person ?? (await founderOf(access, '--person'));
      const change = sshKeyChange(person, key.blob, key.publicKey);
      const words = sshKeyWords(key);
      await askForChange(
        { ...change },
        {
          type: 'authority.sshkey',
          access,
          context,
          options,
          kept: `${person} can decide with ${words} from then on`,
        },
      );
      new Narrator(context.stdout, options.json === true).say(
        'enrolled',
        `${person} can decide in a terminal with ${words}`,
        { person, credential: key.credentialId },
      );
      end(EXIT.ok);
    });
}
