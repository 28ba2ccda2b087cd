import type { ActionCase } from '@countersign/report';
import type { Display } from '@countersign/descriptors';
import {
  parseEvidence,
  type Facts,
  type Level,
  type Outcome,
  type Verifier,
} from '@countersign/verify';
import { CliError } from './cli-error.ts';
import type { ProofState, ReportRow } from './report-row.ts';
import type { ReportSource } from './report-source.ts';

export interface ProofOptions {
  readonly verifier: Verifier;
  readonly level: Level;
  readonly allowDemo: boolean;
}

export type ProvenRow = Omit<ReportRow, 'evidenceFile' | 'statementFile'> & {
  readonly evidence: Uint8Array | undefined;
  readonly facts: Facts | undefined;
};

/** What of an action can be shown, and how far it is proven: by verifying, here and now. */
export async function provenRow(
  action: ActionCase,
  source: ReportSource,
  options: ProofOptions,
): Promise<ProvenRow> {
  return action.binding === undefined
    ? loggedRow(action, source)
    : boundRow(action, await source.evidence(action.actionId), options);
}

async function boundRow(
  action: ActionCase,
  evidence: Uint8Array | undefined,
  options: ProofOptions,
): Promise<ProvenRow> {
  const { level } = options;
  if (evidence === undefined) {
    return refusedRow(action, { outcome: 'INDETERMINATE', code: 'CONTENT_MISSING', level });
  }
  const { verifier, allowDemo } = options;
  const outcome = await verifier.verifyFile(evidence, { level, allowDemo });
  const { facts, code } = ofThisLog(outcome, action);
  if (facts === undefined) {
    const said = outcome.outcome === 'INDETERMINATE' ? 'INDETERMINATE' : 'REFUSED';
    return refusedRow(action, { outcome: said, code: code ?? '', level }, evidence);
  }
  return {
    action,
    proof: { kind: 'evidence', outcome: 'VALID', level },
    ...contentOf(evidence, action),
    evidence,
    facts,
  };
}

/** Evidence of another binding under the same id is none of this log, however well it is signed. */
function ofThisLog(
  { facts, code }: Outcome,
  { binding, actionId }: ActionCase,
): { readonly facts: Facts | undefined; readonly code: string | undefined } {
  const isOfIt =
    facts === undefined ||
    (facts.action_id === actionId &&
      facts.binding.leaf === binding?.leaf &&
      facts.binding.index === binding.index);
  return isOfIt ? { facts, code } : { facts: undefined, code: 'NOT_LOGGED' };
}

/** Of evidence that has been verified: the display in it is the one that the action renders to. */
function contentOf(
  file: Uint8Array,
  { decisions }: ActionCase,
): Pick<ReportRow, 'shown' | 'rationales' | 'notShown'> {
  const { display, content } = parseEvidence(file);
  const rationales = content.rationales.flatMap(({ decision, text }) =>
    decisions.flatMap(({ leaf, index }): [number, string][] =>
      leaf === decision ? [[index, text]] : [],
    ),
  );
  return {
    shown: display === null ? undefined : (display as unknown as Display),
    rationales: new Map(rationales),
    notShown: display === null ? 'erased' : undefined,
  };
}

function refusedRow(
  action: ActionCase,
  proof: Omit<Extract<ProofState, { readonly code: string }>, 'kind'>,
  evidence?: Uint8Array,
): ProvenRow {
  return {
    action,
    proof: { kind: 'evidence', ...proof },
    shown: undefined,
    rationales: new Map(),
    notShown: evidence === undefined ? 'not here' : 'not verified',
    evidence,
    facts: undefined,
  };
}

/** What was not bound: its content is compared with its admission, and there is no more to verify. */
async function loggedRow(action: ActionCase, source: ReportSource): Promise<ProvenRow> {
  const base = {
    action,
    evidence: undefined,
    facts: undefined,
    proof: { kind: 'logged' },
  } as const;
  const none = { ...base, shown: undefined, rationales: new Map<number, string>() };
  try {
    const review = await source.review(action.actionId);
    if (review === undefined) return { ...none, notShown: 'not here' };
    if (review.checked.admissionLeaf !== action.admission.leaf) {
      return { ...none, notShown: 'not verified' };
    }
    const rationales = review.decisions.flatMap(({ index, rationale }): [number, string][] =>
      rationale === null ? [] : [[index, rationale]],
    );
    const { display } = review.checked;
    return { ...base, shown: display, rationales: new Map(rationales), notShown: undefined };
  } catch (error) {
    if (!(error instanceof CliError) || error.exitCode !== 1) throw error;
    const isErased = error.code === 'CONTENT_ERASED' && action.erasedAt !== undefined;
    return { ...none, notShown: isErased ? 'erased' : 'not verified' };
  }
}
