import type { AloneFigures, LoadFigures } from './measure.ts';
import type { SizeFigures } from './sizes.ts';

export interface ClusterReport {
  readonly machine: {
    readonly node: string;
    readonly cores: number;
    /** Average load of the machine over 1, 5 and 15 minutes, before the run and after it. */
    readonly load: readonly (readonly number[])[];
    readonly at: string;
    readonly versions: Readonly<Record<string, string>>;
  };
  readonly alone: AloneFigures;
  readonly load: readonly LoadFigures[];
  readonly sizes: SizeFigures;
}

type Row = readonly (string | number)[];

/** In Markdown, as docs/benchmarks.md has it. */
export function clusterTables({ machine, alone, load, sizes }: ClusterReport): string {
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`);
  const loads = machine.load.map((each) => each.join(' ')).join(', after it ');
  return [
    `${machine.at}, ${machine.cores} cores, load average before it ${loads}; Node ${machine.node}, ${versions.join(', ')}`,
    '',
    ...table(
      [
        'decision → published binding',
        'bindings/s',
        'p50 ms',
        'p99 ms',
        'KMS calls a binding',
        'moto p50 ms',
        'bare copy, records/s',
        'bare copy, bindings/s',
        'ratio',
      ],
      load.map((each) => [
        `${each.shards} ${each.shards === 1 ? 'shard' : 'shards'}, ${each.processes} ledger ${each.processes === 1 ? 'process' : 'processes'}, ${each.in_flight} in flight, ${each.bindings} bindings`,
        each.per_second,
        each.p50_ms,
        each.p99_ms,
        each.kms.calls_per_binding,
        each.kms.p50_ms,
        each.bare.records_per_second,
        each.bare.bindings_per_second,
        each.ratio,
      ]),
    ),
    '',
    ...table(
      ['one at a time', 'p50 ms', 'p99 ms', 'KMS calls a binding', 'moto p50 ms'],
      [
        [
          `${alone.decisions} decisions`,
          alone.p50_ms,
          alone.p99_ms,
          alone.kms.calls_per_binding,
          alone.kms.p50_ms,
        ],
        ['without the wait for moto', alone.without_kms_p50_ms, alone.without_kms_p99_ms, '', ''],
      ],
    ),
    '',
    ...sizeTables(sizes),
  ].join('\n');
}

function sizeTables(sizes: SizeFigures): string[] {
  const { actions, topics, on_disk: disk, postgres, remembered } = sizes;
  const total = (of: Readonly<Record<string, number>>): number =>
    Object.values(of).reduce((sum, each) => sum + each, 0);
  const rows = (of: Readonly<Record<string, number>>): Row[] =>
    Object.entries(of).toSorted(([, a], [, b]) => b - a);
  return [
    ...table(
      [`${actions} actions, request to report`, 'an action', 'mean bytes', 'bytes an action'],
      topics.map((each) => [
        `${each.where}: ${each.what}`,
        each.per_action,
        each.mean_bytes,
        each.bytes_per_action,
      ]),
    ),
    '',
    ...table(
      ['on the disk of one broker', 'bytes an action'],
      [...rows(disk), ['all', total(disk)]],
    ),
    '',
    ...table(
      ['PostgreSQL table, with indexes', 'bytes an action'],
      [...rows(postgres), ['all', total(postgres)]],
    ),
    '',
    `Heap of a writer for each action that it remembers: ${remembered} bytes.`,
  ];
}

function table(head: readonly string[], rows: readonly Row[]): string[] {
  const all = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, column) =>
    Math.max(4, ...all.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join(' | ')} |`;
  const rule = widths.map((width, at) =>
    at === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  const [first = [], ...others] = all;
  return [line(first), `| ${rule.join(' | ')} |`, ...others.map(line)];
}
