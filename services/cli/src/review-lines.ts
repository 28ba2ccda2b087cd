import type { CheckedDecision, CheckedReview, PolicyChange } from '@countersign/console';
import {
  assuranceWords,
  breakGlassWords,
  keyWords,
  quorumWords,
  shownWords,
  standingWords,
  timeLeft,
  utcTime,
  worstCase,
} from '@countersign/console';
import type { DisplayLine, DisplayMark } from '@countersign/descriptors';

const MARKS: Readonly<Record<DisplayMark, string>> = {
  warning: '!',
  added: '+',
  removed: '-',
  code: ' ',
};

/**
 * Everything that a person decides about, from what was computed here out of the action's own bytes; warnings first.
 * What the agent claims stands behind a bar, in a part of its own.
 */
export function reviewLines(
  checked: CheckedReview,
  told: {
    readonly decisions: readonly CheckedDecision[];
    readonly nowMs: number;
    readonly change?: PolicyChange | undefined;
  },
): string[] {
  const { display, steps } = checked;
  const worst = worstCase(display);
  return [
    '',
    ...headLines(checked, told.nowMs),
    ...part('AT WORST', worst === undefined ? [] : [`  ! ${worst}`]),
    ...part(
      'LOOK CLOSELY',
      display.warnings.map((warning) => `  ! ${warning}`),
    ),
    ...part('WHAT WILL BE DONE', display.lines.map(markedLine)),
    ...part('WHAT CHANGES AGAINST THE POLICY IN FORCE', changeLines(told.change)),
    ...part(
      'WHAT THE AGENT CLAIMS, AND NOBODY HAS CHECKED',
      display.claims.map((line) => lineOf(line, '|')),
    ),
    ...part(
      'WHAT IS NOT SHOWN HERE',
      display.not_covered.map((text) => `  - ${text}`),
    ),
    ...part('WHAT IT TAKES', requirementLines(checked)),
    ...part('WHO HAS DECIDED', told.decisions.map(decisionLine)),
    ...part(
      'COMPUTED ON THIS MACHINE, AND EQUAL TO THE LOG',
      steps.map(({ name, value }) => `  ${name}: ${value}`),
    ),
    '',
  ];
}

function headLines({ display, admission }: CheckedReview, nowMs: number): string[] {
  const { agent, decide_by, demo, separation } = admission;
  const { break_glass: glass } = admission.requirement;
  const left = timeLeft(Date.parse(decide_by), nowMs);
  return [
    `REQUEST ${admission.action_id}`,
    `  ${display.title}`,
    `  asked by ${agent.id}, for which ${agent.owner} answers`,
    `  decide by ${utcTime(decide_by)}: ${left}`,
    ...(separation === 'solo' ? ['  solo: the owner of the agent may approve'] : []),
    ...(demo ? ['  the ledger is a demonstration'] : []),
    ...(glass === undefined ? [] : [`  BREAK-GLASS: ${breakGlassWords(glass)}`]),
  ];
}

/** Beside what is signed for: that is the whole new policy. */
function changeLines(change: PolicyChange | undefined): readonly string[] {
  if (change === undefined) return [];
  const { index, at, lines } = change;
  return [
    `  which entry ${index} has set at ${utcTime(at)}; that none was set since, the ledger says`,
    ...(lines.length === 0 ? ['  nothing: it is the same policy'] : lines.map(markedLine)),
  ];
}

function part(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', title, ...lines];
}

function markedLine(line: DisplayLine): string {
  return lineOf(line, MARKS[line.mark ?? 'code']);
}

function lineOf({ label, value }: DisplayLine, mark: string): string {
  return `  ${mark} ${label}: ${value}`;
}

function requirementLines({ admission }: CheckedReview): string[] {
  const { requirement, max_uses, use_within_s, escalates_at: from } = admission;
  const { approvals, approvers, proof_classes } = requirement;
  return [
    `  ${approvals} approval(s) by ${approvers === 'any' ? 'any natural person' : approvers.join(', ')}`,
    ...quorumWords(requirement).map((words) => `  ${words}`),
    ...(from === undefined ? [] : [`  which is at ${utcTime(from)}`]),
    `  proof class ${proof_classes.join(' or ')}, rationale ${requirement.rationale}`,
    ...keyWords(requirement).map((words) => `  ${words}`),
    `  once approved: ${max_uses} use(s) within ${use_within_s} s`,
    `  around it: ${assuranceWords(admission.executor.id, requirement.assurance)}`,
  ];
}

function decisionLine(decision: CheckedDecision): string {
  const { person, verdict, at, rationale, claimedDwellMs } = decision;
  const why = rationale === null ? 'reason not here' : JSON.stringify(rationale);
  return `  ${person}${standingWords(decision)}: ${verdict}, ${utcTime(at)}${shownWords(claimedDwellMs)}: ${why}`;
}
