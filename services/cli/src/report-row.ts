import type { Display } from '@countersign/descriptors';
import type { ActionCase } from '@countersign/report';
import type { Level } from '@countersign/verify';

/** What was found by verifying. The read models of a ledger are not asked for it. */
export type ProofState =
  | { readonly kind: 'evidence'; readonly outcome: 'VALID'; readonly level: Level }
  | {
      readonly kind: 'evidence';
      readonly outcome: 'REFUSED' | 'INDETERMINATE';
      readonly level: Level;
      readonly code: string;
    }
  /** What was not bound has no evidence: its entries stand in the log under the signed head, and that is all. */
  | { readonly kind: 'logged' };

/** One line of a report. */
export interface ReportRow {
  readonly action: ActionCase;
  readonly proof: ProofState;
  /** Rendered from the action whose digest was admitted; undefined where it was erased, is not here, or does not verify. */
  readonly shown: Display | undefined;
  /** By the index of the decision that was signed with it. */
  readonly rationales: ReadonlyMap<number, string>;
  /** Why nothing is shown, where nothing is. */
  readonly notShown: 'erased' | 'not here' | 'not verified' | undefined;
  /** Names in the folder of the report. */
  readonly evidenceFile: string | undefined;
  readonly statementFile: string | undefined;
}

export function proofWords(proof: ProofState): string {
  if (proof.kind === 'logged') return 'LOGGED';
  if (proof.outcome === 'VALID') return `VALID at level ${proof.level}`;
  return `${proof.outcome} ${proof.code}`;
}

export function notShownWords({ notShown, action }: ReportRow): string {
  switch (notShown) {
    case 'erased':
      return `The content was erased${action.erasedAt === undefined ? '' : ` at ${action.erasedAt}`}. The digests and the signatures of the persons are left.`;
    case 'not verified':
      return 'Nothing is shown of content that does not verify.';
    case 'not here':
      return 'The log holds digests, and no content was at hand.';
    case undefined:
      return '';
  }
}
