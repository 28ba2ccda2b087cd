export type { ActionCase, CaseDecision, CaseEnd } from './action-case.ts';
export { formatEnvelope, openEnvelope, signedBytes, type EnvelopeKey } from './dsse.ts';
export type { PersonFigures } from './figures.ts';
export { PeriodLog, type PeriodTotals, type ReportScope } from './period-log.ts';
export { ReportError, type ReportCode } from './report-error.ts';
export { formatStatement, parseStatement, type VerificationStatement } from './statement.ts';
export type { DecideTimes } from './time-to-decide.ts';
