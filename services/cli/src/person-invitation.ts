import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { PersonMember } from '@countersign/binding';
import { formatTimestamp } from '@countersign/canonical';
import { askForChange } from './authority-request.ts';
import { cliError } from './cli-error.ts';
import type { ClientOptions } from './commands/access-options.ts';
import type { Tie } from './company-accounts.ts';
import type { CliContext } from './context.ts';
import { createPrivate, requireMark, type DataFolder } from './data-folder.ts';
import { invitationOf, newInvitationLink } from './founding.ts';
import { openLedger, type LedgerAccess } from './ledger-access.ts';
import { Narrator } from './narrator.ts';

/** Who asks that somebody is invited, where the links of the ledger are made. */
export interface Inviter {
  readonly access: LedgerAccess;
  readonly folder: DataFolder;
  readonly options: ClientOptions;
  readonly context: CliContext;
}

export interface Invited {
  readonly person: string;
  readonly class: PersonMember['class'];
  /** The account that the link is for; without it, it is for whoever has it. */
  readonly tie?: Tie;
  /** Shown to whoever decides, as the words of who asks. */
  readonly note?: string;
  /** In words, once it is so. */
  readonly words: string;
}

const LIFE_MS = 7 * 24 * 3_600_000;

/** @throws CliError USAGE for a ledger that is elsewhere; as openLedger */
export async function openInviter(options: ClientOptions, context: CliContext): Promise<Inviter> {
  const access = await openLedger(options, context, 'operator');
  const { folder } = access;
  if (folder === undefined) {
    throw cliError('USAGE', 'expected --data: an invitation is made on the machine of the ledger');
  }
  return { access, folder, options, context };
}

/**
 * Asks for an invitation and says, once it is approved, in which file its link is. Each link has a file of its own: a person
 * can be invited again, and an earlier link may still be open, used up or over.
 *
 * @throws CliError as askForChange
 */
export async function invite(
  { access, folder, options, context }: Inviter,
  { person, class: personClass, tie, note, words }: Invited,
): Promise<void> {
  const link = newInvitationLink(await requireMark(folder), person);
  const { id, publicKey } = invitationOf(link);
  const notAfter = formatTimestamp(context.nowMs() + LIFE_MS);
  const invited = {
    class: personClass,
    invitation: { id, public_key: publicKey, not_after: notAfter },
  };
  const change =
    tie === undefined ? { kind: 'person-invited', person, ...invited } : { ...tie, invited };
  const type = tie === undefined ? 'authority.change' : 'authority.identity';
  const path = join(folder.path, `invitation-${person}-${id.slice(-8)}.txt`);
  // Before it is asked for: an invitation whose key is lost would be of no use to anybody.
  await createPrivate(path, `${link}\n`);
  const kept = `the link in ${path} works from then on: keep it`;
  const undo = (): Promise<void> => rm(path);
  const parts = { type, access, context, options, kept, undo } as const;
  await askForChange(change, { ...parts, ...(note !== undefined && { note }) });
  const said = `${words}; hand over the link in ${path}`;
  new Narrator(context.stdout, options.json === true).say('enrolled', said, { person, path });
  if (options.json !== true && context.stdout.isTty) context.stdout.lines(`  ${link}`);
}
