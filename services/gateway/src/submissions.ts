import { RECONCILED_FINDINGS, isRefusalCode, type RefusalCode } from '@countersign/binding';
import { parseStrict, utf8, type Json } from '@countersign/canonical';
import type { ActionStatus } from '@countersign/store';
import { inSpan } from '@countersign/tracing';
import type { Static } from 'typebox';
import type { ArrivalSchema } from './answer-schema.ts';
import type { ArrivalPromises } from './arrival-promises.ts';
import type { AnsweredEntry, GatewayDeps, InputAnswer } from './gateway-deps.ts';
import { GatewayError, type LoggedEntry } from './gateway-error.ts';
import type { GatewayMetrics } from './metrics.ts';
import { refusedPlace } from './refused-place.ts';
import type { RoutedFrame } from './routed-frame.ts';
import type { Waiter, WaitingRoom } from './waiting-room.ts';

interface ProvenEntry {
  readonly entry: LoggedEntry;
  readonly receipt: string;
}

/** The ledger's answer to an input, as it is sent. */
export interface Answer extends ProvenEntry {
  readonly input: string;
  readonly action_id?: string;
  readonly action_digest?: string;
  readonly status?: ActionStatus;
  /** What followed at once: a binding, a denial, a change of the authority. */
  readonly followed?: readonly ProvenEntry[];
}

export interface Answered {
  readonly isNew: boolean;
  /** That it has arrived, where that can be promised and the answer is not there yet. */
  readonly arrival?: Static<typeof ArrivalSchema>;
  /** Undefined while the ledger has not answered. */
  readonly answer: Answer | undefined;
}

type SubmissionDeps = Pick<GatewayDeps, 'router' | 'view' | 'models' | 'nowMs' | 'descriptors'> & {
  readonly room: WaitingRoom;
  readonly metrics: GatewayMetrics;
  readonly arrivals: ArrivalPromises;
};

const REFUSAL_TYPES: ReadonlySet<string> = new Set([
  'request-refused',
  'decision-refused',
  'use-refused',
]);
const RECONCILED: ReadonlySet<unknown> = new Set(RECONCILED_FINDINGS);
/** Where an action stands right after an entry; for entries that leave it where it was, the read models know. */
const STATUS_AFTER: ReadonlyMap<string, ActionStatus> = new Map<string, ActionStatus>([
  ['request-admitted', 'pending'],
  ['binding-made', 'bound'],
  ['request-denied', 'denied'],
  ['binding-revoked', 'revoked'],
  ['binding-used', 'used'],
]);
/** How long an input that was quarantined before may take to be judged again, and how often we look. */
const REJUDGE_MS = 2_000;
const REJUDGE_STEP_MS = 50;
/** Who just asked for an action looks for it next; it is answered once it is there, or after this. */
const STORED_MS = 1_000;

/** Hands inputs to the ledger and fetches its answers. Holds nothing: an input's digest finds its answer for ever. */
export class Submissions {
  readonly #deps: SubmissionDeps;

  constructor(deps: SubmissionDeps) {
    this.#deps = deps;
  }

  /** @throws GatewayError the ledger's refusal, INTAKE_UNAVAILABLE, TOO_MANY_WAITERS, SHUTTING_DOWN */
  async submit(frame: RoutedFrame, waiter: Waiter): Promise<Answered> {
    const { models, view, metrics, nowMs, arrivals } = this.#deps;
    const { digest } = frame;
    const before = await models.input(digest);
    if (before?.kind === 'entry') {
      return {
        isNew: false,
        answer: await this.#answerTo(frame, await view.waitForInput(digest, 0)),
      };
    }
    const startedMs = nowMs();
    // If we stop right after this the input is on its way, and its sender asks for it by the digest.
    await this.#intake(frame);
    const found = before === undefined ? await this.#wait(digest, waiter) : undefined;
    const judged =
      before === undefined ? found : ((await this.#rejudged(digest, waiter)) ?? before);
    const answer = await this.#answerTo(frame, judged);
    if (answer !== undefined) metrics.receipt(frame.kind, nowMs() - startedMs);
    if (answer?.entry.type === 'request-admitted') {
      await view.waitForStored(answer.entry.index + 1, STORED_MS);
    }
    if (answer === undefined) {
      const arrival = await arrivals.of(frame);
      return { isNew: true, answer, ...(arrival !== undefined && { arrival }) };
    }
    return { isNew: true, answer };
  }

  /** Goes on waiting for an input. Nobody learns here whether a digest was ever sent. */
  async resume(digest: string, waiter: Waiter): Promise<Answered> {
    return { isNew: false, answer: await this.#answer(digest, await this.#wait(digest, waiter)) };
  }

  /** Of the entry that answers an input, an admission or a refusal alike; undefined while there is none. @throws GatewayError */
  async receipt(digest: string, waiter: Waiter): Promise<string | undefined> {
    const found = await this.#wait(digest, waiter);
    if (found?.kind === 'quarantined') throw quarantined(digest, found.code);
    return found?.entries[0]?.receipt;
  }

  async #intake(frame: RoutedFrame): Promise<void> {
    const { kind, tenant, actionId, payload, trace, digest } = frame;
    const { input } = await this.#deps.router
      .submit({ kind, tenant, actionId, payload, ...(trace !== undefined && { trace }) })
      .catch((cause: unknown) => {
        throw notTaken(cause, digest);
      });
    if (input !== digest) throw new Error('invariant broken: an input under another digest');
  }

  #wait(digest: string, waiter: Waiter): Promise<InputAnswer | undefined> {
    const { room, view } = this.#deps;
    return inSpan('gateway.answer', {}, () =>
      room.wait(waiter, (timeoutMs) => view.waitForInput(digest, timeoutMs)),
    );
  }

  /** Who was unknown yesterday may be enrolled today; until the input is judged again, the old answer stands. */
  async #rejudged(digest: string, waiter: Waiter): Promise<InputAnswer | undefined> {
    const { models, view, nowMs, room } = this.#deps;
    const until = nowMs() + Math.min(waiter.waitMs, REJUDGE_MS);
    while (nowMs() < until && !waiter.gone.aborted && !room.isClosed) {
      const outcome = await models.input(digest);
      if (outcome?.kind === 'entry') return await view.waitForInput(digest, 0);
      await new Promise((resolve) => setTimeout(resolve, REJUDGE_STEP_MS));
    }
    return undefined;
  }

