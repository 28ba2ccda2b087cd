import {
  digestBytes,
  fromUtf8,
  utf8,
  type Digest,
  type VerifySignature,
} from '@countersign/canonical';
import { authenticateDecision, authenticateSigned } from './authenticate.ts';
import type { AuthorityState } from './authority.ts';
import { BindingError, refusalCodeOf } from './binding-error.ts';
import { decisionDigest, parseDecisionMade } from './decision-statement.ts';
import type { Entry } from './entry.ts';
import { senderOf } from './evolve.ts';
import { digest, origin, tenant, time, ulid, vkey } from './field-shape.ts';
import { bytesOf, parseCanonicalObject } from './json-bytes.ts';
import { matching, object, oneOf, optional, tag, type Shape } from './shape.ts';
import { parseSignedObject } from './signed-object.ts';

/** What may be promised. Who enrols is no member yet, so nothing is. */
export type PromisedKind = 'request' | 'decision' | 'use' | 'report' | 'finding' | 'erasure';

/**
 * That an input has arrived, and that the log will answer it: schemas/formats/arrival-promise.md §2. Ledger time is the append
 * time of inputs, so that the last moment holds however long the ledger then stands still.
 */
export interface ArrivalPromise {
  readonly v: 'countersign.promise.v1';
  readonly ledger: string;
  readonly tenant: string;
  readonly kind: PromisedKind;
  /** Absent where it is about none. */
  readonly action_id?: string;
  /** Of the frame. */
  readonly input: Digest;
  /** Of what was signed: other bytes that say the same are answered by the same entry. */
  readonly subject: Digest;
  /** Whose signature was checked: a kind of member, a space, an id. */
  readonly sender: string;
  /** By the clock of the gateway. */
  readonly arrived_at: string;
  /** The last time that the answering entry may have. */
  readonly logged_by: string;
}

/** That the log's key lets another one promise for it: §3. */
export interface GatewayKey {
  readonly v: 'countersign.gateway-key.v1';
  readonly ledger: string;
  readonly vkey: string;
  readonly not_before: string;
  readonly not_after: string;
}

const LIMITS = { maxBytes: 4_096, maxDepth: 2, maxMembers: 16 };

const promise: Shape<ArrivalPromise> = object<ArrivalPromise>({
  v: tag('countersign.promise.v1'),
  ledger: origin,
  tenant,
  kind: oneOf('request', 'decision', 'use', 'report', 'finding', 'erasure'),
  action_id: optional(ulid),
  input: digest,
  subject: digest,
  sender: matching(/^(agent|executor|person) [!-~]{1,200}$/, 'a kind of member, a space and an id'),
  arrived_at: time,
  logged_by: time,
});

const gatewayKey: Shape<GatewayKey> = object<GatewayKey>({
  v: tag('countersign.gateway-key.v1'),
  ledger: origin,
  vkey,
  not_before: time,
  not_after: time,
});

/** The text of its signed note: one line to say what it is, so that it is no checkpoint, and the statement. */
export function statementText(statement: ArrivalPromise | GatewayKey): string {
  return `${statement.v}\n${fromUtf8(bytesOf(statement))}\n`;
}

/** @throws BindingError TYPE_CONFUSION, SCHEMA_INVALID, UNKNOWN_MEMBER, NOT_CANONICAL, and the codes of the gate */
export function parsePromise(text: string): ArrivalPromise {
  const parsed = promise(statementIn(text, 'countersign.promise.v1'), 'promise');
  if (parsed.arrived_at <= parsed.logged_by) return parsed;
  throw new BindingError('SCHEMA_INVALID', 'promise/logged_by: expected a time after the arrival');
}

/** @throws BindingError as parsePromise */
export function parseGatewayKey(text: string): GatewayKey {
  return gatewayKey(statementIn(text, 'countersign.gateway-key.v1'), 'gateway key');
}

