import type { FoundedLedger } from '../support/founded-ledger.ts';
import { percentile, rounded } from './percentile.ts';

export interface InclusionFigures {
  readonly leaves: number;
  readonly proofs: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
}

/** How long the read models take for a proof of any entry at the newest head, one after the other. */
export async function measureInclusion(
  ledger: FoundedLedger,
  proofs: number,
): Promise<InclusionFigures> {
  const size = ledger.writer.status.sealedSize;
  const latencies: number[] = [];
  for (let at = 0; at < proofs; at += 1) {
    const index = Math.floor(Math.random() * size);
    const began = performance.now();
    await ledger.projector.proofs.inclusion(index, size);
    latencies.push(performance.now() - began);
  }
  return {
    leaves: size,
    proofs,
    p50_ms: rounded(percentile(latencies, 0.5)),
    p99_ms: rounded(percentile(latencies, 0.99)),
  };
}
