export { ConnectorError, type ConnectorErrorCode } from './connector-error.ts';
export { readCloudTrail } from './records/cloudtrail.ts';
export { readEffectLines } from './records/effect-lines.ts';
export { readPostgresLog } from './records/postgres-log.ts';
export { readStatementEffects } from './records/statement-effects.ts';
export type { TargetRecord } from './records/target-record.ts';
