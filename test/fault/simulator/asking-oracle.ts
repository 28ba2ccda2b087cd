import type { EntryOf } from '@countersign/binding';
import { timestampMs } from '@countersign/canonical';
import { isAsked } from './load-oracle.ts';
import { hold } from './invariant-broken.ts';

interface Limits {
  readonly prompts_1h_max?: number;
  readonly open_max?: number;
  readonly quiet_utc?: readonly { readonly from: string; readonly to: string }[];
}

/** What there is when somebody asks, or is refused. */
interface Scene {
  readonly limits: Limits | undefined;
  /** Of the same agent: `type` by id. */
  readonly open: ReadonlyMap<string, string>;
  /** Prompts of the hour before, of each natural person with a key. */
  readonly prompts: ReadonlyMap<string, number>;
}

/** That nobody was asked whom the rule leaves alone: schemas/formats/policy.md §13. */
export function assertAsked(
  entry: EntryOf<'request-admitted'>,
  { limits, open, prompts }: Scene,
): void {
  const { action_id: id, at, action_type: type, supersedes, requirement } = entry;
  if (limits === undefined) return;
  const { open_max: openMax = Infinity, prompts_1h_max: promptsMax = Infinity } = limits;
  hold(!isQuiet(limits, at), 'RULE', `${id}: asked in quiet hours`);
  const alike = [...open].filter(([other, each]) => each === type.name && other !== supersedes);
  hold(alike.length < openMax, 'RULE', `${id}: asked while ${alike.length} are open`);
  const { approvals, seats = [] } = requirement;
  const askable = [...prompts].filter(([person]) => isAsked(entry, person));
  const rested = askable.filter(([, count]) => count < promptsMax).map(([person]) => person);
  // The population has one seat at most.
  const isEnough =
    rested.length >= approvals &&
    seats.every(
      (seat) => rested.filter((each) => seat.approvers.includes(each)).length >= seat.count,
    );
  const isNobodyTired = rested.length === askable.length;
  hold(
    isEnough || isNobodyTired,
    'RULE',
    `${id}: asked of ${rested.length} who were not asked enough`,
  );
}

/** A refusal says why: that must be so of the rule that the population's requests fall under. */
export function assertUnasked(
  { code, at, until, open: first }: EntryOf<'request-refused'>,
  { limits = {}, open, prompts }: Scene,
): void {
  if (code === 'QUIET_HOURS') {
    const ended = limits.quiet_utc?.some(({ to }) => until?.slice(11) === `${to}:00.000Z`);
    const isLater = until !== undefined && until > at;
    hold(isQuiet(limits, at) && ended === true && isLater, 'WRONG_ANSWER', `${at}: not quiet`);
  } else if (code === 'REQUEST_OPEN') {
    const type = open.get(first ?? '');
    const alike = [...open.values()].filter((each) => each === type);
    const isFull = type !== undefined && alike.length >= (limits.open_max ?? Infinity);
    hold(isFull, 'WRONG_ANSWER', `${first ?? 'nothing'}: not open`);
  } else if (code === 'PROMPTS_EXCEEDED') {
    const most = Math.max(...prompts.values());
    hold(
      most >= (limits.prompts_1h_max ?? Infinity),
      'WRONG_ANSWER',
      `${at}: nobody asked so often`,
    );
  }
}

/** By the text of the time alone; the population sleeps through no midnight. */
function isQuiet({ quiet_utc: quiet = [] }: Limits, at: string): boolean {
  const time = new Date(timestampMs(at)).toISOString().slice(11, 16);
  return quiet.some(({ from, to }) => from <= time && time < to);
}
