import { Counter, Gauge, type Registry } from 'prom-client';

/** What operators watch of witnesses. Labels are tenants, names of the policy and codes, so their number is bounded. */
export class WitnessMetrics {
  readonly #answers: Counter<'tenant' | 'witness' | 'outcome'>;
  readonly #alarms: Gauge<'tenant' | 'code'>;
  readonly #sizes = new Map<string, { readonly offered: number; readonly cosigned: number }>();

  constructor(registry: Registry) {
    const registers = [registry];
    this.#answers = new Counter({
      name: 'countersign_witness_answers_total',
      help: 'Heads offered to witnesses, by outcome: cosigned, ahead, contradicted or a code',
      labelNames: ['tenant', 'witness', 'outcome'],
      registers,
    });
    this.#alarms = new Gauge({
      name: 'countersign_witness_alarm',
      help: '1 once a witness, or what was offered to one, contradicts the log, by code',
      labelNames: ['tenant', 'code'],
      registers,
    });
    this.#gauge(registry, 'cosigned_size', {
      help: 'Entries under the newest head that a quorum of witnesses has cosigned',
      value: ({ cosigned }) => cosigned,
    });
    this.#gauge(registry, 'witness_lag_entries', {
      help: 'Entries under the newest head that was offered to witnesses and under no cosigned one',
      value: ({ offered, cosigned }) => Math.max(0, offered - cosigned),
    });
  }

  answered(of: {
    readonly tenant: string;
    readonly witness: string;
    readonly outcome: string;
  }): void {
    this.#answers.inc(of);
  }

  alarm(tenant: string, code: string): void {
    this.#alarms.set({ tenant, code }, 1);
  }

  offered(tenant: string, size: number): void {
    this.#sizes.set(tenant, { ...this.#of(tenant), offered: size });
  }

  cosigned(tenant: string, size: number): void {
    this.#sizes.set(tenant, { ...this.#of(tenant), cosigned: size });
  }

  #of(tenant: string): { offered: number; cosigned: number } {
    return this.#sizes.get(tenant) ?? { offered: 0, cosigned: 0 };
  }

  #gauge(
    registry: Registry,
    name: string,
    {
      help,
      value,
    }: {
      readonly help: string;
      readonly value: (sizes: { offered: number; cosigned: number }) => number;
    },
  ): void {
    const gauge: Gauge<'tenant'> = new Gauge({
      name: `countersign_${name}`,
      help,
      labelNames: ['tenant'],
      registers: [registry],
      collect: () => {
        for (const [tenant, sizes] of this.#sizes) gauge.set({ tenant }, value(sizes));
      },
    });
  }
}
