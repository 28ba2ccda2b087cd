export { Projector, type ProjectorOptions, type ProjectorStatus } from './projector.ts';
export { ProjectorError, type ProjectorErrorCode } from './projector-error.ts';
export { LogProofs } from './log-proof.ts';
export type { AnsweredEntry, InputAnswer } from './sealed-answer.ts';
