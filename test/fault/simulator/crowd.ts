import { formatTimestamp } from '@countersign/canonical';
import {
  type Fit,
  isDecidable,
  isLeft,
  isOfCompany,
  isOfMembers,
  isOutside,
  isUsable,
} from './action-fit.ts';
import { change, keyLost, loss, pin, policySet, recovery, tie, UNPINNED } from './change-choice.ts';
import { ISSUER } from './company.ts';
import { CrowdState } from './crowd-state.ts';
import { decideFor, early, misdecide, signFor, someDecision } from './decision-choice.ts';
import { enrol, invitation } from './enrolment-choice.ts';
import { again, junk } from './junk-choice.ts';
import type { OracleAction } from './oracle-action.ts';
import { conflict, request } from './request-choice.ts';
import { isReviewable, someReview } from './review-choice.ts';
import { erase, find, misuse, race, report, use } from './use-choice.ts';

/** So many ids of requests, uses and guests. */
const RECOVERY_EVERY = 16;

const RECOVERIES: ReadonlySet<string> = new Set(['authority.recovery', 'authority.cancel']);

type Deed =
  | 'request'
  | 'conflict'
  | 'change'
  | 'decide'
  | 'misdecide'
  | 'early'
  | 'revoke'
  | 'use'
  | 'misuse'
  | 'race'
  | 'report'
  | 'find'
  | 'erase'
  | 'enrol'
  | 'again'
  | 'junk';

const DEEDS: Readonly<Record<Deed, number>> = {
  request: 20,
  conflict: 3,
  change: 5,
  decide: 34,
  misdecide: 8,
  early: 5,
  revoke: 4,
  use: 18,
  misuse: 3,
  race: 6,
  report: 8,
  find: 3,
  erase: 4,
  enrol: 3,
  again: 12,
  junk: 4,
};

const TIGHTENS = /"kind":"(?:policy-set|credential-revoked)"/;