function statementIn(text: string, v: string): ReturnType<typeof parseCanonicalObject> {
  if (!text.startsWith(`${v}\n`)) throw new BindingError('TYPE_CONFUSION', `expected ${v}`);
  return parseCanonicalObject(utf8(text.slice(v.length + 1, -1)), LIMITS);
}

/** The name of a key that promises for a log: never that of the log itself. */
export function gatewayKeyName(ledger: string): string {
  return `${ledger}/promises`;
}

/** An input that somebody wants to have promised. */
export interface ArrivedInput {
  readonly kind: PromisedKind;
  readonly payload: Uint8Array;
  readonly digest: Digest;
}

/**
 * What may be promised of an input: undefined unless the ledger's own check of its sender passes now. What is not authentic
 * leaves no entry, so a promise of it could never be kept.
 *
 * @throws what `verifySignature` throws when it cannot check
 */
export async function promisable(
  { kind, payload, digest: input }: ArrivedInput,
  authority: AuthorityState,
  verifySignature: VerifySignature,
): Promise<Pick<ArrivalPromise, 'input' | 'subject' | 'sender'> | undefined> {
  const raw = { input, appendTimeMs: 0, offset: 0 };
  try {
    if (kind === 'decision') {
      const made = parseDecisionMade(payload);
      const { statementDigest } = await authenticateDecision(
        { ...raw, made },
        authority,
        verifySignature,
      );
      const signer = authority.get('credential', made.statement.credential);
      if (signer === undefined) return undefined;
      return { input, subject: statementDigest, sender: `person ${signer.person}` };
    }
    const signed = parseSignedObject(payload);
    await authenticateSigned({ ...raw, kind, signed }, authority, verifySignature);
    const holder = authority.holderOf(signed.key);
    if (holder === undefined) return undefined;
    return {
      input,
      subject: subjectOf(kind, signed.payload),
      sender: `${holder.kind} ${holder.id}`,
    };
  } catch (error) {
    if (refusalCodeOf(error) === undefined) throw error;
    return undefined;
  }
}

function subjectOf(kind: Exclude<PromisedKind, 'decision'>, payload: Uint8Array): Digest {
  return digestBytes(
    kind === 'request' ? 'countersign/action/v1' : `countersign/${kind}/v1`,
    payload,
  );
}

/** What an entry answers, whatever the bytes were. */
function answeredBy(entry: Entry): Pick<ArrivalPromise, 'kind' | 'subject'> | undefined {
  if (entry.type === 'request-admitted') return { kind: 'request', subject: entry.action_digest };
  if (entry.type === 'decision-accepted' || entry.type === 'binding-revoked') {
    return { kind: 'decision', subject: decisionDigest(entry.statement) };
  }
  if (entry.type === 'binding-used') {
    return { kind: 'use', subject: subjectOf('use', utf8(entry.claim)) };
  }
  if (entry.type === 'execution-reported') {
    return { kind: 'report', subject: subjectOf('report', utf8(entry.report)) };
  }
  return undefined;
}

/** Whether an entry is what a promise is kept by: it names the input, or answers other bytes that say the same. §4 */
export function keeps(entry: Entry, promised: ArrivalPromise): boolean {
  if ('input' in entry && entry.input === promised.input) return true;
  if (entry.type === 'content-erased') {
    return promised.kind === 'erasure' && entry.action_id === promised.action_id;
  }
  const answered = answeredBy(entry);
  return answered?.kind === promised.kind && answered.subject === promised.subject;
}

/** The sender whose refusals of a minute an entry counts against: beyond them the ledger answers nothing. */
export function quotaSenderOf(entry: Entry): string | undefined {
  const isCounted =
    entry.type === 'request-refused' ||
    entry.type === 'decision-refused' ||
    entry.type === 'use-refused' ||
    entry.type === 'finding-raised';
  return isCounted ? senderOf(entry) : undefined;
}
