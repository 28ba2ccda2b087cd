import { confirmationTyped } from '@countersign/console';
import type { Command } from 'commander';
import { policyChangeOf, reviewHere } from '../checked-review.ts';
import { cliError, EXIT } from '../cli-error.ts';
import type { CommandParts } from '../command-parts.ts';
import type { CliContext } from '../context.ts';
import { Conversation } from '../conversation.ts';
import {
  assertMayDecide,
  signedDecision,
  submitDecision,
  type Decided,
  type TerminalVerdict,
} from '../decision.ts';
import { deputiesOf } from '../deputies.ts';
import { actionMeant } from '../inbox-list.ts';
import { openAsPerson, type PersonAccess, type PersonOptions } from '../person-access.ts';
import { reviewLines } from '../review-lines.ts';
import { sshKeyWords } from '../ssh-key.ts';
import { addPersonOptions } from './person-options.ts';

const RATIONALE_MAX = 2_000;

export function addApprove(program: Command, parts: CommandParts): void {
  addDecide(program, 'approve', parts);
}

export function addDeny(program: Command, parts: CommandParts): void {
  addDecide(program, 'deny', parts);
}

function addDecide(program: Command, verdict: TerminalVerdict, parts: CommandParts): void {
  const { context, end } = parts;
  addPersonOptions(program.command(verdict))
    .description(`show a request in full, and ${verdict} it with an SSH key; needs a terminal`)
    .argument('<id>', 'id of the action, or the end of it that the inbox shows')
    .addHelpText(
      'after',
      `
Everything is shown first, computed here from the request's own bytes and compared with the log. Then it asks why, and for the
word ${verdict}; only then does ssh-keygen sign. There is no option that signs what nobody was shown.

Example:
  $ countersign ${verdict} 2KQSKA9F --ssh-key ~/.ssh/id_ed25519_sk`,
    )
    .action(async (id: string, options: PersonOptions) => {
      end(await decide(id, { verdict, options }, context));
    });
}

interface Meant {
  readonly verdict: TerminalVerdict;
  readonly options: PersonOptions;
}

async function decide(id: string, meant: Meant, context: CliContext): Promise<number> {
  Conversation.assertPossible(context);
  const access = await openAsPerson(meant.options, context);
  const actionId = await actionMeant(id, access.client);
  const decided = await asked(actionId, { ...meant, access }, context);
  const touch = access.key.parsed.application === undefined ? '' : '; touch your security key';
  context.stderr.lines(`countersign: signing with ${sshKeyWords(access.key)}${touch}`);
  const made = await signedDecision(decided, access, context);
  const { index, size } = await submitDecision(made, access);
  context.stdout.lines(
    `countersign: ${meant.verdict === 'approve' ? 'approved' : 'denied'}: entry ${index} of ${size}, under a signed head`,
    `  ${await standing(actionId, index, access)}`,
  );
  return EXIT.ok;
}

/** Shows it, asks why, and whether really. Nothing is kept open while ssh-keygen asks for its own. */
async function asked(
  actionId: string,
  { verdict, access }: Meant & { readonly access: PersonAccess },
  context: CliContext,
): Promise<Decided> {
  const { checked, decisions, status } = await reviewHere(actionId, access);
  const deputies = await deputiesOf(access.client);
  assertMayDecide(checked, { status, deputies, nowMs: context.nowMs() }, access);
  const change = await policyChangeOf(checked, access);
  const conversation = Conversation.open(context);
  try {
    const shownAtMs = context.nowMs();
    await conversation.show(reviewLines(checked, { decisions, nowMs: shownAtMs, change }));
    const isNeeded = checked.admission.requirement.rationale === 'required';
    const typed = verdict === 'approve' ? await confirmed(conversation, checked) : undefined;
    const text = await rationaleFrom(conversation, verdict, isNeeded);
    // The terminal cuts a line that is too long for it: what is signed is what stands here.
    await conversation.show([`Your reason, as it is signed: ${JSON.stringify(text)}`]);
    const word = await conversation.ask(`Type ${verdict} to sign; anything else leaves it open: `);
    if (word.trim() !== verdict) {
      throw cliError('NOT_DECIDED', 'nothing was signed; the request stays open');
    }
    const shownMs = context.nowMs() - shownAtMs;
    return { checked, verdict, text, shownMs, ...(typed !== undefined && { typed }) };
  } finally {
    conversation.close();
  }
}

/** What the rule wants typed of what was shown; nothing where it wants nothing. @throws CliError CONFIRMATION_MISMATCH */
async function confirmed(
  conversation: Conversation,
  checked: Decided['checked'],
): Promise<string | undefined> {
  const { requirement, confirmation } = checked.admission;
  const { confirm } = requirement;
  if (confirm === undefined) return undefined;
  const question = `Type the last ${confirm.last} character(s) of ${confirm.field}: `;
  const typed = (await conversation.ask(question)).trim();
  if (confirmationTyped(checked, typed) === confirmation) return typed;
  throw cliError(
    'CONFIRMATION_MISMATCH',
    `this is not how ${confirm.field} ends; nothing was signed`,
  );
}

async function rationaleFrom(
  conversation: Conversation,
  verdict: TerminalVerdict,
  isNeeded: boolean,
): Promise<string> {
  const question = `Why do you ${verdict}?${isNeeded ? '' : ' (may be empty)'} `;
  for (;;) {
    const text = (await conversation.ask(question)).trim();
    if (text.length > RATIONALE_MAX) {
      throw cliError('RATIONALE_TOO_LONG', `expected at most ${RATIONALE_MAX} characters`);
    }
    if (text !== '' || !isNeeded) return text;
    await conversation.show(['The rule asks for a reason.']);
  }
}

/** What has come of it, as the ledger tells. */
async function standing(id: string, index: number, { client }: PersonAccess): Promise<string> {
  const { status } = await client.action(id, index - 1);
  return status === 'pending' ? 'it waits for more approvals' : `the request is ${status}`;
}
