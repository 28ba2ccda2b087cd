import { resolve } from 'node:path';
import { isDigest, type Digest } from '@countersign/canonical';
import { newUlid } from '@countersign/crypto-node';
import { BUILTIN_DESCRIPTORS, type Descriptor } from '@countersign/descriptors';
import { Option, type Command } from 'commander';
import { askForChange } from '../authority-request.ts';
import { cliError, EXIT } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { EXEC_INTERFACE_DIGEST } from '../exec-interface.ts';
import { openLedger } from '../ledger-access.ts';
import { Narrator } from '../narrator.ts';
import { founderOf, personParser } from '../person-id.ts';
import { invite, openInviter, type Inviter } from '../person-invitation.ts';
import type { CommandParts } from '../command-parts.ts';
import { createKeyFile, readSigningKey } from '../signing-key.ts';
import { addAccessOptions, type ClientOptions } from './access-options.ts';
import { parseIssuer, parseSubject, tieOf, type Tie } from '../company-accounts.ts';
import { addAccount } from './enrol-account.ts';
import { addIssuer } from './enrol-issuer.ts';
import { addPasskey } from './enrol-passkey.ts';
import { addSshKey } from './enrol-ssh-key.ts';

interface HolderOptions extends ClientOptions {
  readonly keyFile?: string;
}
interface AgentOptions extends HolderOptions {
  readonly owner?: string;
  readonly operator?: true;
}
interface ExecutorOptions extends HolderOptions {
  readonly audience: string;
  readonly interfaceDigest: string;
}
interface PersonOptions extends ClientOptions {
  readonly class: 'natural' | 'role' | 'machine';
  readonly issuer?: string;
  readonly subject?: string;
}

export function addEnrol(program: Command, parts: CommandParts): void {
  const enrol = program
    .command('enrol')
    .description(
      'enrol an agent, an executor, a person, another passkey, an SSH key, a company account, an issuer of delegations or an action type; a person already enrolled must approve',
    );
  addAgent(enrol, parts);
  addExecutor(enrol, parts);
  addPerson(enrol, parts);
  addPasskey(enrol, parts);
  addType(enrol, parts);
  addSshKey(enrol, parts);
  addAccount(enrol, parts);
  addIssuer(enrol, parts);
  enrol.addHelpText(
    'after',
    `
Each is an action of its own: it is asked for with the operator's key, and takes effect when it is approved.

Examples:
  $ countersign enrol agent deploy-bot --owner prs_01JD3ZQ5Y0W9V8X7T6S5R4Q3P2
  $ countersign enrol executor build-host --audience build
  $ countersign enrol person
  $ countersign enrol person --issuer https://login.example.com/acme --subject 248289761001
  $ countersign enrol passkey prs_01JD3ZQ5Y0W9V8X7T6S5R4Q3P2
  $ countersign enrol ssh-key ~/.ssh/id_ed25519_sk.pub
  $ countersign enrol type key.rotate`,
  );
}

function addAgent(enrol: Command, { context, end }: CommandParts): void {
  addAccessOptions(enrol.command('agent'))
    .description('a program that may ask')
    .argument('<name>', 'its id')
    .option(
      '--owner <person>',
      'who answers for it (default: the first person of the data folder)',
      personParser('--owner'),
    )
    .option('--operator', 'an operator: it may ask that content is erased')
    .option('--key-file <file>', 'its key file, made when there is none (default NAME.key)')
    .addHelpText(
      'after',
      `
Examples:
  $ countersign enrol agent deploy-bot
  $ countersign enrol agent deploy-bot --owner prs_01JD3ZQ5Y0W9V8X7T6S5R4Q3P2 --key-file ./bot.key`,
    )
    .action(async (name: string, options: AgentOptions) => {
      const access = await openLedger(options, context, 'operator');
      const { publicKey, path } = await holderKey(name, options, context);
      const owner = options.owner ?? (await founderOf(access, '--owner'));
      const change = {
        kind: 'agent-enrolled',
        agent: { id: name, public_key: publicKey, owner, operator: options.operator === true },
      };
      const kept = `${path} is the key of ${name}: keep it`;
      await askForChange(change, { type: 'authority.change', access, context, options, kept });
      const words = `agent ${name} is enrolled; its key is in ${path}`;
      say(options, context, { words, facts: { id: name, path } });
      end(EXIT.ok);
    });
}

