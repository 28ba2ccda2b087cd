import { VOTERS, type Voter } from './model-rule.ts';

export interface ModelDeputy {
  readonly principal: Voter;
  readonly deputy: Voter;
  readonly fromMs: number;
  readonly toMs: number;
  /** Or for payments, which nobody here asks for. */
  readonly isOfCommands: boolean;
}

/** Who decides in whose place: one deputy for each person. */
export class ModelDeputies {
  readonly #of = new Map<Voter, ModelDeputy>();

  name(named: ModelDeputy): void {
    this.#of.set(named.principal, named);
  }

  /** Whether there was one. */
  revoke(principal: Voter): boolean {
    return this.#of.delete(principal);
  }

  isNamed(principal: Voter): boolean {
    return this.#of.has(principal);
  }

  /** Whether it is said of somebody that they decide in another's place, at any time and of anything. */
  isAnybodys(deputy: Voter): boolean {
    return [...this.#of.values()].some((each) => each.deputy === deputy);
  }

  /** Until when somebody decides about commands in another's place; undefined when not now. */
  endMs({ deputy, principal, nowMs }: Standing): number | undefined {
    const named = this.#of.get(principal);
    const isNow = named !== undefined && named.fromMs <= nowMs && nowMs <= named.toMs;
    return isNow && named.deputy === deputy && named.isOfCommands ? named.toMs : undefined;
  }

  /** In whose place somebody may decide now, in the order of their ids. */
  principals(deputy: Voter, nowMs: number): readonly Voter[] {
    return VOTERS.filter((principal) => this.endMs({ deputy, principal, nowMs }) !== undefined);
  }
}

interface Standing {
  readonly deputy: Voter;
  readonly principal: Voter;
  readonly nowMs: number;
}
