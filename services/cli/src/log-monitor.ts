import type { NearEnrolment, PendingRecovery } from '@countersign/audit';
import type { BrokenGlass } from '@countersign/binding';
import { formatTimestamp } from '@countersign/canonical';
import { unreviewedWords } from './break-glass-words.ts';
import { CliError, EXIT } from './cli-error.ts';
import { recoveryWords } from './recovery-words.ts';
import { KeptAudit, type AuditOutcome, type LogAuditOptions } from './log-audit.ts';
import type { ProbeGauge } from './process-probe.ts';
import { sleepUnless } from './service.ts';

/** How often in a row a log may not answer before that is an alarm of its own. */
const AWAY_ROUNDS = 3;
const ALARMS_MAX = 1_000;
const TAKEN_WITHIN_MS = 10_000;

/** What a webhook is told, once. schemas/formats/audit.md §5 */
export interface Alarm {
  readonly v: 'countersign.alarm.v1';
  readonly alarm: string;
  readonly origin: string;
  readonly at: string;
  readonly index?: number;
  readonly detail: string;
  /** Two signed notes that prove it without the log. */
  readonly evidence?: readonly string[];
}

export interface LogMonitorOptions {
  readonly audit: LogAuditOptions;
  readonly everyMs: number;
  readonly webhook?: string;
  /** Told of each alarm once, whether or not there is a webhook. */
  readonly onAlarm: (alarm: Alarm) => void;
  readonly onRound: (outcome: AuditOutcome) => void;
}

/**
 * Audits a log again and again, and goes on after an alarm: the proof is kept, and more may follow. An alarm that the webhook did not
 * take is sent again each round; after a restart it is found again, because what was refused is never written down as seen.
 */
export class LogMonitor {
  readonly #options: LogMonitorOptions;
  readonly #told = new Set<string>();
  #untaken: Alarm[] = [];
  #audit: KeptAudit | undefined;
  #awayRounds = 0;
  #size = 0;
  #nearCount = 0;
  #unreviewed = 0;
  #recoveries = 0;
  #validMs = 0;
  /** Of the last round; empty while the log holds. */
  #code = '';

  constructor(options: LogMonitorOptions) {
    this.#options = options;
  }

  /** @throws CliError of what is on this disk, or how it was called */
  async watch(stopped: AbortSignal): Promise<void> {
    while (!stopped.aborted) {
      await this.#round();
      await this.#deliver();
      await sleepUnless(this.#options.everyMs, stopped);
    }
  }

  get gauges(): readonly ProbeGauge[] {
    const one = (name: string, help: string, value: () => number): ProbeGauge => ({
      name,
      help,
      labels: [],
      read: () => [{ labels: {}, value: value() }],
    });
    return [
      one(
        'countersign_monitor_log_size',
        'Entries of the head that was audited last',
        () => this.#size,
      ),
      one(
        'countersign_monitor_valid_seconds',
        'When the whole log was last found to hold, in seconds since 1970; 0 for never',
        () => this.#validMs / 1_000,
      ),
      one(
        'countersign_monitor_near_enrolments',
        'Decisions by a key that had been enrolled shortly before',
        () => this.#nearCount,
      ),
      one(
        'countersign_monitor_unreviewed_break_glass',
        'Actions that ran as BREAK-GLASS and nobody has reviewed',
        () => this.#unreviewed,
      ),
      one(
        'countersign_monitor_pending_recoveries',
        'Persons who may get a new key soon, unless somebody cancels it',
        () => this.#recoveries,
      ),
      one(
        'countersign_monitor_untaken_alarms',
        'Alarms that the webhook has not taken yet',
        () => this.#untaken.length,
      ),
      {
        name: 'countersign_monitor_alarm',
        help: '1 for the code that the last round ended with; nothing while the log holds',
        labels: ['code'],
        read: () => (this.#code === '' ? [] : [{ labels: { code: this.#code }, value: 1 }]),
      },
    ];
  }

  async #round(): Promise<void> {
    try {
      this.#audit ??= await KeptAudit.open(this.#options.audit);
      const outcome = await this.#audit.run();
      this.#awayRounds = 0;
      this.#options.onRound(outcome);
      if (outcome.outcome === 'VALID') this.#holds(outcome);
      else this.#refused(outcome);
    } catch (error) {
      this.#away(error);
    }
  }

  #holds({ findings }: AuditOutcome & { readonly outcome: 'VALID' }): void {
    this.#code = '';
    this.#size = findings.head.size;
    this.#validMs = this.#options.audit.nowMs();
    this.#nearCount = findings.nearCount;
    for (const near of findings.nearEnrolments) this.#alarmNear(near);
    this.#unreviewed = findings.unreviewed.length;
    for (const broken of findings.unreviewed) this.#alarmUnreviewed(broken);
    this.#recoveries = findings.recoveries.length;
    for (const each of findings.recoveries) this.#alarmRecovery(each);
  }

