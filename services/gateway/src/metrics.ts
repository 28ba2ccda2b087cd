import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { WRITER_STATES, type LedgerHealth } from './gateway-deps.ts';
import type { ProblemCode } from './gateway-error.ts';
import type { Undecided } from './undecided-requests.ts';

/** Fine below a second, where the objective is, and up to the longest wait. */
const LATENCY_BUCKETS_S = [
  0.002, 0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];

interface Sources {
  readonly health: () => LedgerHealth;
  readonly waiters: () => number;
  readonly nowMs: () => number;
  readonly registry?: Registry;
}

/** What operators watch. Labels are routes, codes and verdicts: never an id, so their number is bounded. */
export class GatewayMetrics {
  readonly #registry: Registry;
  readonly #requests: Counter<'method' | 'route' | 'status'>;
  readonly #latency: Histogram<'route'>;
  readonly #refusals: Counter<'code'>;
  readonly #decisions: Counter<'verdict'>;
  readonly #receipts: Histogram<'kind'>;
  readonly #frozen: Gauge;
  readonly #recoveries: Gauge;
  readonly #undecided: Gauge<'stage'>;

  constructor(sources: Sources) {
    this.#registry = sources.registry ?? new Registry();
    const registers = [this.#registry];
    this.#requests = new Counter({
      name: 'countersign_http_requests_total',
      help: 'Answers by method, route and status',
      labelNames: ['method', 'route', 'status'],
      registers,
    });
    this.#latency = new Histogram({
      name: 'countersign_http_request_seconds',
      help: 'Time from request to answer, waits included',
      labelNames: ['route'],
      buckets: LATENCY_BUCKETS_S,
      registers,
    });
    this.#refusals = new Counter({
      name: 'countersign_refusals_total',
      help: 'Problems answered, by code',
      labelNames: ['code'],
      registers,
    });
    this.#decisions = new Counter({
      name: 'countersign_decisions_total',
      help: 'Decisions that the ledger accepted through this gateway, by verdict',
      labelNames: ['verdict'],
      registers,
    });
    this.#receipts = new Histogram({
      name: 'countersign_receipt_seconds',
      help: 'Time from an input to its sealed receipt, by kind of input',
      labelNames: ['kind'],
      buckets: LATENCY_BUCKETS_S,
      registers,
    });
    this.#frozen = new Gauge({
      name: 'countersign_frozen',
      help: '1 while the ledger is frozen',
      registers,
    });
    this.#recoveries = new Gauge({
      name: 'countersign_recoveries_pending',
      help: 'Recoveries that can be cancelled, or used once their delay is over',
      registers,
    });
    this.#undecided = new Gauge({
      name: 'countersign_requests_undecided',
      help: 'Open requests of which half of the time to decide, or nine tenths, are over',
      labelNames: ['stage'],
      registers,
    });
    this.#gauges(sources);
    collectDefaultMetrics({ register: this.#registry });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  answered(request: { method: string; route: string; status: number; seconds: number }): void {
    const { method, route, status, seconds } = request;
    this.#requests.inc({ method, route, status });
    this.#latency.observe({ route }, seconds);
  }

  refused(code: ProblemCode): void {
    this.#refusals.inc({ code });
  }

  decided(verdict: string): void {
    this.#decisions.inc({ verdict });
  }

  frozen(isFrozen: boolean): void {
    this.#frozen.set(Number(isFrozen));
  }

  recoveries(count: number): void {
    this.#recoveries.set(count);
  }

  undecided({ half, last_tenth: lastTenth }: Undecided): void {
    this.#undecided.set({ stage: 'half' }, half);
    this.#undecided.set({ stage: 'last-tenth' }, lastTenth);
  }

  receipt(kind: string, ms: number): void {
    this.#receipts.observe({ kind }, ms / 1000);
  }

  #gauges({ health, waiters, nowMs }: Sources): void {
    const simple: readonly [name: string, help: string, read: () => number][] = [
      ['countersign_log_size', 'Entries in the newest sealed head', () => health().sealedSize],
      ['countersign_projected_size', 'Entries in the read models', () => health().projectedSize],
      [
        'countersign_bindings',
        'Bindings in the log; NaN where only the ledger knows',
        () => health().bindings ?? Number.NaN,
      ],
      [
        'countersign_head_age_seconds',
        'Seconds since the newest head was sealed; NaN before the first',
        () => (nowMs() - (health().sealedAtMs ?? Number.NaN)) / 1000,
      ],
      ['countersign_waiters', 'Requests that wait for the ledger', waiters],
    ];
    for (const [name, help, read] of simple) {
      const gauge: Gauge = new Gauge({
        name,
        help,
        registers: [this.#registry],
        collect: () => {
          gauge.set(read());
        },
      });
    }
    const findings = new Gauge({
      name: 'countersign_findings',
      help: 'Findings that this process has stored since its start, by code',
      labelNames: ['code'],
      registers: [this.#registry],
      collect: () => {
        for (const [code, count] of health().findings ?? []) findings.set({ code }, count);
      },
    });
    const states = new Gauge({
      name: 'countersign_writer_state',
      help: '1 for the state that the writer is in',
      labelNames: ['state'],
      registers: [this.#registry],
      collect: () => {
        const { state: current } = health().writer;
        for (const state of WRITER_STATES) states.set({ state }, Number(state === current));
      },
    });
  }
}
