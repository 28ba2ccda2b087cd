import { resolve } from 'node:path';
import { fromUtf8, utf8 } from '@countersign/canonical';
import type { WebhookTarget } from '@countersign/projector';
import type { Command } from 'commander';
import { cliError } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { readGivenFile } from '../ledger-access.ts';
import type { WebhookTargets } from '../webhooks.ts';

export interface WebhookOptions {
  readonly findingsWebhook?: string;
  readonly findingsWebhookSecret?: string;
  readonly remindersWebhook?: string;
  readonly remindersWebhookSecret?: string;
}

const SECRET_CHARACTERS_MIN = 32;

export function addWebhookOptions(command: Command): Command {
  return command
    .option('--findings-webhook <url>', 'post each finding there', targetParser('findings'))
    .option('--findings-webhook-secret <file>', 'file of the secret that signs what is posted')
    .option(
      '--reminders-webhook <url>',
      'post there what is undecided after half of its time, after nine tenths, and once others may decide it',
      targetParser('reminders'),
    )
    .option('--reminders-webhook-secret <file>', 'file of the secret that signs what is posted');
}

/** @throws CliError USAGE, FILE_UNREADABLE, FILE_TOO_LARGE */
export async function webhookTargets(
  options: WebhookOptions,
  context: CliContext,
): Promise<WebhookTargets> {
  const { findingsWebhook, findingsWebhookSecret } = options;
  const { remindersWebhook, remindersWebhookSecret } = options;
  const findings = await targetOf('findings', context, findingsWebhook, findingsWebhookSecret);
  const reminders = await targetOf('reminders', context, remindersWebhook, remindersWebhookSecret);
  return {
    ...(findings !== undefined && { findings }),
    ...(reminders !== undefined && { reminders }),
  };
}

type Kind = keyof WebhookTargets;

async function targetOf(
  kind: Kind,
  { cwd }: CliContext,
  ...[url, path]: readonly [url: string | undefined, path: string | undefined]
): Promise<WebhookTarget | undefined> {
  const option = `--${kind}-webhook`;
  if (url === undefined && path === undefined) return undefined;
  if (url === undefined || path === undefined) {
    throw cliError('USAGE', `expected ${option} and ${option}-secret together`);
  }
  const secret = fromUtf8(await readGivenFile(resolve(cwd, path), 'secret')).trim();
  if (secret.length < SECRET_CHARACTERS_MIN) {
    const least = `${SECRET_CHARACTERS_MIN} characters or more`;
    throw cliError('USAGE', `${option}-secret: expected a secret of ${least} in ${path}`);
  }
  return { url, secret: utf8(secret) };
}

function targetParser(kind: Kind): (text: string) => string {
  return (text) => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    const isPlain = url?.username === '' && url.password === '' && url.hash === '';
    if (url !== undefined && isPlain && /^https?:$/.test(url.protocol)) return url.href;
    throw cliError('USAGE', `--${kind}-webhook: expected an address like https://siem/${kind}`);
  };
}
