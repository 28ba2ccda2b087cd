import { resolve } from 'node:path';
import { fromUtf8 } from '@countersign/canonical';
import type { IdentityConfig } from '@countersign/gateway';
import type { Command } from 'commander';
import { cliError } from '../cli-error.ts';
import { parseIssuer, readSubjectKey, requireSubjectKey } from '../company-accounts.ts';
import type { CliContext } from '../context.ts';
import type { DataFolder } from '../data-folder.ts';
import { readGivenFile } from '../ledger-access.ts';
import type { OpenData } from '../open-data.ts';

export interface IdentityOptions {
  readonly oidcIssuer?: string;
  readonly oidcClientId?: string;
  readonly oidcClientSecretFile?: string;
  readonly oidcReadGroup?: string;
}

/** docs/sign-in.md */
export function addIdentityOptions(command: Command): Command {
  return command
    .option(
      '--oidc-issuer <url>',
      'people sign in with an account of this OpenID Connect issuer to read',
      parseIssuer,
    )
    .option('--oidc-client-id <id>', 'what this ledger is called there')
    .option('--oidc-client-secret-file <file>', 'file of its secret; without it a public client')
    .option('--oidc-read-group <group>', 'who is in it reads without a passkey (default nobody)');
}

type Chosen = Omit<IdentityConfig, 'subjectKey'>;

/** How people sign in with a company account, where they do. @throws CliError USAGE, FILE_UNREADABLE, FILE_TOO_LARGE */
export async function chosenIdentity(
  options: IdentityOptions,
  { cwd }: Pick<CliContext, 'cwd'>,
): Promise<Chosen | undefined> {
  const { oidcIssuer: issuer, oidcClientId: clientId, oidcReadGroup: readGroup } = options;
  if (issuer === undefined || clientId === undefined) {
    const isNone = Object.entries(options).every(
      ([name, value]) => !isOidc(name) || value === undefined,
    );
    if (isNone) return undefined;
    throw cliError('USAGE', 'expected --oidc-issuer and --oidc-client-id together');
  }
  const clientSecret = await secretIn(options.oidcClientSecretFile, cwd);
  return {
    issuer,
    clientId,
    ...(clientSecret !== undefined && { clientSecret }),
    ...(readGroup !== undefined && { readGroup }),
  };
}

/**
 * With the key that accounts are compared by, which is made where there is none: in a folder that holds its ledger already, since a
 * first start takes no folder that holds anything. Closes the data when it cannot.
 *
 * @throws CliError KEY_FILE_INVALID, DISK_FULL
 */
export async function withSubjectKey(
  chosen: Chosen | undefined,
  { folder, broker }: Pick<OpenData, 'folder' | 'broker'>,
  randomBytes: CliContext['randomBytes'],
): Promise<IdentityConfig | undefined> {
  if (chosen === undefined) return undefined;
  try {
    return { ...chosen, subjectKey: await requireSubjectKey(folder, randomBytes) };
  } catch (error) {
    await broker.close();
    throw error;
  }
}

/**
 * As withSubjectKey, of a gateway apart: it is given the key of its ledger, for with one of its own it would know nobody.
 *
 * @throws CliError FILE_UNREADABLE, KEY_FILE_INVALID
 */
export async function withGivenKey(
  chosen: Chosen | undefined,
  folder: DataFolder,
): Promise<IdentityConfig | undefined> {
  if (chosen === undefined) return undefined;
  const subjectKey = await readSubjectKey(folder);
  if (subjectKey !== undefined) return { ...chosen, subjectKey };
  throw cliError('FILE_UNREADABLE', `expected the key of accounts at ${folder.subjectKey}`, {
    hint: 'copy it from the data folder where persons are invited (docs/sign-in.md)',
  });
}

function isOidc(name: string): boolean {
  return name.startsWith('oidc');
}

async function secretIn(path: string | undefined, cwd: string): Promise<string | undefined> {
  if (path === undefined) return undefined;
  const secret = fromUtf8(await readGivenFile(resolve(cwd, path), 'secret')).trim();
  if (secret !== '') return secret;
  throw cliError('USAGE', `--oidc-client-secret-file: expected a secret in ${path}`);
}
