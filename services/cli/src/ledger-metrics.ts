import { Counter, Histogram, type Registry } from 'prom-client';
import type { LogSigner } from './backends.ts';
import type { ProbeGauge } from './process-probe.ts';
import type { ShardStatus } from './shard-status.ts';

const SIGN_BUCKETS_S = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const BATCH_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 2_048, 4_096, 10_000];

/** What operators watch of the writers of a process. Labels are tenants and codes, so their number is bounded. */
export class LedgerMetrics {
  readonly #signs: Histogram<'tenant' | 'outcome'>;
  readonly #batches: Histogram<'tenant'>;
  readonly #checks: Counter<'tenant' | 'outcome'>;
  readonly #nowMs: () => number;
  /** When the newest head of each tenant was first seen to be sealed. */
  readonly #sealed = new Map<string, { readonly size: number; readonly atMs: number }>();

  constructor(registry: Registry, nowMs: () => number) {
    const registers = [registry];
    this.#nowMs = nowMs;
    this.#signs = new Histogram({
      name: 'countersign_sign_seconds',
      help: 'Calls of the signer of the log, failed ones included, by outcome: ok or a code',
      labelNames: ['tenant', 'outcome'],
      buckets: SIGN_BUCKETS_S,
      registers,
    });
    this.#batches = new Histogram({
      name: 'countersign_batch_entries',
      help: 'Entries of each batch of this process that became part of the log',
      labelNames: ['tenant'],
      buckets: BATCH_BUCKETS,
      registers,
    });
    this.#checks = new Counter({
      name: 'countersign_signer_checks_total',
      help: 'Questions to an idle signer whether it is there, by outcome: ok or a code; no signature is made for them',
      labelNames: ['tenant', 'outcome'],
      registers,
    });
  }

  signerChecked(tenant: string, outcome: string): void {
    this.#checks.inc({ tenant, outcome });
  }

  /** The same signer, each call of which is measured. */
  timed(tenant: string, signer: LogSigner): LogSigner {
    return {
      ...signer,
      sign: async (message) => {
        const end = this.#signs.startTimer({ tenant });
        try {
          const signature = await signer.sign(message);
          end({ outcome: 'ok' });
          return signature;
        } catch (error) {
          end({
            outcome: error instanceof Error && 'code' in error ? String(error.code) : 'UNKNOWN',
          });
          throw error;
        }
      },
    };
  }

  batch(tenant: string, entries: number): void {
    this.#batches.observe({ tenant }, entries);
  }

  /** To be called every now and then: a head is as old as the first look that saw it. */
  noteSealed(all: readonly ShardStatus[]): void {
    for (const { tenant, sealedSize } of all) {
      if (sealedSize === 0 || this.#sealed.get(tenant)?.size === sealedSize) continue;
      this.#sealed.set(tenant, { size: sealedSize, atMs: this.#nowMs() });
    }
  }

  gauges(read: () => readonly ShardStatus[]): ProbeGauge[] {
    return shardGauges(read, ({ tenant }) => {
      const atMs = this.#sealed.get(tenant)?.atMs;
      return atMs === undefined ? undefined : (this.#nowMs() - atMs) / 1000;
    });
  }
}

type Value = (status: ShardStatus) => number | undefined;

function shardGauges(read: () => readonly ShardStatus[], sealAge: Value): ProbeGauge[] {
  const of = (name: string, help: string, value: Value): ProbeGauge => ({
    name: `countersign_${name}`,
    help,
    labels: ['tenant'],
    read: () =>
      read().flatMap((status) => {
        const got = value(status);
        return got === undefined ? [] : [{ labels: { tenant: status.tenant }, value: got }];
      }),
  });
  const ours =
    (value: Value): Value =>
    (status) =>
      status.state === 'idle' ? undefined : value(status);
  return [
    {
      name: 'countersign_writer_state',
      help: '1 for the state that the writer is in; idle where another process writes',
      labels: ['tenant', 'state'],
      read: () => read().map(({ tenant, state }) => ({ labels: { tenant, state }, value: 1 })),
    },
    of('shard_assigned', '1 where this process has the shard', (s) => Number(s.state !== 'idle')),
    of('log_size', 'Entries in the newest sealed head', ({ sealedSize }) => sealedSize),
    of('log_accepted_size', 'Entries in the log, sealed or not', (s) => s.acceptedSize),
    of(
      'unsealed_entries',
      'Entries of the log under no signed head yet',
      ours((s) => s.acceptedSize - s.sealedSize),
    ),
    of(
      'signer_away',
      '1 while a signer that nothing waits for does not answer',
      ours((s) => Number(s.signerAway !== undefined)),
    ),
    of('seal_age_seconds', 'Seconds since the newest head was sealed', ours(sealAge)),
    of('intake_offset', 'Next input to decide', ({ intakeOffset }) => intakeOffset),
    of('intake_lag', 'Inputs that wait to be decided', ours(lagOf)),
    of('bindings', 'Bindings in the log', ({ counts }) => counts?.bindings),
    of('lost_batches', 'Batches that another writer came before', (s) => s.counts?.lostBatches),
    of(
      'ignored_batches',
      'Batches in the topic that are not of the log',
      (s) => s.counts?.ignoredBatches,
    ),
    of('quarantined_inputs', 'Inputs of nobody known', ({ counts }) => counts?.quarantined),
  ];
}

function lagOf({ intakeEnd, intakeOffset }: ShardStatus): number | undefined {
  return intakeEnd === undefined ? undefined : Math.max(0, intakeEnd - intakeOffset);
}
