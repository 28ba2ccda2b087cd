import {
  headlineOf,
  likenessOf,
  oddFirst,
  ranked,
  shortId,
  timeLeftInMinutes,
  utcTime,
  type CheckedReview,
  type Crowd,
  type Deputy,
  type OpenRequest,
} from '@countersign/console';
import type { Command } from 'commander';
import { reviewHere } from '../checked-review.ts';
import { CliError, EXIT } from '../cli-error.ts';
import type { CommandParts } from '../command-parts.ts';
import type { CliContext } from '../context.ts';
import { assertMayDecide } from '../decision.ts';
import { deputiesOf } from '../deputies.ts';
import { waitingRequests } from '../inbox-list.ts';
import { openAsPerson, type PersonAccess, type PersonOptions } from '../person-access.ts';
import { addPersonOptions } from './person-options.ts';

interface InboxOptions extends PersonOptions {
  readonly json?: true;
}

export function addInbox(program: Command, { context, end }: CommandParts): void {
  addPersonOptions(program.command('inbox'))
    .description(
      'list what waits for a decision: what is unlike the others first, then what expires first',
    )
    .option('--json', 'print JSON, one object a line')
    .addHelpText(
      'after',
      `
What each asks for is computed here, from its own bytes. Your key signs you in, to read; that decides nothing.

Example:
  $ countersign inbox --ssh-key ~/.ssh/id_ed25519_sk`,
    )
    .action(async (options: InboxOptions) => {
      const access = await openAsPerson(options, context);
      await list(access, options.json === true, context);
      end(EXIT.ok);
    });
}

async function list(access: PersonAccess, isJson: boolean, context: CliContext): Promise<void> {
  const { requests, isCut } = await waitingRequests(access.client);
  const deputies = await deputiesOf(access.client);
  const { alone, crowds } = ranked(requests);
  const told = (request: OpenRequest): Promise<Row> =>
    rowOf(request, access, { deputies, nowMs: context.nowMs() });
  for (const request of alone) tell(await told(request), 1);
  for (const crowd of crowds) {
    const rows: Row[] = [];
    for (const request of crowd.requests) rows.push(await told(request));
    if (!isJson) context.stdout.rows('', crowdLine(crowd));
    for (const row of oddFirst(rows, ({ likeness }) => likeness)) tell(row, rows.length);
  }
  if (isJson) return;
  if (requests.length === 0) context.stdout.lines('nothing waits for a decision');
  if (isCut) context.stdout.lines('there is more: these are not all');

  function tell({ likeness, ...row }: Row, alike: number): void {
    if (isJson) context.stdout.json({ ...row, alike });
    else context.stdout.rows(...rowLines({ ...row, likeness }, context.nowMs()));
  }
}

function crowdLine({ agent, title, requests }: Crowd): string {
  return `${requests.length} requests of one kind, ${agent}: ${title}; each is decided by itself, and what is unlike the others stands first`;
}

interface Row {
  readonly action_id: string;
  readonly agent: string;
  readonly title: string;
  readonly decide_by: string;
  readonly headline: readonly string[];
  readonly warnings: number;
  /** When it went on to a second group, for nobody had decided. */
  readonly escalated_at?: string;
  /** Why this could not be checked here. */
  readonly code?: string;
  /** Why this key, or this person, cannot decide it. */
  readonly bar?: Bar;
  /** What it asks for, as far as others ask for the same. */
  readonly likeness: string;
}

interface Bar {
  readonly code: string;
  readonly why: string;
}

/** Out of what was checked here; of what cannot be, nothing but that it waits. */
async function rowOf(
  request: OpenRequest,
  access: PersonAccess,
  by: { readonly deputies: readonly Deputy[]; readonly nowMs: number },
): Promise<Row> {
  const { actionId, agent, title, decideBy } = request;
  try {
    const { checked, status } = await reviewHere(actionId, access);
    const bar = barOf(checked, { status, ...by }, access);
    return { ...checkedRow(checked, by.nowMs), ...(bar !== undefined && { bar }) };
  } catch (error) {
    if (!(error instanceof CliError) || error.exitCode === EXIT.indeterminate) throw error;
    const told = { agent, title, decide_by: decideBy, code: error.code };
    return { action_id: actionId, ...told, headline: [], warnings: 0, likeness: actionId };
  }
}

/** Else it would look as if it waited for whoever reads it. */
function barOf(
  checked: CheckedReview,
  standing: Parameters<typeof assertMayDecide>[1],
  access: PersonAccess,
): Bar | undefined {
  try {
    assertMayDecide(checked, standing, access);
    return undefined;
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return { code: error.code, why: error.message };
  }
}

function checkedRow({ display, admission }: CheckedReview, nowMs: number): Row {
  const headline = headlineOf(display);
  const { escalates_at: from } = admission;
  return {
    action_id: admission.action_id,
    agent: admission.agent.id,
    title: display.title,
    decide_by: admission.decide_by,
    headline: headline.map(({ text, more }) =>
      more === 0 ? text : `${text} … and ${more} more characters`,
    ),
    warnings: display.warnings.length,
    ...(from !== undefined && Date.parse(from) <= nowMs && { escalated_at: from }),
    likeness: likenessOf(headline, display.warnings.length),
  };
}

function rowLines(row: Row, nowMs: number): string[] {
  const left = timeLeftInMinutes(Date.parse(row.decide_by), nowMs);
  return [
    `${shortId(row.action_id)}  ${left}  ${row.agent}: ${row.title}`,
    ...row.headline.map((text) => `    ${text}`),
    ...(row.warnings === 0 ? [] : [`    look closely: ${row.warnings} warning(s)`]),
    ...(row.escalated_at === undefined
      ? []
      : [`    nobody has decided: it went on to others at ${utcTime(row.escalated_at)}`]),
    ...(row.bar === undefined
      ? []
      : [`    not for this key to decide (${row.bar.code}): ${row.bar.why}`]),
    ...(row.code === undefined
      ? []
      : [`    could not be checked here (${row.code}): do not decide`]),
  ];
}
