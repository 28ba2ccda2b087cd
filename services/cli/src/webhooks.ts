import {
  FindingWebhook,
  ReminderWebhook,
  type LogProofs,
  type WebhookTarget,
} from '@countersign/projector';
import type { ReadModels } from '@countersign/store';

/** Who is told of findings, and who of requests that nobody has decided yet. */
export interface WebhookTargets {
  readonly findings?: WebhookTarget;
  readonly reminders?: WebhookTarget;
}

interface Told {
  readonly store: ReadModels;
  readonly proofs: LogProofs;
  readonly origin: string;
  readonly tenant: string;
  readonly nowMs: () => number;
}

export type Webhook = Pick<FindingWebhook, 'run' | 'stop' | 'away'>;

export function newWebhooks({ findings, reminders }: WebhookTargets, of: Told): readonly Webhook[] {
  return [
    ...(findings === undefined ? [] : [new FindingWebhook({ ...of, target: findings })]),
    ...(reminders === undefined ? [] : [new ReminderWebhook({ ...of, target: reminders })]),
  ];
}

/** Why what is due is not told yet. */
export function awayCode(webhooks: readonly Webhook[]): string | undefined {
  return webhooks.find(({ away }) => away !== undefined)?.away;
}