  /** Who sent it is told where it is wrong, as far as that is known. */
  async #answerTo(frame: RoutedFrame, found: InputAnswer | undefined): Promise<Answer | undefined> {
    try {
      return await this.#answer(frame.digest, found);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      const place = refusedPlace(frame, error.code, this.#deps.descriptors);
      if (place === undefined) throw error;
      throw new GatewayError(error.code, `${error.message}: ${place}`, error.facts);
    }
  }

  async #answer(input: string, found: InputAnswer | undefined): Promise<Answer | undefined> {
    if (found === undefined) return undefined;
    if (found.kind === 'quarantined') throw quarantined(input, found.code);
    const [first, ...rest] = found.entries;
    if (first === undefined) throw new Error('invariant broken: an answer without its entry');
    const members = membersOf(first);
    const proven = provenEntry(first);
    const refusal = refusalOf(first.type, members);
    if (refusal !== undefined) {
      const told = `the ledger refused it: entry ${first.index} says so${moreOf(members)}`;
      throw new GatewayError(refusal, told, {
        input,
        ...proven,
      });
    }
    const followed = rest.map(provenEntry);
    const about = await this.#about(members, [first, ...rest]);
    return { input, ...proven, ...about, ...(followed.length > 0 && { followed }) };
  }

  /** The action that the entry is about, and where it stands after it. */
  async #about(
    members: ReadonlyMap<string, Json>,
    entries: readonly AnsweredEntry[],
  ): Promise<Pick<Answer, 'action_id' | 'action_digest' | 'status'>> {
    const [tenant, actionId, digest] = ['tenant', 'action_id', 'action_digest'].map((name) =>
      members.get(name),
    );
    if (typeof tenant !== 'string' || typeof actionId !== 'string') return {};
    const after = entries.flatMap(({ type }) => STATUS_AFTER.get(type) ?? []).at(-1);
    const stored =
      after === undefined || typeof digest !== 'string'
        ? await this.#deps.models.action(tenant, actionId)
        : undefined;
    const actionDigest = typeof digest === 'string' ? digest : stored?.actionDigest;
    const status = after ?? stored?.status;
    return {
      action_id: actionId,
      ...(actionDigest !== undefined && { action_digest: actionDigest }),
      ...(status !== undefined && { status }),
    };
  }
}

/** What whoever is refused may be told besides the code. */
function moreOf(members: ReadonlyMap<string, Json>): string {
  const [until, open, from] = ['until', 'open', 'from'].map((name) => members.get(name));
  if (typeof until === 'string') return `; quiet until ${until}`;
  if (typeof from === 'string') return `; who signed may decide from ${from}`;
  return typeof open === 'string' ? `; ${open} is open` : '';
}

function provenEntry({ index, leaf, type, text, receipt }: AnsweredEntry): ProvenEntry {
  return { entry: { index, leaf, type, text }, receipt };
}

function membersOf({ text }: AnsweredEntry): ReadonlyMap<string, Json> {
  const json = parseStrict(utf8(text));
  return new Map(typeof json === 'object' && json !== null ? Object.entries(json) : []);
}

/** A finding answers an input too: it refuses a second report that says something else, or is what was sent itself. */
function refusalOf(type: string, members: ReadonlyMap<string, Json>): RefusalCode | undefined {
  const isFinding = type === 'finding-raised';
  if (!isFinding && !REFUSAL_TYPES.has(type)) return undefined;
  const code = members.get(isFinding ? 'finding' : 'code');
  if (isFinding && RECONCILED.has(code)) return undefined;
  if (typeof code === 'string' && isRefusalCode(code)) return code;
  throw new Error('invariant broken: a refusal without a known code');
}

function quarantined(input: string, code: string): GatewayError {
  if (!isRefusalCode(code)) throw new Error('invariant broken: a quarantine without a known code');
  return new GatewayError(code, 'the ledger could not tell that this comes from a member of it', {
    input,
  });
}

function notTaken(cause: unknown, input: string): GatewayError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'TENANT_UNKNOWN') {
    return new GatewayError(code, 'expected a tenant of this ledger', { cause, input });
  }
  const message = 'the ledger takes no input now; send the same again';
  return new GatewayError('INTAKE_UNAVAILABLE', message, { cause, input, retryAfterS: 1 });
}
