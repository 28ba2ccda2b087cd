import { VOTERS, type Make, type Voter } from './model-rule.ts';

const HOUR_MS = 3_600_000;
export const RECOVERY = { quorum: 2, delay_h: 1 } as const;
/** schemas/formats/authority.md §13: for how long the link of a recovery works. */
const OPEN_MS = 168 * HOUR_MS;

/** Of the keys of one person: that of the founding, or the number of the letter that brought a later one. */
export type KeyNumber = number;
export const FOUNDING_KEY: KeyNumber = -1;
/** Nobody vouches for the first key of anybody else. */
export const FOUNDING_MAKES: Readonly<Partial<Record<Voter, Make>>> = {
  alice: 'acme one',
  bob: 'acme two',
  carol: 'other one',
};

interface HeldKey {
  readonly voter: Voter;
  readonly key: KeyNumber;
}

interface NewKey {
  readonly id: KeyNumber;
  readonly make: Make | undefined;
}

interface Recovery {
  readonly person: Voter;
  readonly opensMs: number;
}

/** One key for each person, until it is revoked or a recovery brings another one. */
export class ModelKeys {
  readonly #now = new Map<Voter, KeyNumber>(VOTERS.map((voter) => [voter, FOUNDING_KEY]));
  readonly #makes = new Map<KeyNumber, Make | undefined>();
  readonly #recoveries = new Map<number, Recovery>();

  /** Who can sign, in the order of their ids. */
  get holders(): readonly Voter[] {
    return VOTERS.filter((voter) => this.#now.has(voter));
  }

  of(voter: Voter): KeyNumber | undefined {
    return this.#now.get(voter);
  }

  isHeld({ voter, key }: HeldKey): boolean {
    return this.#now.get(voter) === key;
  }

  makeOf({ voter, key }: HeldKey): Make | undefined {
    return key === FOUNDING_KEY ? FOUNDING_MAKES[voter] : this.#makes.get(key);
  }

  revoke(voter: Voter): void {
    this.#now.delete(voter);
  }

  isRecovered(person: Voter, nowMs: number): boolean {
    return [...this.#recoveries.values()].some(
      (each) => each.person === person && each.opensMs + OPEN_MS >= nowMs,
    );
  }

  isRecovery(id: number): boolean {
    return this.#recoveries.has(id);
  }

  start(id: number, person: Voter, nowMs: number): void {
    this.#recoveries.set(id, { person, opensMs: nowMs + RECOVERY.delay_h * HOUR_MS });
  }

  cancel(id: number): void {
    this.#recoveries.delete(id);
  }

  enrol(
    id: number,
    key: NewKey,
    nowMs: number,
  ): 'accepted' | 'INVITATION_INVALID' | 'RECOVERY_NOT_DUE' {
    const recovery = this.#recoveries.get(id);
    if (recovery === undefined || recovery.opensMs + OPEN_MS < nowMs) return 'INVITATION_INVALID';
    if (nowMs < recovery.opensMs) return 'RECOVERY_NOT_DUE';
    this.#now.set(recovery.person, key.id);
    this.#makes.set(key.id, key.make);
    for (const [each, { person }] of this.#recoveries) {
      if (person === recovery.person) this.#recoveries.delete(each);
    }
    return 'accepted';
  }
}
