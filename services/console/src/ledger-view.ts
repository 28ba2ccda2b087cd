import { eligibleFrom, mayApprove, quorumAt, type RequestAdmitted } from '@countersign/binding';
import { assuranceWords } from './assurance-words.ts';
import { breakGlassWords } from './break-glass-words.ts';
import type { CheckedDecision } from './decision-check.ts';
import { exact, h, paragraph, row, section, type Child } from './element.ts';
import { keyWords } from './key-words.ts';
import { plainWords, reversibilityWords } from './plain-words.ts';
import { quorumWords } from './quorum-words.ts';
import type { CheckedReview } from './review-check.ts';
import { span, timeLeft, utcTime } from './time-words.ts';

/** What the ledger itself says about a request, out of the entry that this page has checked. */
export class LedgerView {
  readonly element: HTMLElement;
  /** For the head of the page. */
  readonly headLeft: HTMLElement = h('span', { class: 'left' });
  readonly #progress: HTMLElement;
  readonly #left: HTMLElement;
  readonly #admission: RequestAdmitted;
  readonly #me: string;

  constructor({ admission, admissionIndex }: CheckedReview, me: string) {
    this.#admission = admission;
    this.#me = me;
    this.#progress = h('span', { class: 'progress' });
    this.#left = h('span', { class: 'left' });
    this.element = section(
      'From the ledger',
      { class: 'card ledger', id: 'ledger' },
      h(
        'dl',
        { class: 'lines' },
        row('Admitted', `${utcTime(admission.at)}, as entry ${admissionIndex} of the log`),
        row('Approvals', this.#progress),
        row('Rule', exact(admission.requirement.rule)),
        ...(admission.requirement.break_glass === undefined
          ? []
          : [row('BREAK-GLASS', breakGlassWords(admission.requirement.break_glass))]),
        row('Who may decide', this.#approvers()),
        ...quorumWords(admission.requirement).map((words) => row('Of whom', words)),
        ...(admission.escalates_at === undefined
          ? []
          : [row('Goes on to others', utcTime(admission.escalates_at))]),
        row('Who may not approve', this.#excluded()),
        row('A person proves it by', proofWords(admission)),
        ...keyWords(admission.requirement).map((words) => row('And only', words)),
        row('Decide by', h('span', {}, `${utcTime(admission.decide_by)} `, this.#left)),
        row('If approved', useWords(admission)),
        row(
          'Without an approval',
          assuranceWords(admission.executor.id, admission.requirement.assurance),
        ),
        row('Separation', separationWords(admission)),
        row('Undo', reversibilityWords(admission.reversibility)),
        ...(admission.supersedes === undefined
          ? []
          : [row('Replaces the request', exact(admission.supersedes))]),
        ...(admission.demo
          ? [row('Kind of ledger', 'A demonstration: no verifier accepts it')]
          : []),
      ),
    );
    this.tick();
  }

  tick(): void {
    const words = timeLeft(Date.parse(this.#admission.decide_by), Date.now());
    this.#left.textContent = `(${words})`;
    this.headLeft.textContent = `${words} to decide`;
  }

  /** Once it is decided, how much time was left is of no interest. */
  set isOpen(isOpen: boolean) {
    this.#left.hidden = !isOpen;
    this.headLeft.hidden = !isOpen;
  }

  /** The decisions are the server's word; what counts is checked by whoever runs the action. */
  decided(decisions: readonly CheckedDecision[]): void {
    const approvals = decisions.filter(({ verdict }) => verdict === 'approve');
    const persons = new Set(approvals.map(({ person }) => person));
    const needed = this.#admission.requirement.approvals;
    const mine = persons.has(this.#me) ? ', one of them yours' : '';
    this.#progress.textContent = `${persons.size} of ${needed}${mine} (as the server tells)`;
  }

  #approvers(): Child {
    const { approvers } = this.#admission.requirement;
    if (approvers === 'any') return 'Any enrolled person';
    return h(
      'ul',
      { class: 'plain' },
      ...approvers.map((person) => h('li', {}, this.#named(person))),
    );
  }

  #excluded(): Child {
    const { excluded } = this.#admission;
    if (excluded.length === 0) return 'Nobody is excluded';
    return h(
      'ul',
      { class: 'plain' },
      ...excluded.map(({ person, code }) => h('li', {}, this.#named(person), ` (${code})`)),
    );
  }

  #named(person: string): HTMLElement {
    return h('span', {}, exact(person), person === this.#me ? ' (you)' : undefined);
  }
}

export interface ApprovalBar {
  readonly code: string;
  /** When there is none any more, if nobody has decided by then. */
  readonly from?: string;
}

/** Why the ledger would not take an approval of this person now, or undefined when it would. */
export function approvalBar(
  admission: RequestAdmitted,
  person: string,
  { principals, nowMs }: { readonly principals: readonly string[]; readonly nowMs: number },
): ApprovalBar | undefined {
  const exclusion = admission.excluded.find((each) => each.person === person);
  if (exclusion !== undefined) return { code: exclusion.code };
  if (mayApprove(quorumAt(admission, nowMs), person) || principals.length > 0) return undefined;
  const from = eligibleFrom(admission, person, nowMs);
  return { code: 'NOT_ELIGIBLE', ...(from !== undefined && { from }) };
}

export function barWords({ code, from }: ApprovalBar): HTMLElement {
  if (from !== undefined) {
    return paragraph(`If nobody has decided by ${utcTime(from)}, you can. (${code})`);
  }
  const { meaning, advice } = plainWords(code);
  return paragraph(`${meaning} ${advice} (${code})`);
}

function useWords(admission: RequestAdmitted): string {
  const times = admission.max_uses === 1 ? 'once' : `up to ${admission.max_uses} times`;
  return `May be used ${times}, within ${span(admission.use_within_s)}, and must start within ${span(admission.start_within_s)} of its use`;
}

function separationWords({ separation }: RequestAdmitted): string {
  return separation === 'full'
    ? 'Full: who asks and who is answerable for the agent cannot approve'
    : 'Solo: the owner of the agent may approve. Verifiers accept this only if they allow it';
}

function proofWords({ requirement }: RequestAdmitted): string {
  const classes = requirement.proof_classes;
  const verified = classes.includes('up')
    ? 'A passkey or security key that is touched'
    : 'A passkey or security key that verifies them (PIN, finger or face)';
  // Whoever decides is to know who else could: a program can use such a key.
  return classes.includes('possession') ? `${verified}, or an SSH key in a file` : verified;
}
