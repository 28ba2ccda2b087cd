import { formatTimestamp, timestampMs } from '@countersign/canonical';
import type { ActionRecord } from './action-record.ts';
import { quietUntilMs, type Asking } from './asking.ts';
import { BindingError } from './binding-error.ts';
import { enrolledPersons } from './cedar-sentence.ts';
import type { LedgerState } from './ledger-state.ts';
import { loadOf } from './person-load.ts';
import type { RuleInForce } from './policy.ts';
import type { Proceeding } from './proceeding.ts';
import type { RequestRefused } from './request-entry.ts';
import { placesOf, seatedOf } from './seat-matching.ts';
import { mayApprove } from './seating.ts';

/** A request, as far as it matters how often its persons are asked. */
interface Asked {
  readonly rule: RuleInForce;
  readonly agent: string;
  readonly type: string;
  /** Who may not decide it. */
  readonly out: readonly string[];
  /** The open request that it takes the place of. */
  readonly superseded: ActionRecord | undefined;
}

/**
 * That people are not asked at night, for the same again, or so often that one of them says yes to be left alone: attack
 * row D15. schemas/formats/policy.md §13.
 *
 * @throws BindingError NO_POLICY, QUIET_HOURS, REQUEST_OPEN, PROMPTS_EXCEEDED
 */
export function assertMayAsk({ state, atMs }: Proceeding, asked: Asked): void {
  const { asking } = asked.rule;
  if (asking === undefined) return;
  // By rules 1 nobody has counted, and a limit that is not held would be worse than none.
  if (state.rules < 2) {
    throw new BindingError('NO_POLICY', 'request: expected a ledger that counts prompts');
  }
  assertAwake(asking, atMs);
  assertFewOpen(state, asking, asked);
  assertSpared(state, { ...asked, asking, atMs });
}

function assertAwake(asking: Asking, atMs: number): void {
  const until = quietUntilMs(asking, atMs);
  if (until === undefined) return;
  throw new BindingError('QUIET_HOURS', 'request: expected a time at which its rule lets ask', {
    ...(until !== 'never' && { tells: { until: formatTimestamp(until) } }),
  });
}

function assertFewOpen(
  state: LedgerState,
  { open_max: max = Infinity }: Asking,
  { agent, type, superseded }: Asked,
): void {
  // Most often an agent has nothing open at all.
  if ((state.tables.openByAgent.get(agent) ?? 0) < max) return;
  const open = openOf(state, agent).filter(
    (record) => record.type === type && record.id !== superseded?.id,
  );
  const [first] = open;
  if (first === undefined || open.length < max) return;
  throw new BindingError(
    'REQUEST_OPEN',
    'request: expected fewer open ones of its agent and type',
    {
      tells: { open: first.id },
    },
  );
}

/** In the order of the log. */
function openOf({ tables }: LedgerState, agent: string): readonly ActionRecord[] {
  return [...tables.openByAdmission.entries().values()]
    .flatMap((id) => tables.actions.get(id) ?? [])
    .filter((record) => record.agent === agent)
    .sort((a, b) => a.admissionIndex - b.admissionIndex);
}

function assertSpared(
  state: LedgerState,
  {
    rule,
    out,
    asking: { prompts_1h_max: max },
    atMs,
  }: Pick<Asked, 'rule' | 'out'> & { readonly asking: Asking; readonly atMs: number },
): void {
  if (max === undefined) return;
  const places = placesOf(rule);
  const rested: string[] = [];
  let isAnyTired = false;
  for (const person of enrolledPersons(state.authority)) {
    if (out.includes(person) || !mayApprove(rule, person)) continue;
    if (loadOf(state.tables.load, person, atMs).prompts_1h >= max) isAnyTired = true;
    else rested.push(person);
    if (rested.length >= places.length && seatedOf(rested, places) === places.length) return;
  }
  if (!isAnyTired) return;
  throw new BindingError(
    'PROMPTS_EXCEEDED',
    'request: expected enough persons who were asked less often within the hour',
  );
}

/** What a refusal for one of these says, as far as a log still shows it: of no request that was refused it has the type. */
export function couldBeUnasked(
  { state, atMs }: Proceeding,
  refused: Pick<RequestRefused, 'agent' | 'until' | 'open'> & {
    readonly code: 'QUIET_HOURS' | 'REQUEST_OPEN' | 'PROMPTS_EXCEEDED';
  },
): boolean {
  const limits = state.policy.rules.flatMap(({ asking }) => (asking === undefined ? [] : [asking]));
  if (state.rules < 2) return false;
  switch (refused.code) {
    case 'QUIET_HOURS':
      return isQuietUntil(limits, atMs, refused.until);
    case 'REQUEST_OPEN': {
      const record = refused.open === undefined ? undefined : state.action(refused.open);
      const isOpen = record?.status === 'pending' && record.agent === refused.agent.id;
      return isOpen && limits.some(({ open_max: max }) => max !== undefined);
    }
    case 'PROMPTS_EXCEEDED':
      return limits.some(({ prompts_1h_max: max = Infinity }) =>
        enrolledPersons(state.authority).some(
          (person) => loadOf(state.tables.load, person, atMs).prompts_1h >= max,
        ),
      );
  }
}

/** Of several rules together the end is that of one of them. */
function isQuietUntil(limits: readonly Asking[], atMs: number, until: string | undefined): boolean {
  const isQuiet = (timeMs: number): boolean =>
    limits.some((each) => quietUntilMs(each, timeMs) !== undefined);
  const endMs = until === undefined ? undefined : timestampMs(until);
  return isQuiet(atMs) && (endMs === undefined || (endMs > atMs && isQuiet(endMs - 1)));
}