/** Agents, persons, executors and liars, who look at the log and do what comes to their mind. */
export class Crowd extends CrowdState {
  /** Begins one thing; answers what. */
  act(): string {
    if (this.world.population.hasMakers && this.#outfit()) return 'outfit';
    if (this.world.population.isCompany && this.#work()) return 'work';
    if (this.#switch()) return 'switch';
    if (this.#review()) return 'review';
    if (this.#tighten()) return 'tighten';
    if (this.#recover()) return 'recover';
    if (this.#standIn()) return 'stand-in';
    if (this.#pursue()) return 'pursue';
    for (let tries = 0; tries < 4; tries += 1) {
      const deed = this.#someDeed();
      if (!this.#do(deed)) continue;
      this.world.count(`deed ${deed}`);
      return deed;
    }
    return 'nothing';
  }

  /** Somebody presses the switch while something can still be used, and back again; whoever is there signs for it soon. */
  #switch(): boolean {
    const { random, rules } = this.world;
    const { isFrozen, epoch } = rules.freeze;
    const all = [...rules.actions.values()];
    const type = isFrozen ? 'authority.thaw' : 'authority.freeze';
    const asked = all.find(
      ({ status, admission }) => status === 'pending' && admission.action_type.name === type,
    );
    if (asked !== undefined) {
      if (!random.chance(isFrozen ? 0.6 : 0.4)) return false;
      return this.send(this.decision(this.person(), asked, { verdict: 'approve' }));
    }
    if (isFrozen) return random.chance(0.4) && change(this, { kind: 'thawed', epoch });
    const { unrest } = this.world.population.bent;
    return all.some(isUsable) && random.chance(unrest) && change(this, { kind: 'frozen' });
  }

  /** Somebody asks for another policy, or for the end of an approver's key, while something can be used; whoever is there signs for it soon. */
  #tighten(): boolean {
    const { random, rules, time } = this.world;
    const all = [...rules.actions.values()];
    const asked = all.find(
      ({ status, admission }) => status === 'pending' && TIGHTENS.test(admission.action ?? ''),
    );
    if (asked === undefined) {
      const usable = all.find((action) => isUsable(action) && isLeft(action, time.nowMs));
      const begun = usable ?? all.find(isDecidable);
      if (begun === undefined || !random.chance(this.world.population.bent.unrest)) return false;
      return change(this, random.chance(0.6) ? policySet(this) : keyLost(this, begun));
    }
    return random.chance(0.5) && signFor(this, asked);
  }

  /** At a company people come into its groups and leave them, and what is pinned of it changes; whoever is there signs for it soon. */
  #work(): boolean {
    const { random, rules, population, time } = this.world;
    const all = [...rules.actions.values()];
    const asked = all.find(({ status, admission }) => {
      const { name } = admission.action_type;
      return status === 'pending' && (name === 'authority.issuer' || name === 'authority.identity');
    });
    if (asked !== undefined) return random.chance(0.85) && signFor(this, asked);
    if (random.chance(0.06)) {
      this.world.count(`somebody ${this.tokens.move(random.of(population.persons))}`);
      return true;
    }
    const pending = all.filter((action) => action.status === 'pending' && isOfCompany(action));
    // Of these nobody but who signed the chain says anything.
    const vouched = pending.find((action) => !isOfMembers(action));
    const { isPinned, strays } = rules.company;
    if (vouched !== undefined && random.chance(0.5)) {
      return isPinned ? change(this, UNPINNED) : decideFor(this, vouched);
    }
    const [open] = pending;
    if (open !== undefined && random.chance(0.3)) return decideFor(this, open);
    const bound = all.find(
      (action) => isUsable(action) && isOfMembers(action) && isLeft(action, time.nowMs),
    );
    const [stray] = strays;
    const isLost = stray !== undefined || !isPinned;
    if (bound !== undefined && random.chance(0.5)) {
      return isLost ? use(this, bound, '1') : change(this, loss(this, bound));
    }
    if (isLost && random.chance(0.7)) {
      return change(this, stray === undefined ? pin(this) : tie(stray, ISSUER));
    }
    return random.chance(0.06) && change(this, invitation(this, random.of(population.persons).id));
  }

  /** Where rules name models of keys, people are asked to register such keys, which not all have. */
  #outfit(): boolean {
    const { random, rules, population } = this.world;
    const asked = [...rules.actions.values()].find(
      ({ status, admission }) =>
        status === 'pending' && admission.action?.includes('"kind":"person-invited"') === true,
    );
    if (asked !== undefined) return random.chance(0.7) && signFor(this, asked);
    const invited = this.invited.find(({ invitation }) => rules.isInvited(invitation.thumbprint));
    if (invited !== undefined) {
      return random.chance(0.7) && enrol(this, invited.invitation.thumbprint);
    }
    const known = population.persons.length;
    if (this.persons.length >= 2 * known || !random.chance(0.5)) return false;
    const person = population.persons[(this.persons.length + 1) % known];
    return change(this, invitation(this, person?.id));
  }

  /** Most people finish what was begun: who was invited enrols, what waits is decided, and what is bound is used. */
  #pursue(): boolean {
    const { random, rules, time } = this.world;
    const all = [...rules.actions.values()];
    const invited = this.invited.find(({ invitation }) => rules.isInvited(invitation.thumbprint));
    if (invited !== undefined && random.chance(0.3)) {
      return enrol(this, invited.invitation.thumbprint);
    }
    const isAny = random.chance(0.15);
    const left = all.filter((each) => isUsable(each) && (isAny || isLeft(each, time.nowMs)));
    const bound = random.ofOrNone(left);
    if (bound !== undefined && random.chance(0.4)) {
      const isUnreported = [...bound.uses.values()].some(({ result }) => result === undefined);
      return isUnreported && random.chance(0.5) ? report(this, bound) : use(this, bound, '1');
    }
    const open = random.ofOrNone(all.filter(({ status }) => status === 'pending'));
    return open !== undefined && random.chance(0.4) && decideFor(this, open);
  }

  /** Emergencies are looked at soon after; whoever had a part in one tries it too. */
  #review(): boolean {
    const { random, rules, time } = this.world;
    const all = [...rules.actions.values()];
    const open = all.filter((action) => !action.isReviewed && isReviewable(action, time.nowMs));
    const [first] = open;
    if (first === undefined || !random.chance(0.7)) return false;
    const asked = all.find(
      ({ status, admission }) =>
        status === 'pending' && admission.action_type.name === 'authority.review',
    );
    return asked === undefined ? change(this, someReview(random, first)) : signFor(this, asked);
  }

  /** Somebody lost a key, or says so; whoever is there signs for it soon. Begun by a number that is counted anyway, as emergencies are. */
  #recover(): boolean {
    const { random, rules, time } = this.world;
    const asked = [...rules.actions.values()].find(
      ({ status, admission }) => status === 'pending' && RECOVERIES.has(admission.action_type.name),
    );
    if (asked !== undefined) return random.chance(0.15) && signFor(this, asked);
    const [pending] = rules.recoveries.pending;
    if (pending !== undefined) {
      const [invitation, { person, opensMs }] = pending;
      if (opensMs < time.nowMs) return random.chance(0.5) && enrol(this, invitation);
      if (!random.chance(0.12)) return false;
      return change(this, { kind: 'recovery-cancelled', person, invitation });
    }
    if (this.serial < RECOVERY_EVERY * (this.recoveries + 0.5)) return false;
    this.recoveries += 1;
    return change(this, recovery(this));
  }

  /** Whom a rule names is away, and somebody whom it does not name decides in their place soon, and at times too late. */
  #standIn(): boolean {
    const { random, rules, time } = this.world;
    const open = [...rules.actions.values()].filter(({ status }) => status === 'pending');
    const asked = open.find(({ admission }) => admission.action?.includes('"deputy-') === true);
    if (asked !== undefined) return random.chance(0.5) && signFor(this, asked);
    for (const action of open) {
      const { approvers } = action.admission.requirement;
      const deputy = this.persons.find((person) => isOutside(action, person.id));
      if (approvers === 'any' || deputy === undefined) continue;
      const principal = approvers.find((each) => this.away.has(each)) ?? random.of(approvers);
      if (this.away.get(principal) === deputy.id) {
        if (!random.chance(0.35)) return random.chance(0.4) && someDecision(this, action, deputy);
        this.away.delete(principal);
        return change(this, { kind: 'deputy-revoked', principal });
      }
      if (!random.chance(0.4)) return false;
      this.away.set(principal, deputy.id);
      return change(this, {
        kind: 'deputy-named',
        principal,
        deputy: deputy.id,
        types: ['batch.generic.command', 'generic.command', 'payment.grant'],
        not_before: formatTimestamp(time.nowMs),
        not_after: formatTimestamp(time.nowMs + 60_000 * random.between(1, 30)),
      });
    }
    return false;
  }

  /** Whoever has something to run does not wait for the thaw, and goes on trying after it, and by another policy. */
  #someDeed(): Deed {
    const { random, rules } = this.world;
    if (rules.isRuledAnew && random.chance(0.5)) return 'use';
    if (rules.company.isShaken && random.chance(0.4)) return 'use';
    return rules.freeze.epoch > 0 && random.chance(0.5) ? 'use' : random.weighted(DEEDS);
  }

