import { areEnough, isNamed, type ModelRule, type Voter } from './model-rule.ts';

const MINUTE_MS = 60_000;

interface Prompt {
  readonly minute: number;
  readonly to: (voter: Voter) => boolean;
}

/** What everybody was asked, in a list that nothing is taken out of. */
export class ModelPrompts {
  readonly #asked: Prompt[] = [];

  note(to: Prompt['to'], nowMs: number): void {
    this.#asked.push({ minute: minuteOf(nowMs), to });
  }

  /** Why nobody may be asked by this rule now. */
  refusal(
    rule: ModelRule,
    {
      voters,
      open,
      nowMs,
    }: { readonly voters: readonly Voter[]; readonly open: number; readonly nowMs: number },
  ): 'QUIET_HOURS' | 'REQUEST_OPEN' | 'PROMPTS_EXCEEDED' | undefined {
    const { quiet = [], openMax = Infinity, promptsMax = Infinity } = rule.asking ?? {};
    const minute = minuteOf(nowMs) % 1_440;
    if (quiet.some(([from, to]) => from <= minute && minute < to)) return 'QUIET_HOURS';
    if (open >= openMax) return 'REQUEST_OPEN';
    const named = voters.filter((voter) => isNamed(rule, voter));
    const rested = named.filter((voter) => this.#count(voter, nowMs) < promptsMax);
    const isAnyTired = rested.length < named.length;
    return isAnyTired && !areEnough(rule, rested) ? 'PROMPTS_EXCEEDED' : undefined;
  }

  /** Within this minute and the 59 before it. */
  #count(voter: Voter, nowMs: number): number {
    const since = minuteOf(nowMs) - 60;
    return this.#asked.filter(({ minute, to }) => minute > since && to(voter)).length;
  }
}

function minuteOf(timeMs: number): number {
  return Math.floor(timeMs / MINUTE_MS);
}
