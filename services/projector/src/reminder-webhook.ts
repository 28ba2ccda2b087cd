import { parseEntry, type RequestAdmitted } from '@countersign/binding';
import {
  StoreError,
  PAGE_ROWS_MAX,
  type ActionRow,
  type EntryRow,
  type ReadModels,
} from '@countersign/store';
import { endedByFreeze } from './ended-by-freeze.ts';
import type { LogProofs } from './log-proof.ts';
import { stageOf, type Stage } from './undecided.ts';
import { passingCode, WebhookPost, type WebhookTarget } from './webhook-post.ts';

export interface ReminderWebhookOptions {
  readonly store: Pick<ReadModels, 'actions' | 'entries' | 'member'>;
  readonly proofs: Pick<LogProofs, 'receipt'>;
  readonly origin: string;
  readonly tenant: string;
  readonly target: WebhookTarget;
  readonly nowMs: () => number;
  /** Between two looks, and between two tries. */
  readonly everyMs?: number;
}

/** What is told of a request: `escalated` says that it has gone on to a second group. */
type Reminder = Stage | 'escalated';

interface Admission {
  readonly row: EntryRow;
  readonly entry: RequestAdmitted;
}

/** A request that nobody has ended yet: of its admission no more than what reminders go by. */
interface Open {
  readonly askedAt: string;
  readonly escalatesAt: string | undefined;
  /** What was told of it. */
  readonly told: Set<Reminder>;
}

const EVERY_MS = 5_000;
const UTF8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Posts that a request is still undecided: once half of its time is over, once nine tenths are, and once it has gone on to a second
 * group. Nothing of the ledger depends on it: who is told may decide no more than before.
 *
 * Crash story: what was told is remembered by this process alone. Another one, or the next, tells of what is still open once more;
 * `action_id` and `stage` name what it is.
 */
export class ReminderWebhook {
  readonly #options: ReminderWebhookOptions;
  readonly #stopped = new AbortController();
  readonly #post: WebhookPost;
  /** Bounded as requests that are open are. */
  readonly #open = new Map<string, Open>();
  #away: string | undefined;

  constructor(options: ReminderWebhookOptions) {
    this.#options = options;
    this.#post = new WebhookPost(options.target, options.nowMs, this.#stopped.signal);
  }

  /** Why the next reminder is not told yet. */
  get away(): string | undefined {
    return this.#away;
  }

  /** Until it is stopped. */
  async run(): Promise<void> {
    const { everyMs = EVERY_MS } = this.#options;
    while (!this.#stopped.signal.aborted) {
      try {
        await this.#look();
        this.#away = undefined;
      } catch (error) {
        this.#away = passingCode(error);
      }
      await this.#post.pause(everyMs);
    }
  }

  stop(): void {
    this.#stopped.abort();
  }

  async #look(): Promise<void> {
    const open = new Set<string>();
    for await (const row of this.#pending()) {
      if (this.#stopped.signal.aborted) return;
      open.add(row.actionId);
      await this.#tellIfDue(row);
    }
    for (const actionId of this.#open.keys()) if (!open.has(actionId)) this.#open.delete(actionId);
  }

  async *#pending(): AsyncGenerator<ActionRow> {
    const { store, tenant } = this.#options;
    const isEnded = await endedByFreeze(store);
    let cursor: string | null = null;
    do {
      const page = await store.actions({ tenant, status: 'pending', limit: PAGE_ROWS_MAX, cursor });
      yield* page.rows.filter((row) => !isEnded(row));
      ({ cursor } = page);
    } while (cursor !== null);
  }

  async #tellIfDue({ actionId, decideBy, admissionIndex }: ActionRow): Promise<void> {
    if (decideBy === null || admissionIndex === null) return;
    const open = this.#open.get(actionId) ?? openOf((await this.#admission(admissionIndex)).entry);
    this.#open.set(actionId, open);
    for (const reminder of remindersOf({ ...open, decideBy }, this.#options.nowMs())) {
      if (open.told.has(reminder)) continue;
      await this.#tell(reminder, await this.#admission(admissionIndex));
      open.told.add(reminder);
    }
  }

  async #tell(stage: Reminder, { row, entry }: Admission): Promise<void> {
    const { proofs, origin } = this.#options;
    const { index, leaf, type, bytes } = row;
    const { escalates_at: escalatesAt, requirement } = entry;
    await this.#post.tell({
      v: 'countersign.request-undecided.v1',
      origin,
      stage,
      action_id: entry.action_id,
      decide_by: entry.decide_by,
      ...(stage === 'escalated' &&
        escalatesAt !== undefined && {
          escalates_at: escalatesAt,
          persons: requirement.escalation?.approvers ?? [],
        }),
      entry: { index, leaf, type, text: UTF8.decode(bytes) },
      receipt: await proofs.receipt(index),
    });
  }

  async #admission(index: number): Promise<Admission> {
    const [row] = await this.#options.store.entries(index, 1);
    const entry = row && parseEntry(row.bytes);
    if (row === undefined || entry?.type !== 'request-admitted') {
      throw new StoreError('STORE_CORRUPT', 'expected the admission of a request');
    }
    return { row, entry };
  }
}

function openOf({ at, escalates_at: escalatesAt }: RequestAdmitted): Open {
  return { askedAt: at, escalatesAt, told: new Set() };
}

/** None once all of its time is over. */
function remindersOf(
  {
    escalatesAt,
    ...request
  }: Pick<Open, 'askedAt' | 'escalatesAt'> & { readonly decideBy: string },
  nowMs: number,
): readonly Reminder[] {
  const stage = stageOf(request, nowMs);
  const isOpen = nowMs <= Date.parse(request.decideBy);
  const isEscalated = isOpen && escalatesAt !== undefined && Date.parse(escalatesAt) <= nowMs;
  return [...(stage === undefined ? [] : [stage]), ...(isEscalated ? ['escalated' as const] : [])];
}
