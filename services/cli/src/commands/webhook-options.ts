import { resolve } from 'node:path';
import { fromUtf8, utf8 } from '@countersign/canonical';
import type { WebhookTarget } from '@countersign/projector';
import type { Command } from 'commander';
import { cliError } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { readGivenFile } from '../ledger-access.ts';

export interface WebhookOptions {
  readonly findingsWebhook?: string;
  readonly findingsWebhookSecret?: string;
}

const SECRET_CHARACTERS_MIN = 32;

export function addWebhookOptions(command: Command): Command {
  return command
    .option('--findings-webhook <url>', 'post each finding there', parseTarget)
    .option('--findings-webhook-secret <file>', 'file of the secret that signs what is posted');
}

/** @throws CliError USAGE, FILE_UNREADABLE, FILE_TOO_LARGE */
export async function webhookTarget(
  { findingsWebhook: url, findingsWebhookSecret: path }: WebhookOptions,
  { cwd }: CliContext,
): Promise<WebhookTarget | undefined> {
  if (url === undefined && path === undefined) return undefined;
  if (url === undefined || path === undefined) {
    throw cliError('USAGE', 'expected --findings-webhook and --findings-webhook-secret together');
  }
  const secret = fromUtf8(await readGivenFile(resolve(cwd, path), 'secret')).trim();
  if (secret.length < SECRET_CHARACTERS_MIN) {
    const least = `${SECRET_CHARACTERS_MIN} characters or more`;
    throw cliError('USAGE', `--findings-webhook-secret: expected a secret of ${least} in ${path}`);
  }
  return { url, secret: utf8(secret) };
}

function parseTarget(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = url?.username === '' && url.password === '' && url.hash === '';
  if (url !== undefined && isPlain && /^https?:$/.test(url.protocol)) return url.href;
  throw cliError('USAGE', '--findings-webhook: expected an address like https://siem/findings');
}