  #do(deed: Deed): boolean {
    const alone = this.#alone[deed];
    if (alone !== undefined) return alone();
    const action = this.#someAction(deed);
    return action !== undefined && (this.#about[deed]?.(action) ?? false);
  }

  readonly #alone: Readonly<Partial<Record<Deed, () => boolean>>> = {
    request: () => request(this),
    conflict: () => conflict(this),
    change: () => change(this),
    early: () => this.inBackground(early(this)),
    enrol: () => enrol(this),
    again: () => again(this),
    junk: () => junk(this),
  };

  readonly #about: Readonly<Partial<Record<Deed, (action: OracleAction) => boolean>>> = {
    decide: (action) => someDecision(this, action),
    misdecide: (action) => misdecide(this, action),
    revoke: (action) => this.send(this.decision(this.person(), action, { verdict: 'revoke' })),
    use: (action) => use(this, action, this.world.random.weighted({ '1': 6, '2': 2, '4': 1 })),
    misuse: (action) => misuse(this, action),
    race: (action) => race(this, action),
    report: (action) => report(this, action),
    find: (action) => find(this, action),
    erase: (action) => erase(this, action),
  };

  /** Mostly one that is where the deed makes sense, sometimes any. */
  #someAction(deed: Deed): OracleAction | undefined {
    const { random, rules } = this.world;
    const all = [...rules.actions.values()];
    const fitting = all.filter((action) => FITS[deed]?.(action) ?? true);
    return random.chance(0.85) ? random.ofOrNone(fitting) : random.ofOrNone(all.slice(-12));
  }
}

/** Where a deed makes sense; anywhere when nothing is said. */
const FITS: Readonly<Partial<Record<Deed, Fit>>> = {
  decide: ({ status }) => status === 'pending',
  misdecide: ({ status }) => status === 'pending',
  revoke: ({ status }) => status === 'pending' || status === 'bound',
  use: isUsable,
  misuse: isUsable,
  race: isUsable,
  report: ({ uses }) => uses.size > 0,
  erase: ({ status, isErased }) => status !== 'pending' && !isErased,
};
