import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { toBase64url } from '@countersign/canonical';
import { createLocalSignerKey } from '@countersign/signer-local';
import { CryptoError } from '@countersign/crypto-node';
import { cliError, isSystemError } from './cli-error.ts';
import {
  enrolmentLinks,
  readIfThere,
  writePrivate,
  type DataFolder,
  type LedgerMark,
} from './data-folder.ts';
import { logKeyFiles } from './log-keys.ts';
import type { HeldKey } from '@countersign/sdk';
import { makePrivateFolder } from '@countersign/durable-file';
import { createKeyFile, keyFileError, readSigningKey } from './signing-key.ts';

const TOKEN_BYTES = 32;
const GROUP_AND_OTHERS = 0o077;

/** Makes what is missing. Only ever called for a log that holds nothing yet: a lost key is never replaced in silence. */
export async function createKeys(
  folder: DataFolder,
  randomBytes: (size: number) => Uint8Array,
): Promise<void> {
  await makePrivateFolder(folder.keysFolder);
  const { operatorKey, agentKey, executorKey, mcpGateKey } = folder;
  for (const path of [operatorKey, agentKey, executorKey, mcpGateKey]) await createKeyFile(path);
  if ((await readIfThere(folder.readToken)) === undefined) {
    await writePrivate(folder.readToken, `${toBase64url(randomBytes(TOKEN_BYTES))}\n`);
  }
}

/** As createKeys, for the key of a log that is kept here. */
export async function createLogKey({ keysFolder, logKey: path }: DataFolder): Promise<void> {
  await makePrivateFolder(keysFolder);
  try {
    await createLocalSignerKey({ keyFile: path });
  } catch (error) {
    if (error instanceof CryptoError && error.code === 'KEY_FILE_EXISTS') return;
    throw keyFileError(error, path);
  }
}

export interface LocalKeys {
  readonly operator: HeldKey;
  readonly agent: HeldKey;
  readonly executor: HeldKey;
  readonly mcpGate: HeldKey;
}

export async function readLocalKeys(folder: DataFolder): Promise<LocalKeys> {
  return {
    operator: await readSigningKey(folder.operatorKey),
    agent: await readSigningKey(folder.agentKey),
    executor: await readSigningKey(folder.executorKey),
    mcpGate: await readSigningKey(folder.mcpGateKey),
  };
}

/** Every secret file that is there can be read by its owner alone. @throws CliError KEY_FILE_PERMISSIONS, KEY_FILE_INVALID */
export async function assertPrivateKeys(folder: DataFolder, mark: LedgerMark): Promise<void> {
  const { operatorKey, agentKey, executorKey, mcpGateKey, readToken, subjectKey } = folder;
  const secrets = [readToken, subjectKey, ...enrolmentLinks(folder, mark)];
  const others = [operatorKey, agentKey, executorKey, mcpGateKey, ...secrets];
  for (const path of [...(await logKeyFiles(folder)), ...others]) {
    const found = await existing(path);
    if (found === undefined) continue;
    // A pipe would be waited for, and never end.
    if (!found.isFile()) throw cliError('KEY_FILE_INVALID', `${path}: expected a file`);
    const { mode } = found;
    if ((mode & GROUP_AND_OTHERS) === 0) continue;
    const got = (mode & 0o777).toString(8);
    throw cliError('KEY_FILE_PERMISSIONS', `${path}: expected mode 600, got ${got}`, {
      hint: `chmod 600 ${path}, and think about who could have read it`,
    });
  }
}

async function existing(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** The read token; undefined when its owner has removed it. */
export async function readReadToken(folder: DataFolder): Promise<string | undefined> {
  const token = (await readIfThere(folder.readToken))?.trim();
  return token === '' ? undefined : token;
}