  #alarmNear({ person, seconds, decided_index: index }: NearEnrolment): void {
    const detail = `${person} decided ${seconds} s after the key was enrolled`;
    this.#alarm({ alarm: 'ENROLMENT_NEAR_DECISION', index, detail });
  }

  /** Once when it is seen, and once more when its review is overdue. */
  #alarmUnreviewed(broken: BrokenGlass): void {
    const { index, overdueIndex } = broken;
    const detail = unreviewedWords(broken);
    if (overdueIndex === undefined) this.#alarm({ alarm: 'BREAK_GLASS', index, detail });
    else this.#alarm({ alarm: 'BREAK_GLASS_UNREVIEWED', index: overdueIndex, detail });
  }

  #alarmRecovery(recovery: PendingRecovery): void {
    const { index } = recovery;
    this.#alarm({ alarm: 'RECOVERY_STARTED', index, detail: recoveryWords(recovery) });
  }

  #refused(outcome: Exclude<AuditOutcome, { readonly outcome: 'VALID' }>): void {
    const { code, index, detail, evidence } = outcome;
    this.#code = code;
    this.#alarm({
      alarm: code,
      ...(index !== undefined && { index }),
      detail,
      ...(evidence.length > 0 && { evidence }),
    });
    // What was folded up to there is not to be built on.
    this.#audit = undefined;
  }

  /** Somebody who does not answer proves nothing; whoever never does again hides something. */
  #away(error: unknown): void {
    const isAway = error instanceof CliError && error.exitCode === EXIT.indeterminate;
    if (!isAway) throw error;
    this.#audit = undefined;
    if (error.code === 'INTERRUPTED') return;
    this.#code = error.code;
    this.#awayRounds += 1;
    if (this.#awayRounds === AWAY_ROUNDS) this.#alarm({ alarm: error.code, detail: error.message });
    if (this.#awayRounds === 1) this.#told.delete(keyOf({ alarm: error.code, detail: '' }));
  }

  #alarm(told: Omit<Alarm, 'v' | 'origin' | 'at'>): void {
    const key = keyOf(told);
    if (this.#told.has(key) || this.#told.size >= ALARMS_MAX) return;
    this.#told.add(key);
    const { trust, nowMs } = this.#options.audit;
    const at = formatTimestamp(nowMs());
    const alarm: Alarm = { v: 'countersign.alarm.v1', origin: trust.origin, at, ...told };
    this.#options.onAlarm(alarm);
    if (this.#options.webhook !== undefined) this.#untaken.push(alarm);
  }

  /** In their order: one that is not taken keeps its place before the later ones. */
  async #deliver(): Promise<void> {
    const { webhook, audit } = this.#options;
    if (webhook === undefined) return;
    for (const alarm of [...this.#untaken]) {
      if (!(await isTaken(webhook, alarm, audit.interrupted))) return;
      this.#untaken = this.#untaken.filter((each) => each !== alarm);
    }
  }
}

function keyOf({ alarm, index }: Pick<Alarm, 'alarm' | 'index' | 'detail'>): string {
  return `${alarm} ${index ?? ''}`;
}

async function isTaken(url: string, alarm: Alarm, interrupted: AbortSignal): Promise<boolean> {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(alarm),
      redirect: 'error',
      signal: AbortSignal.any([interrupted, AbortSignal.timeout(TAKEN_WITHIN_MS)]),
    });
    await answer.body?.cancel();
    return answer.ok;
  } catch {
    // However it failed, the next round tries again, and the metric tells how many wait.
    return false;
  }
}
