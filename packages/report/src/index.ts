export type { ActionCase, CaseDecision, CaseEnd } from './action-case.ts';
export { formatEnvelope, openEnvelope, signedBytes, type EnvelopeKey } from './dsse.ts';
export { FiguresLog, type FiguresScope } from './figures-log.ts';
export { DecisionFigures, figuresJson, type FiguresJson, type PersonFigures } from './figures.ts';
export { PeriodLog, type PeriodTotals, type PlacedEntry, type ReportScope } from './period-log.ts';
export { ReportError, type ReportCode } from './report-error.ts';
export { formatStatement, parseStatement, type VerificationStatement } from './statement.ts';
export type { DecideTimes } from './time-to-decide.ts';
