import { sdkError } from './sdk-error.ts';
import type { ActionView, LedgerClient, Patience } from './ledger-client.ts';

/** A decision as the ledger tells it; the evidence proves it. */
export interface SeenDecision {
  readonly verdict: string;
  readonly person: string;
  /** The person in whose place a deputy has decided. */
  readonly for?: string;
  /** For how long the device says that it showed it. Nobody has measured it. */
  readonly claimed_dwell_ms?: number;
  /** Null when it was erased, or when there is none. */
  readonly rationale: string | null;
}

/** How a request ended. Nothing is to be run on any of these: `bound` comes with evidence, to be verified by a guard. */
export type BindingResult =
  | { readonly status: 'bound'; readonly view: ActionView; readonly evidence: string }
  | {
      readonly status: 'denied';
      readonly code: 'DENIED';
      readonly decisions: readonly SeenDecision[];
    }
  /** Nobody decided in time. No person is named. */
  | { readonly status: 'expired'; readonly code: 'EXPIRED' }
  | {
      readonly status: 'revoked';
      readonly code: 'REVOKED';
      readonly decisions: readonly SeenDecision[];
    }
  | { readonly status: 'superseded'; readonly code: 'SUPERSEDED' }
  | { readonly status: 'epoch-ended'; readonly code: 'EPOCH_ENDED' }
  | { readonly status: 'refused'; readonly code: string };

export interface WaitOptions {
  /** Milliseconds for which the ledger may be away at a time; an hour unless given. */
  readonly awayMs?: number;
  /** Told at each answer that it is still open. */
  readonly onWaiting?: (view: ActionView) => void;
  readonly onAway?: () => void;
  readonly onBack?: () => void;
}

const AWAY_MS = 3_600_000;

/**
 * Waits until a request has ended. Nothing is held in memory alone: who was cut off, or starts again, calls it again with
 * the same id, also when the decision was made meanwhile (attack row C18).
 *
 * @throws SdkError LEDGER_UNREACHABLE when it was away for longer than that, INTERRUPTED, NOT_FOUND, ANSWER_INVALID
 */
export async function waitForBinding(
  ledger: LedgerClient,
  actionId: string,
  options: WaitOptions = {},
): Promise<BindingResult> {
  const { awayMs = AWAY_MS, onWaiting, onAway, onBack } = options;
  const patience: Patience = {
    forMs: awayMs,
    ...(onAway !== undefined && { onAway }),
    ...(onBack !== undefined && { onBack }),
  };
  const patient = ledger.patient(patience);
  for await (const view of viewsOf(patient, actionId)) {
    if (view.status !== 'pending') return endOf(view, patient);
    onWaiting?.(view);
  }
  throw sdkError('INTERRUPTED', 'stopped waiting');
}

/** By events where the ledger has them; whenever a stream ends or breaks, by asking, which waits for news too. */
async function* viewsOf(ledger: LedgerClient, actionId: string): AsyncGenerator<ActionView> {
  let hasEvents = true;
  let view = await ledger.action(actionId);
  for (;;) {
    yield view;
    try {
      if (hasEvents) {
        for await (const next of ledger.watch(actionId, view.last_index)) {
          view = next;
          yield view;
        }
      }
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error) || error.code === 'INTERRUPTED')
        throw error;
      hasEvents = error.code !== 'NOT_FOUND';
    }
    view = await ledger.action(actionId, view.last_index);
  }
}

async function endOf(view: ActionView, ledger: LedgerClient): Promise<BindingResult> {
  switch (view.status) {
    case 'denied':
      return { status: 'denied', code: 'DENIED', decisions: decisionsOf(view, 'deny') };
    case 'expired':
      return { status: 'expired', code: 'EXPIRED' };
    case 'revoked':
      return { status: 'revoked', code: 'REVOKED', decisions: decisionsOf(view, 'revoke') };
    case 'superseded':
      return { status: 'superseded', code: 'SUPERSEDED' };
    case 'epoch-ended':
      return { status: 'epoch-ended', code: 'EPOCH_ENDED' };
    case 'refused':
      return { status: 'refused', code: view.code ?? 'REQUEST_REFUSED' };
    default:
      return { status: 'bound', view, evidence: await ledger.evidence(view.action_id) };
  }
}

/** Of a verdict, or all of them, in the order of the log. */
export function decisionsOf(view: ActionView, verdict?: string): SeenDecision[] {
  const listed: unknown = view['decisions'];
  const all = Array.isArray(listed) ? listed.filter(isDecision) : [];
  return all.filter((decision) => verdict === undefined || decision.verdict === verdict);
}

function isDecision(json: unknown): json is SeenDecision {
  const said = Object(json) as Partial<Record<string, unknown>>;
  const { person, verdict, rationale, for: principal, claimed_dwell_ms: dwellMs } = said;
  return (
    [person, verdict].every((member) => typeof member === 'string') &&
    ['undefined', 'string'].includes(typeof principal) &&
    ['undefined', 'number'].includes(typeof dwellMs) &&
    (rationale === null || typeof rationale === 'string')
  );
}
