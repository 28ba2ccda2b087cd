export {
  formatArrival,
  openArrival,
  parseArrival,
  type Arrival,
  type PromiseTrust,
} from './arrival.ts';
export { PromiseWatch, type PromiseOutcome } from './promise-watch.ts';
export { LogAudit, type AuditFindings, type AuditOptions } from './audit.ts';
export { AuditError, type AuditCode } from './audit-error.ts';
export type { NearEnrolment, NotDerived, PendingRecovery } from './audit-facts.ts';
export type { CheckedTo, GivenHead, SeenHead } from './head-check.ts';
export type { TileSource } from './tile-source.ts';
