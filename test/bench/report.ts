import type { BareFigures } from './bare-crypto.ts';
import type { DecisionFigures } from './decisions.ts';
import type { InclusionFigures } from './inclusion.ts';
import type { NotMeasured, PeerFigures } from './peer.ts';
import { rounded } from './percentile.ts';
import type { VerificationFigures } from './verifications.ts';

export interface Report {
  readonly machine: {
    readonly node: string;
    readonly cores: number;
    /** Average load of the machine over 1, 5 and 15 minutes, our own included. */
    readonly load: readonly number[];
    readonly at: string;
  };
  /** On one core, before the rest and after it. */
  readonly bare_p256: readonly [BareFigures, BareFigures];
  readonly decisions: readonly DecisionFigures[];
  readonly verifications: readonly VerificationFigures[];
  readonly inclusion: InclusionFigures;
  readonly peer: PeerFigures | NotMeasured;
}

type Row = readonly (string | number)[];

/** All figures beside what the same machine did bare in the same run: only the ratios mean something elsewhere. */
export function tableOf(report: Report): string {
  const { machine, bare_p256: bare } = report;
  const [before, after] = bare;
  const perBare = (rate: number): number =>
    rounded((2 * rate) / (before.per_second + after.per_second), 3);
  const inBare = (cpuUs: number): number =>
    rounded((2 * cpuUs) / (before.cpu_us + after.cpu_us), 1);
  return [
    `Node ${machine.node}, ${machine.cores} cores, load ${machine.load.join(' ')}, ${machine.at}`,
    'Bare P-256 verifies on one core, before the rest and after it: ' +
      `${before.per_second}/s (${before.cpu_us} µs of processor each), ` +
      `${after.per_second}/s (${after.cpu_us} µs)`,
    '',
    ...aligned([
      [
        'decision → receipt',
        'per second',
        'p50 ms',
        'p99 ms',
        'of bare P-256',
        'CPU µs',
        'CPU in bare',
      ],
      ...report.decisions.map((each): Row => [
        `${each.in_flight} in flight, SQLite`,
        each.per_second,
        each.p50_ms,
        each.p99_ms,
        perBare(each.per_second),
        each.cpu_us,
        inBare(each.cpu_us),
      ]),
      peerRow(report.peer, perBare),
    ]),
    '',
    ...aligned([
      [
        'offline verification',
        'files/s',
        'of bare',
        'CPU in bare',
        'in memory/s',
        'of bare',
        'CPU in bare',
      ],
      ...report.verifications.map((each): Row => [
        `level ${each.level}, ${each.in_flight} at a time`,
        each.files_per_second,
        perBare(each.files_per_second),
        inBare(each.files_cpu_us),
        each.per_second,
        perBare(each.per_second),
        inBare(each.cpu_us),
      ]),
    ]),
    '',
    ...aligned([
      ['inclusion proof', 'proofs', 'p50 ms', 'p99 ms'],
      [
        `${report.inclusion.leaves} leaves, SQLite`,
        report.inclusion.proofs,
        report.inclusion.p50_ms,
        report.inclusion.p99_ms,
      ],
    ]),
  ].join('\n');
}

function peerRow(peer: PeerFigures | NotMeasured, perBare: (rate: number) => number): Row {
  return 'not_measured' in peer
    ? [`Tessera: not measured: ${peer.not_measured}`]
    : [
        `${peer.in_flight} in flight, ${peer.name}`,
        peer.per_second,
        peer.p50_ms,
        peer.p99_ms,
        perBare(peer.per_second),
      ];
}

/** The first column to the left, figures to the right. */
function aligned(rows: readonly Row[]): string[] {
  const widthOf = (column: number): number =>
    Math.max(
      ...rows.filter((row) => row.length > 1).map((row) => String(row[column] ?? '').length),
    );
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? String(cell).padEnd(widthOf(0)) : String(cell).padStart(widthOf(column) + 2),
      )
      .join(''),
  );
}
