import type { PlantedFault } from './planted-faults.ts';
import { simulate } from './simulation.ts';

/** undefined: none of them. */
export async function firstSeedThatFinds(
  { plant, found }: PlantedFault,
  first: number,
  last: number,
): Promise<number | undefined> {
  for (let seed = first; seed <= last; seed += 1) {
    const { broken } = await simulate({ seed, plant });
    if (broken !== undefined && found.includes(broken.code)) return seed;
  }
  return undefined;
}
