import {
  AuthorityState,
  DEFAULT_LIMITS,
  parseDecisionMade,
  parseSignedObject,
  promisable,
  statementText,
  type Member,
  type PromisedKind,
} from '@countersign/binding';
import { formatTimestamp, type VerifySignature } from '@countersign/canonical';
import { SignerError, signNote } from '@countersign/tlog';
import type { Static } from 'typebox';
import type { ArrivalSchema } from './answer-schema.ts';
import type { AuthorityView } from './authority-view.ts';
import type { GatewayDeps } from './gateway-deps.ts';
import type { RoutedFrame } from './routed-frame.ts';

/** More than clocks may differ by (CLOCK_JUMP), and than a ledger that runs takes to append. */
const WITHIN_MS = 300_000;

interface ArrivalParts extends Pick<GatewayDeps, 'promiseKey' | 'nowMs'> {
  readonly ledger: string;
  readonly authority: AuthorityView;
  readonly verifySignature: VerifySignature;
}

/**
 * Promises that what has arrived will be in the log: schemas/formats/arrival-promise.md. Only of what the ledger would call
 * authentic by the read models; of anything else it says nothing, for that leaves no entry.
 */
export class ArrivalPromises {
  readonly #parts: ArrivalParts;

  constructor(parts: ArrivalParts) {
    this.#parts = parts;
  }

  /** Of a frame that the intake has taken. Undefined where nothing can be promised, or signed, now. */
  async of(frame: RoutedFrame): Promise<Static<typeof ArrivalSchema> | undefined> {
    const { kind, payload, digest, tenant, actionId } = frame;
    const { promiseKey, verifySignature, ledger, nowMs } = this.#parts;
    if (promiseKey === undefined || kind === 'enrolment') return undefined;
    const arrivedMs = nowMs();
    const authority = await this.#authorityOf(frame, kind);
    const promised = await promisable({ kind, payload, digest }, authority, verifySignature);
    const key = promised === undefined ? undefined : await promiseKey().catch(unlessSignerAway);
    if (promised === undefined || key === undefined) return undefined;
    const holdMs = kind === 'decision' ? DEFAULT_LIMITS.holdMs : 0;
    const text = statementText({
      v: 'countersign.promise.v1',
      ledger,
      tenant,
      kind,
      ...(actionId !== '' && { action_id: actionId }),
      ...promised,
      arrived_at: formatTimestamp(arrivedMs),
      logged_by: formatTimestamp(arrivedMs + WITHIN_MS + holdMs),
    });
    return {
      v: 'countersign.arrival.v1',
      promise: await signNote(text, [key.signer]),
      certificate: key.certificate,
    };
  }

  /** As much of the authority as tells whether this sender is of it. */
  async #authorityOf({ payload }: RoutedFrame, kind: PromisedKind): Promise<AuthorityState> {
    const { authority } = this.#parts;
    const members: (Member | undefined)[] = [await authority.ledger()];
    if (kind === 'decision') {
      const { credential } = parseDecisionMade(payload).statement;
      members.push(await authority.member('credential', credential));
    } else {
      const holder = kind === 'use' || kind === 'report' ? 'executor' : 'agent';
      members.push(await authority.byThumbprint(holder, parseSignedObject(payload).key));
    }
    return AuthorityState.of(members.filter((member) => member !== undefined));
  }
}

/** Who waits for an answer goes on waiting for it without a promise. */
function unlessSignerAway(error: unknown): undefined {
  if (!(error instanceof SignerError)) throw error;
}
