import { join } from 'node:path';
import type { PendingRecovery } from '@countersign/audit';
import type { Json } from '@countersign/canonical';
import { newUlid } from '@countersign/crypto-node';
import type { LedgerClient } from '@countersign/sdk';
import type { Command } from 'commander';
import { askForChange } from '../authority-request.ts';
import { CliError, cliError, EXIT } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import type { CommandParts } from '../command-parts.ts';
import { createPrivate, requireMark } from '../data-folder.ts';
import { invitationOf, newInvitationLink } from '../founding.ts';
import { openLedger, openReader } from '../ledger-access.ts';
import { Narrator } from '../narrator.ts';
import { personParser } from '../person-id.ts';
import { spanWords } from '../recovery-words.ts';
import {
  addAccessOptions,
  addReadOptions,
  REASON,
  type ClientOptions,
  type ReasonOptions,
} from './access-options.ts';

/** As long as its rule waits for persons: schemas/formats/authority.md §13. */
const LIFE_S = 86_400;

export function addRecover(program: Command, parts: CommandParts): void {
  const recover = program
    .command('recover')
    .description(
      'give a person whose keys are lost a new one, after a delay in which it can be cancelled',
    );
  addStart(recover, parts);
  addRecoveries(recover, parts);
  addCancel(recover, parts);
  recover.addHelpText(
    'after',
    `
How many persons sign, and how long the delay is, was said at the founding. docs/recovery.md

Examples:
  $ countersign recover start prs_01JD3ZQ5Y0W9V8X7T6S5R4Q3P2 --reason "her phone and her key are in the river"
  $ countersign recover list
  $ countersign recover cancel prs_01JD3ZQ5Y0W9V8X7T6S5R4Q3P2 --reason "she has both keys with her"`,
  );
}

function addStart(recover: Command, { context, end }: CommandParts): void {
  addAccessOptions(recover.command('start'))
    .description('ask for a recovery: it begins once enough persons have signed')
    .argument(
      '[person]',
      'who has lost their keys; without it, somebody new',
      personParser('person'),
    )
    .requiredOption(...REASON)
    .addHelpText(
      'after',
      `
The link works when the delay is over, for a week, and then takes the place of all other keys and links of that person.

Examples:
  $ countersign recover start prs_01JD3ZQ5Y0W9V8X7T6S5R4Q3P2 --reason "her phone and her key are in the river"
  $ countersign recover start --reason "both colleagues have left; Carol comes in"`,
    )
    .action(async (person: string | undefined, options: ReasonOptions) => {
      end(await startRecovery(person, options, context));
    });
}

async function startRecovery(
  known: string | undefined,
  options: ReasonOptions,
  context: CliContext,
): Promise<number> {
  const access = await openLedger(options, context, 'operator');
  const { folder, client } = access;
  if (folder === undefined) {
    throw cliError('USAGE', 'expected --data: its link is made on the machine of the ledger');
  }
  const delay = await delayOf(client);
  const person = known ?? `prs_${newUlid(context.nowMs())}`;
  const link = newInvitationLink(await requireMark(folder), person);
  const { id, publicKey } = invitationOf(link);
  const path = join(folder.path, `recovery-${person}-${id.slice(-8)}.txt`);
  // Before it is asked for: a recovery whose link is lost would have to be cancelled and begun again.
  await createPrivate(path, `${link}\n`);
  const invitation = { id, public_key: publicKey };
  const change = { kind: 'recovery-started', person, invitation, delay_h: delay };
  const kept = `the link in ${path} works ${delay} hours after that: keep it`;
  const parts = { access, context, options, kept, note: options.reason, lifeS: LIFE_S } as const;
  await askForChange(change, { ...parts, type: 'authority.recovery' });
  const begun = (await recoveriesOf(client)).find((each) => each.invitation === id);
  if (begun === undefined) throw cliError('ANSWER_INVALID', 'expected the recovery that was bound');
  const said = new Narrator(context.stdout, options.json === true);
  said.say(
    'started',
    `the recovery of ${person} has begun: the link in ${path} works ${spanWords(begun)}`,
    {
      ...begun,
      path,
    },
  );
  return EXIT.ok;
}

function addRecoveries(recover: Command, { context, end }: CommandParts): void {
  addReadOptions(recover.command('list'))
    .description('list the recoveries that can still be used or cancelled')
    .addHelpText('after', '\nExample:\n  $ countersign recover list')
    .action(async (options: ClientOptions) => {
      const recoveries = await recoveriesOf(await openReader(options, context));
      for (const each of recoveries) {
        if (options.json === true) context.stdout.json({ ...each });
        else
          context.stdout.lines(
            `${each.person}  works ${spanWords(each)}`,
            `  link  ${each.invitation}`,
          );
      }
      end(EXIT.ok);
    });
}

function addCancel(recover: Command, { context, end }: CommandParts): void {
  addAccessOptions(recover.command('cancel'))
    .description('end a recovery before it is used, once as many sign as it takes to start one')
    .argument('<person>', 'whom it would give a new key', personParser('person'))
    .requiredOption(...REASON)
    .addHelpText(
      'after',
      `
Where the bootstrap rule needs fewer persons than a recovery, that many are enough.

Example:
  $ countersign recover cancel prs_01JD3ZQ5Y0W9V8X7T6S5R4Q3P2 --reason "she has both keys with her"`,
    )
    .action(async (person: string, options: ReasonOptions) => {
      const access = await openLedger(options, context, 'operator');
      const pending = (await recoveriesOf(access.client)).find((each) => each.person === person);
      if (pending === undefined) {
        throw new CliError('MEMBER_UNKNOWN', `expected a recovery of ${person}; see: recover list`);
      }
      const change = { kind: 'recovery-cancelled', person, invitation: pending.invitation };
      const kept = 'the link of the recovery never works from then on';
      const parts = {
        access,
        context,
        options,
        kept,
        note: options.reason,
        lifeS: LIFE_S,
      } as const;
      await askForChange(change, { ...parts, type: 'authority.cancel' });
      const said = new Narrator(context.stdout, options.json === true);
      said.say('cancelled', `the recovery of ${person} is cancelled: its link never works`, {
        person,
        invitation: pending.invitation,
      });
      end(EXIT.ok);
    });
}

type Recovery = Omit<PendingRecovery, 'index'>;

/** @throws CliError ANSWER_INVALID */
async function recoveriesOf(client: LedgerClient): Promise<readonly Recovery[]> {
  const { recoveries } = await client.getObject('/v1/status');
  if (!Array.isArray(recoveries)) throw cliError('ANSWER_INVALID', 'expected a list of recoveries');
  return (recoveries as readonly Json[]).map((each) => {
    const { person, invitation, opens_at, ends_at } = Object(each) as Partial<Recovery>;
    if (
      typeof person !== 'string' ||
      typeof invitation !== 'string' ||
      typeof opens_at !== 'string' ||
      typeof ends_at !== 'string'
    ) {
      throw cliError('ANSWER_INVALID', 'expected whom a recovery is for, and when it works');
    }
    return { person, invitation, opens_at, ends_at };
  });
}

/** As the server tells it; the ledger takes no other than that of its founding. @throws CliError NO_POLICY */
async function delayOf(client: LedgerClient): Promise<number> {
  const { recovery } = await client.getObject('/v1/ledger');
  const { delay_h: delay } = Object(recovery) as { readonly delay_h?: unknown };
  if (typeof delay === 'number') return delay;
  throw new CliError('NO_POLICY', 'expected a ledger that was founded with a recovery');
}
