import { formatArrival, type Arrival } from '@countersign/audit';
import {
  gatewayKeyName,
  promisable,
  statementText,
  type ArrivalPromise,
  type PromisedKind,
} from '@countersign/binding';
import { digestBytes, formatTimestamp } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import { signNote, type NoteSigner } from '@countersign/tlog';
import type { DecidedLog } from './decided-log.ts';
import { noteSigner } from './note-key.ts';
import { TENANT } from './parties.ts';

const WITHIN_MS = 300_000;

/** What a gateway before this log promises of an input that it does not get: of its clock, and by leave of its key. */
export async function promisedOf(
  log: DecidedLog,
  input: { readonly kind: PromisedKind; readonly payload: Uint8Array },
  more: Partial<ArrivalPromise> = {},
): Promise<Arrival> {
  const digest = digestBytes('countersign/input/v1', input.payload);
  const arrived = { ...input, digest };
  const told = await promisable(arrived, log.state.authority, verifySignature);
  if (told === undefined) throw new Error('expected an input of a member');
  const { origin, nowMs } = log;
  const promise: ArrivalPromise = {
    v: 'countersign.promise.v1',
    ledger: origin,
    tenant: TENANT,
    kind: input.kind,
    ...told,
    arrived_at: formatTimestamp(nowMs),
    logged_by: formatTimestamp(nowMs + WITHIN_MS),
    ...more,
  };
  const key = await promiseKeyOf(log);
  return {
    v: 'countersign.arrival.v1',
    promise: await signNote(statementText(promise), [key.signer]),
    certificate: key.certificate,
  };
}

/** A key that a log lets promise for a day. */
export async function promiseKeyOf(log: {
  readonly origin: string;
  readonly signer: NoteSigner;
  readonly nowMs: number;
}): Promise<{ readonly signer: NoteSigner; readonly certificate: string }> {
  const { origin, nowMs } = log;
  const signer = noteSigner(gatewayKeyName(origin));
  const leave = statementText({
    v: 'countersign.gateway-key.v1',
    ledger: origin,
    vkey: signer.vkey,
    // The first input had arrived when its key was asked for: schemas/formats/arrival-promise.md §3.
    not_before: formatTimestamp(nowMs - 120_000),
    not_after: formatTimestamp(nowMs + 86_400_000),
  });
  return { signer, certificate: await signNote(leave, [log.signer]) };
}

export function arrivalFile(arrival: Arrival): string {
  return Buffer.from(formatArrival(arrival)).toString();
}
