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
  readonly bare_p256_per_second: readonly [number, number];
  readonly decisions: readonly DecisionFigures[];
  readonly verifications: readonly VerificationFigures[];
  readonly inclusion: InclusionFigures;
  readonly peer: PeerFigures | NotMeasured;
}

type Row = readonly (string | number)[];

/** All figures beside what the same machine did bare in the same run: only the ratios mean something elsewhere. */
export function tableOf(report: Report): string {
  const { machine, bare_p256_per_second: bare } = report;
  const perBare = (rate: number): number => rounded(rate / ((bare[0] + bare[1]) / 2), 3);
  return [
    `Node ${machine.node}, ${machine.cores} cores, load ${machine.load.join(' ')}, ${machine.at}`,
    `Bare P-256 verifies on one core: ${bare[0]}/s before, ${bare[1]}/s after`,
    '',
    ...aligned([
      ['decision → receipt', 'per second', 'p50 ms', 'p99 ms', 'of bare P-256'],
      ...report.decisions.map((each): Row => [
        `${each.in_flight} in flight, SQLite`,
        each.per_second,
        each.p50_ms,
        each.p99_ms,
        perBare(each.per_second),
      ]),
      peerRow(report.peer, perBare),
    ]),
    '',
    ...aligned([
      ['offline verification', 'files/s', 'of bare', 'in memory/s', 'of bare'],
      ...report.verifications.map((each): Row => [
        `level ${each.level}, ${each.in_flight} at a time`,
        each.files_per_second,
        perBare(each.files_per_second),
        each.per_second,
        perBare(each.per_second),
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
