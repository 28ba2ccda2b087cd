import type { BrokenGlass } from '@countersign/binding';

/** `01K… by agent fixer at …, entry 7: nobody has reviewed it in time`. */
export function unreviewedWords({ actionId, agent, at, index, overdueIndex }: BrokenGlass): string {
  const state =
    overdueIndex === undefined ? 'waits for its review' : 'nobody has reviewed it in time';
  return `${actionId} by agent ${agent} at ${at}, entry ${index}: ${state}`;
}
