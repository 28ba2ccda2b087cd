import type { SeededChoice } from './seeded-choice.ts';

/** What is asked for. */
export type RequestKind = 'grant' | 'batch' | 'command';

/** What the people of one history do most: many things done once each come to little, so each history goes deep somewhere. */
export interface Bent {
  readonly requests: Readonly<Record<RequestKind, number>>;
  /** How often they ask for another policy, or press the switch, while something can be used. */
  readonly unrest: number;
  /** Whether they see what came of one thing before they begin the next: what leads to little but in several steps. */
  readonly isPatient: boolean;
}

const ANYTHING: Bent = {
  requests: { grant: 8, batch: 5, command: 9 },
  unrest: 0.04,
  isPatient: false,
};

const BENTS: readonly Bent[] = [
  ANYTHING,
  { ...ANYTHING, requests: { grant: 20, batch: 1, command: 1 } },
  { ...ANYTHING, requests: { grant: 1, batch: 20, command: 1 }, isPatient: true },
  { ...ANYTHING, requests: { grant: 1, batch: 1, command: 20 } },
  { ...ANYTHING, unrest: 0.2, isPatient: true },
];

/** By the seed itself: a draw would make another history of every seed. */
export function bentOf(seed: number): Bent {
  return BENTS[seed % BENTS.length] ?? ANYTHING;
}

export function someKind(random: SeededChoice, { requests }: Bent): RequestKind {
  return random.weighted(requests);
}
