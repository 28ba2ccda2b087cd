import type { JsonObject } from '@countersign/canonical';
import type { LedgerClient } from '@countersign/sdk';
import type { Command } from 'commander';
import { askForChange } from '../authority-request.ts';
import { cliError, EXIT } from '../cli-error.ts';
import type { CommandParts } from '../command-parts.ts';
import type { CliContext } from '../context.ts';
import { deputiesOf } from '../deputies.ts';
import { knownPerson } from '../known-person.ts';
import { openLedger, type LedgerAccess } from '../ledger-access.ts';
import { Narrator } from '../narrator.ts';
import { personParser } from '../person-id.ts';
import { addAccessOptions, REASON, type ReasonOptions } from './access-options.ts';
import { listedMembers } from './listed-rows.ts';

interface Revoked {
  readonly change: JsonObject;
  readonly type: 'authority.change' | 'authority.issuer';
  /** In words, once it is so. */
  readonly words: string;
}

/** Takes away what somebody or something was let in with; also while the ledger is frozen. */
export function addRevoke(program: Command, parts: CommandParts): void {
  const revoke = program
    .command('revoke')
    .description(
      'take a key, a person, an agent, an executor or an issuer away; also while it is frozen',
    );
  addOne(revoke, parts, {
    ...{ name: 'key', argument: '<credential>', what: 'its id: see list credentials' },
    about: 'a passkey or an SSH key',
    example: 'cRrACoVZ2m0b1Yk8h0m4mQ --reason "it was lost on the train"',
    revoked: (id) => keyRevoked(id, `the key ${id}`),
  });
  addPerson(revoke, parts);
  for (const name of ['agent', 'executor'] as const) {
    addOne(revoke, parts, {
      ...{ name, argument: '<name>', what: 'its id' },
      about: name === 'agent' ? 'a program that asks' : 'a program that runs what was approved',
      example: `${name === 'agent' ? 'deploy-bot' : 'build-host'} --reason "it is replaced"`,
      revoked: (id) => ({
        change: { kind: `${name}-revoked`, id },
        type: 'authority.change',
        words: `the ${name} ${id} is there no more`,
      }),
    });
  }
  addOne(revoke, parts, {
    ...{ name: 'issuer', argument: '<url>', what: 'the iss of its tokens' },
    about: 'who was believed when it said on whose behalf an agent acts',
    example: 'https://login.acme.example --reason "we have left them"',
    revoked: (id) => ({
      change: { kind: 'issuer-revoked', id },
      type: 'authority.issuer',
      words: `${id} is not believed any more`,
    }),
  });
  revoke.addHelpText(
    'after',
    `
Each is asked for with the operator's key, and takes effect when as many have signed as a change of the ledger needs. What they have
approved and nobody has used yet is dead from then on. docs/governance.md

Examples:
  $ countersign list credentials
  $ countersign revoke key cRrACoVZ2m0b1Yk8h0m4mQ --reason "it was lost on the train"
  $ countersign revoke person prs_01JD3ZQ5Y0W9V8X7T6S5R4Q3P2 --reason "she has left the company"`,
  );
}

function keyRevoked(id: string, named: string): Revoked {
  return {
    change: { kind: 'credential-revoked', credential_id: id },
    type: 'authority.change',
    words: `${named} decides nothing any more`,
  };
}

interface One {
  readonly name: string;
  readonly argument: string;
  readonly what: string;
  readonly about: string;
  readonly example: string;
  readonly revoked: (id: string) => Revoked;
}

function addOne(revoke: Command, { context, end }: CommandParts, one: One): void {
  addAccessOptions(revoke.command(one.name))
    .description(one.about)
    .argument(one.argument, one.what)
    .requiredOption(...REASON)
    .addHelpText(
      'after',
      `
What begins with a hyphen comes last, behind all options and --.

Example:
  $ countersign revoke ${one.name} ${one.example}`,
    )
    .action(async (id: string, options: ReasonOptions) => {
      const access = await openLedger(options, context, 'operator');
      if (one.name === 'agent' && id === access.agent.id) {
        // It would be refused what it asks next: what became of this.
        const other = 'ask as another one, with --key FILE --agent-id NAME';
        throw cliError('USAGE', `${id} is the agent that asks for it: ${other}`);
      }
      await askToRevoke(one.revoked(id), { access, options, context });
      end(EXIT.ok);
    });
}

function addPerson(revoke: Command, { context, end }: CommandParts): void {
  addAccessOptions(revoke.command('person'))
    .description('every key of somebody who leaves')
    .argument('<person>', 'who', personParser('person'))
    .requiredOption(...REASON)
    .addHelpText(
      'after',
      `
One request for each of their keys, all of them asked for at once. No person is ever removed: who they were stays provable. What is
still theirs is listed at the end: agents that they answer for, and in whose place they decide.

Example:
  $ countersign revoke person prs_01JD3ZQ5Y0W9V8X7T6S5R4Q3P2 --reason "she has left the company"`,
    )
    .action(async (person: string, options: ReasonOptions) => {
      const access = await openLedger(options, context, 'operator');
      await knownPerson(access.client, person);
      const keys = await idsOf(access.client, `credentials?person=${person}`);
      const asked = keys.map((id) =>
        askToRevoke(keyRevoked(id, `the key ${id} of ${person}`), { access, options, context }),
      );
      // Each is followed to its end: that one was refused says nothing of the others.
      const failed = (await Promise.allSettled(asked)).find(({ status }) => status === 'rejected');
      if (failed?.status === 'rejected') throw failed.reason;
      const narrator = new Narrator(context.stdout, options.json === true);
      await sayWhatIsLeft(person, { client: access.client, narrator, command: context.command });
      end(EXIT.ok);
    });
}

async function sayWhatIsLeft(
  person: string,
  {
    client,
    narrator,
    command,
  }: { readonly client: LedgerClient; readonly narrator: Narrator; readonly command: string },
): Promise<void> {
  const agents = await idsOf(client, 'agents?', ({ owner }) => owner === person);
  const deputyships = (await deputiesOf(client))
    .filter(({ principal, deputy }) => principal === person || deputy === person)
    .map(({ principal }) => principal);
  narrator.say(
    'left',
    [
      `${person} decides nothing any more; a policy may still name them: \`${command} policy show\``,
      ...agents.map((id) => `still theirs: the agent ${id}; give it to somebody else`),
      ...deputyships.map(
        (principal) => `still a deputy: end it with \`${command} deputy revoke ${principal}\``,
      ),
    ],
    { person, agents, deputyships },
  );
}

async function idsOf(
  client: LedgerClient,
  query: string,
  isMeant: (member: JsonObject) => boolean = () => true,
): Promise<readonly string[]> {
  const ids: string[] = [];
  for await (const member of listedMembers(client, query)) {
    if (typeof member['id'] === 'string' && isMeant(member)) ids.push(member['id']);
  }
  return ids;
}

interface Asking {
  readonly access: LedgerAccess;
  readonly options: ReasonOptions;
  readonly context: CliContext;
}

async function askToRevoke(
  { change, type, words }: Revoked,
  { access, options, context }: Asking,
): Promise<void> {
  const kept = 'nothing else has to be done for it';
  await askForChange(change, { type, access, context, options, kept, note: options.reason });
  new Narrator(context.stdout, options.json === true).say('revoked', words, { ...change });
}
