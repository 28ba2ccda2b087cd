import { shownWords, standingWords } from '@countersign/console';
import { proofWords, type ReportRow } from './report-row.ts';
import { terminalText } from './terminal-text.ts';

/** Between the lines of what was shown: a cell is one line, whatever reads it. */
const BETWEEN = ' | ';
/** With these a spreadsheet begins a formula; the wide ones are what some take for them. */
const FORMULA = /^[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]/u;

type Cell = string | number | undefined;

const COLUMNS: readonly (readonly [name: string, of: (row: ReportRow) => Cell])[] = [
  ['action_id', ({ action }) => action.actionId],
  ['type', ({ action }) => action.actionType],
  ['result', ({ action }) => action.end ?? 'open'],
  ['proof', ({ proof }) => proofWords(proof)],
  ['asked_by', ({ action }) => action.agent],
  ['agent_owner', ({ action }) => action.owner],
  ['asked_at', ({ action }) => action.askedAt],
  ['ended_at', ({ action }) => action.endedAt],
  ['decisions', decisionsOf],
  ['why', whyOf],
  ['shown', shownOf],
  ['agent_claims', claimsOf],
  ['executor', ({ action }) => action.executor],
  ['uses', ({ action }) => action.uses],
  ['last_result', ({ action }) => action.result],
  ['taken_back_at', ({ action }) => action.revokedAt],
  ['erased_at', ({ action }) => action.erasedAt],
  ['action_digest', ({ action }) => action.actionDigest],
  ['admission_index', ({ action }) => action.admission.index],
  ['binding_index', ({ action }) => action.binding?.index],
  ['evidence_file', ({ evidenceFile }) => evidenceFile],
  ['statement_file', ({ statementFile }) => statementFile],
];

/** RFC 4180: every cell in quotes, lines end in CR and LF. */
export function csvHeader(): string {
  return csvLine(COLUMNS.map(([name]) => name));
}

export function csvRow(row: ReportRow): string {
  return csvLine(COLUMNS.map(([, of]) => of(row)));
}

function csvLine(cells: readonly Cell[]): string {
  return `${cells.map((cell) => `"${cellText(cell ?? '').replaceAll('"', '""')}"`).join(',')}\r\n`;
}

/** What a spreadsheet would compute is text: an apostrophe before it says so, and is seen. */
function cellText(cell: string | number): string {
  const text = terminalText(String(cell));
  return FORMULA.test(text.trimStart()) ? `'${text}` : text;
}

function decisionsOf({ action: { decisions } }: ReportRow): string {
  return decisions
    .map(
      (decision) =>
        `${decision.verdict} ${decision.person}${standingWords(decision)} (${decision.proofClass}) ${decision.at}${shownWords(decision.claimedDwellMs)}`,
    )
    .join(BETWEEN);
}

function whyOf({ action: { decisions }, rationales }: ReportRow): string {
  return decisions.flatMap(({ index }) => rationales.get(index) ?? []).join(BETWEEN);
}

function shownOf({ shown, notShown }: ReportRow): string {
  if (shown === undefined) return `(${notShown ?? ''})`;
  return shown.lines.map(({ label, value }) => `${label}: ${value}`).join(BETWEEN);
}

function claimsOf({ shown }: ReportRow): string {
  return (shown?.claims ?? []).map(({ label, value }) => `${label}: ${value}`).join(BETWEEN);
}