function addExecutor(enrol: Command, { context, end }: CommandParts): void {
  addAccessOptions(enrol.command('executor'))
    .description('a program that may run what was approved')
    .argument('<name>', 'its id')
    .requiredOption('--audience <name>', 'what actions call it')
    .option('--interface-digest <digest>', 'of what it does', parseDigest, EXEC_INTERFACE_DIGEST)
    .option('--key-file <file>', 'its key file, made when there is none (default NAME.key)')
    .addHelpText(
      'after',
      `
Examples:
  $ countersign enrol executor build-host --audience build
  $ countersign enrol executor iam-executor --audience 123456789012 --interface-digest ${EXEC_INTERFACE_DIGEST}`,
    )
    .action(async (name: string, options: ExecutorOptions) => {
      const access = await openLedger(options, context, 'operator');
      const { publicKey, path } = await holderKey(name, options, context);
      const change = {
        kind: 'executor-enrolled',
        executor: {
          id: name,
          public_key: publicKey,
          audiences: [options.audience],
          interface_digest: options.interfaceDigest,
        },
      };
      const kept = `${path} is the key of ${name}: keep it`;
      await askForChange(change, { type: 'authority.change', access, context, options, kept });
      const words = `executor ${name} is enrolled; its key is in ${path}`;
      say(options, context, { words, facts: { id: name, path } });
      end(EXIT.ok);
    });
}

function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw cliError('USAGE', '--interface-digest: expected sha256: and 64 small hex digits');
}

function addPerson(enrol: Command, { context, end }: CommandParts): void {
  addAccessOptions(enrol.command('person'))
    .description('somebody who may decide, by an invitation link')
    .addOption(
      new Option('--class <class>', 'only a natural person can ever decide')
        .choices(['natural', 'role', 'machine'])
        .default('natural'),
    )
    .option('--issuer <url>', 'whose account the person must have to enrol', parseIssuer)
    .option('--subject <id>', 'that account, as "sub" in its tokens', parseSubject)
    .addHelpText(
      'after',
      `
With --issuer and --subject the link is of use to that account alone, at a gateway where people sign in with it.

Examples:
  $ countersign enrol person
  $ countersign enrol person --issuer https://login.example.com/acme --subject 248289761001`,
    )
    .action(async (options: PersonOptions) => {
      await enrolPerson(options, context);
      end(EXIT.ok);
    });
}

function addType(enrol: Command, { context, end }: CommandParts): void {
  addAccessOptions(enrol.command('type'))
    .description(
      'an action type of this program, for a ledger that was founded before it was there',
    )
    .argument('<type>', 'its name')
    .addHelpText(
      'after',
      `
A new ledger knows all of them. An action of it can be asked for once a rule of the policy names it, too: that is a change of
its own (policy-set), asked for with \`countersign request\`.

Example:
  $ countersign enrol type key.rotate`,
    )
    .action(async (type: string, options: ClientOptions) => {
      const { typeVersion, digest } = typeOf(type);
      const access = await openLedger(options, context, 'operator');
      const change = { kind: 'descriptor-enrolled', type, type_version: typeVersion, digest };
      const kept = `the type is ${type} version ${typeVersion}`;
      await askForChange(change, { type: 'authority.change', access, context, options, kept });
      const words = `${type} version ${typeVersion} is enrolled; a rule of the policy has to name it, too`;
      say(options, context, { words, facts: { type, type_version: typeVersion, digest } });
      end(EXIT.ok);
    });
}

function typeOf(type: string): Descriptor {
  const found = BUILTIN_DESCRIPTORS.find((each) => each.type === type);
  if (found !== undefined) return found;
  const known = BUILTIN_DESCRIPTORS.map((each) => each.type).join(', ');
  throw cliError('USAGE', `expected one of ${known}, got another type`);
}

async function enrolPerson(options: PersonOptions, context: CliContext): Promise<void> {
  const inviter = await openInviter(options, context);
  const person = `prs_${newUlid(context.nowMs())}`;
  const tie = await tieFor(person, options, inviter);
  const words = `${person} is invited`;
  await invite(inviter, { person, class: options.class, ...(tie !== undefined && { tie }), words });
}

/** The account that the link is for; undefined where it is for whoever has it. */
async function tieFor(
  person: string,
  { issuer, subject }: PersonOptions,
  { folder, context }: Inviter,
): Promise<Tie | undefined> {
  if (issuer === undefined && subject === undefined) return undefined;
  if (issuer === undefined || subject === undefined) {
    throw cliError('USAGE', 'expected --issuer and --subject together');
  }
  return (await tieOf(folder, { person, issuer, subject }, context.randomBytes)).tie;
}

interface Said {
  readonly words: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

function say({ json }: ClientOptions, { stdout }: CliContext, { words, facts }: Said): void {
  new Narrator(stdout, json === true).say('enrolled', words, facts);
}

async function holderKey(
  name: string,
  { keyFile }: HolderOptions,
  { cwd }: CliContext,
): Promise<{ publicKey: string; path: string }> {
  if (keyFile === undefined && !/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) {
    throw cliError('USAGE', 'expected --key-file for a name that is no file name');
  }
  const path = resolve(cwd, keyFile ?? `${name}.key`);
  await createKeyFile(path);
  return { publicKey: (await readSigningKey(path)).publicKey, path };
}
