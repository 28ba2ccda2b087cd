import { timestampMs } from '@countersign/canonical';
import {
  BreakGlassBook,
  boundChangeIn,
  isAnswering,
  isHiddenRefusal,
  isLoggedRefusal,
  sshKeyMemberOf,
  type Entry,
  type EntryType,
} from '@countersign/binding';

/** A decision by a key that had been enrolled shortly before it: attack row D13. */
export interface NearEnrolment {
  readonly person: string;
  readonly credential: string;
  readonly enrolled_index: number;
  readonly decided_index: number;
  readonly seconds: number;
}

/** A recovery that can still be used or cancelled: schemas/formats/authority.md §13. */
export interface PendingRecovery {
  readonly person: string;
  readonly invitation: string;
  readonly opens_at: string;
  readonly ends_at: string;
  /** Of the finding that raised the alarm. */
  readonly index: number;
}

/** What of a log nobody can derive again, because it is not in the log. */
export interface NotDerived {
  /** Admissions whose action is content: what was shown, and that its agent signed it. */
  readonly requests: number;
  /** Decisions whose rationale is content. */
  readonly rationales: number;
  /** Refusals for something that only the refused input said. */
  readonly refusals: number;
}

const NEAR_MAX = 100;

/** What a log is seen to hold, entry by entry. */
export class AuditFacts {
  readonly #nearMs: number;
  readonly #enrolled = new Map<string, { readonly index: number; readonly atMs: number }>();
  readonly counts: Map<EntryType, number> = new Map();
  readonly nearEnrolments: NearEnrolment[] = [];
  nearCount = 0;
  readonly breakGlass: BreakGlassBook = new BreakGlassBook();
  /** Of the newest alarm about the recovery of a person. */
  readonly recoveryAlarms: Map<string, number> = new Map();
  readonly #notDerived = { requests: 0, rationales: 0, refusals: 0 };

  constructor(nearMs: number) {
    this.#nearMs = nearMs;
  }

  get notDerived(): NotDerived {
    return { ...this.#notDerived };
  }

  note(
    entry: Entry,
    { index, bytes }: { readonly index: number; readonly bytes: Uint8Array },
  ): void {
    this.counts.set(entry.type, (this.counts.get(entry.type) ?? 0) + 1);
    this.#noteAlarm(entry, index);
    if (isLoggedRefusal(entry)) {
      if (isAnswering(entry) && isHiddenRefusal(entry)) this.#notDerived.refusals += 1;
    } else if (entry.type === 'request-admitted') {
      if (entry.action === undefined) this.#notDerived.requests += 1;
    } else if (entry.type === 'decision-accepted' || entry.type === 'binding-revoked') {
      this.#notDerived.rationales += 1;
      this.#noteDecision(entry.statement, { index, atMs: timestampMs(entry.at) });
    } else if (entry.type === 'authority-changed') {
      this.#noteChange(entry, { index, bytes });
    }
  }

  #noteAlarm(entry: Entry, index: number): void {
    this.breakGlass.note(entry, index);
    if (entry.type !== 'finding-raised' || entry.finding !== 'RECOVERY_STARTED') return;
    this.recoveryAlarms.set(entry.about.person ?? '', index);
  }

  #noteChange(
    entry: Extract<Entry, { type: 'authority-changed' }>,
    at: { readonly index: number; readonly bytes: Uint8Array },
  ): void {
    const place = { index: at.index, atMs: timestampMs(entry.at) };
    if (entry.change.change === 'credential-enrolled') {
      this.#enrolled.set(entry.change.statement.credential_id, place);
      return;
    }
    const change = boundChangeIn(at.bytes);
    if (change?.kind === 'ssh-key-enrolled') {
      this.#enrolled.set(sshKeyMemberOf(change).id, place);
    }
  }

  #noteDecision(
    { person, credential }: { readonly person: string; readonly credential: string },
    decided: { readonly index: number; readonly atMs: number },
  ): void {
    const enrolled = this.#enrolled.get(credential);
    if (enrolled === undefined || decided.atMs - enrolled.atMs > this.#nearMs) return;
    this.nearCount += 1;
    if (this.nearEnrolments.length >= NEAR_MAX) return;
    this.nearEnrolments.push({
      person,
      credential,
      enrolled_index: enrolled.index,
      decided_index: decided.index,
      seconds: Math.floor((decided.atMs - enrolled.atMs) / 1_000),
    });
  }
}
