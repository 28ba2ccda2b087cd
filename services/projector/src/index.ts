export { Projector, type ProjectorOptions, type ProjectorStatus } from './projector.ts';
export { ProjectorError, type ProjectorErrorCode } from './projector-error.ts';
export { LogHeads } from './log-heads.ts';
export {
  FindingWebhook,
  type FindingWebhookOptions,
  type WebhookTarget,
} from './finding-webhook.ts';
export { LogProofs } from './log-proof.ts';
export { StoreView, type StoreViewOptions, type StoreViewStatus } from './store-view.ts';
export type { AnsweredEntry, InputAnswer } from './sealed-answer.ts';
export { LogTiles } from './log-tiles.ts';
