import { canonicalBytes, type JsonObject } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import type { LedgerPin } from '@countersign/console';
import type { LedgerClient } from '@countersign/sdk';
import { CliError, cliError } from './cli-error.ts';
import type { CliContext } from './context.ts';
import { dataFolder, requireMark } from './data-folder.ts';
import { assertTrusted, dataPath, originOf, trustOf } from './ledger-access.ts';
import { ledgerClient } from './ledger-client.ts';
import { readSshKey, sshKeyWords, type SshKey } from './ssh-key.ts';
import { signedProof } from './signed-proof.ts';

export interface PersonOptions {
  readonly data?: string;
  readonly url?: string;
  readonly trust?: string;
  readonly sshKey?: string;
}

/** A person at a terminal, signed in with a key of theirs. */
export interface PersonAccess {
  readonly client: LedgerClient;
  readonly tenant: string;
  readonly person: string;
  readonly key: SshKey;
  readonly pin: LedgerPin;
}

/** schemas/formats/sshsig-proof.md §2 */
const SESSION_NAMESPACE = 'countersign-session-v1';

/**
 * Signs a person in, to read: what waits is shown to persons of the tenant. It costs a touch of a security key, and
 * decides nothing.
 *
 * @throws CliError USAGE, SSH_KEY_UNREADABLE, FOREIGN_LEDGER, CREDENTIAL_UNKNOWN, and the codes of signWithSshKeygen
 */
export async function openAsPerson(
  options: PersonOptions,
  context: CliContext,
): Promise<PersonAccess> {
  const key = await readSshKey(options.sshKey, context);
  const folder = options.url === undefined ? dataFolder(dataPath(options, context)) : undefined;
  const url =
    folder === undefined ? originOf(options.url ?? '') : originOf((await requireMark(folder)).url);
  const trust = await trustOf(options, context, folder);
  const stranger = ledgerClient({ ...context, url, reader: undefined });
  const tenant = await assertTrusted(stranger, trust);
  const { cookie, person } = await signIn(stranger, { key, origin: trust.origin }, context);
  const client = ledgerClient({ ...context, url, reader: { cookie } });
  const logKeys = trust.logKeys.map(({ vkey }) => vkey);
  return { client, tenant, person, key, pin: { trust, logKeys, verifySignature } };
}

async function signIn(
  client: LedgerClient,
  { key, origin }: { readonly key: SshKey; readonly origin: string },
  context: CliContext,
): Promise<{ cookie: string; person: string }> {
  const begun = (await client.post('/v1/session/options', {})).json['statement'];
  const { nonce, not_after, ledger } = Object(begun) as JsonObject;
  if (typeof nonce !== 'string' || typeof not_after !== 'string' || ledger !== origin) {
    throw cliError('ANSWER_INVALID', 'expected a sign-in to the ledger of the trust file');
  }
  // Nothing of the server's but the nonce and its end is signed, and it holds for this address alone.
  const v = 'countersign.session.v2';
  const statement = { v, ledger: origin, nonce, not_after, origin: client.url };
  const told = key.parsed.application === undefined ? '' : '; touch your security key';
  context.stderr.lines(`countersign: signing in to read, with ${sshKeyWords(key)}${told}`);
  const toSign = { namespace: SESSION_NAMESPACE, message: canonicalBytes(statement) };
  const { proof } = await signedProof(key, toSign, context);
  const { json, cookies } = await enrolledHere(() =>
    client.post('/v1/session', { statement, proof: { ...proof } }),
  );
  const cookie = cookies[0]?.split(';', 1)[0];
  const { person } = json;
  if (cookie === undefined || typeof person !== 'string') {
    throw cliError('ANSWER_INVALID', 'expected a session from the ledger');
  }
  return { cookie, person };
}

async function enrolledHere<T>(post: () => Promise<T>): Promise<T> {
  try {
    return await post();
  } catch (error) {
    if (!(error instanceof CliError) || error.code !== 'CREDENTIAL_UNKNOWN') throw error;
    throw new CliError(error.code, 'this SSH key is not enrolled here', {
      cause: error,
      hint: 'have it enrolled: see `countersign enrol ssh-key --help`',
    });
  }
}
