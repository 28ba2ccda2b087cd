import {
  isAnswering,
  isLoggedRefusal,
  type AnsweringEntry,
  type Entry,
  type LoggedDecision,
} from '@countersign/binding';

/** What the rules end of overdue requests with one input. */
const SWEEP_MAX = 200;

/**
 * The decision that the first of these entries belongs to. A log does not say where one ends and the next begins: overdue requests
 * end before an input is answered, what follows from an answer stands behind it, and an admission takes up the decisions that
 * had waited for it. Undefined when the first entry belongs to none.
 */
export function firstDecision(
  entries: readonly Entry[],
  previousAt: string | undefined,
): LoggedDecision | undefined {
  const [first] = entries;
  if (first === undefined) return undefined;
  const { at } = first;
  let next = 0;
  while (isDue(entries[next]) && entries[next]?.at === at) next += 1;
  // What was due at this time may have ended with more than one input of it.
  const sweepMax = at === previousAt ? Math.min(next, SWEEP_MAX) : SWEEP_MAX;
  const timePasses = { at, answers: [], sweepMax };
  if (next > SWEEP_MAX) return timePasses;
  const answer = firstAnswer(entries.slice(next), at);
  if (answer !== undefined) {
    const answers = [
      answer.entry,
      ...waitingFor(answer.entry, entries.slice(next + answer.position)),
    ];
    return { at, answers, sweepMax };
  }
  return next > 0 ? timePasses : undefined;
}

/** What time alone brings about. */
function isDue(entry: Entry | undefined): boolean {
  return (
    entry?.type === 'request-expired' ||
    (entry?.type === 'finding-raised' && entry.finding === 'BREAK_GLASS_UNREVIEWED')
  );
}

function firstAnswer(
  entries: readonly Entry[],
  at: string,
): { readonly entry: AnsweringEntry; readonly position: number } | undefined {
  // A finding about the decision that follows it answers nothing itself.
  const position = entries.findIndex(
    (entry) => entry.type !== 'finding-raised' || isAnswering(entry),
  );
  const entry = entries[position];
  return entry !== undefined && entry.at === at && isAnswering(entry)
    ? { entry, position }
    : undefined;
}

/** Decisions that came before their admission, and were held for it. */
function waitingFor(admission: AnsweringEntry, from: readonly Entry[]): AnsweringEntry[] {
  if (admission.type !== 'request-admitted') return [];
  const waiting: AnsweringEntry[] = [];
  for (const entry of from.slice(1)) {
    if (entry.at !== admission.at || entry.type === 'state-committed') break;
    if (isDue(entry)) break;
    if (!isAnswering(entry)) continue;
    const isDecision = entry.type === 'decision-accepted' || entry.type === 'decision-refused';
    const isAbout = isDecision || entry.type === 'binding-revoked';
    if (!isAbout || entry.action_id !== admission.action_id) break;
    waiting.push(entry);
  }
  return waiting;
}

/** For a message: what an entry is, never what it holds. */
export function nameOf(entry: Entry): string {
  if (!isLoggedRefusal(entry)) return entry.type;
  return `${entry.type} ${entry.type === 'finding-raised' ? entry.finding : entry.code}`;
}
