/** @returns the value below which `share` (0..1) of the samples lie; 0 for none. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** Two digits are what these measurements are worth. */
export function rounded(value: number, digits = 2): number {
  return Number(value.toFixed(digits));
}
