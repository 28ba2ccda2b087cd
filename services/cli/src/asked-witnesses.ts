import {
  parseVerifierKey,
  parseWitnessPolicy,
  TlogError,
  type PolicyWitness,
} from '@countersign/tlog';
import type { WitnessPolicy } from '@countersign/tlog';
import { cliError } from './cli-error.ts';
import { readGivenFile } from './ledger-access.ts';
import type { OpenData } from './open-data.ts';
import { withPinLock } from './pin-lock.ts';
import { readOwnTrust, trustDocument, writeTrust } from './trust-file.ts';

export type AskedWitness = PolicyWitness & { readonly url: string };

/** Of the file of `--witness-policy`. @throws CliError CONFIG_INVALID, FILE_UNREADABLE */
export async function readWitnessPolicy(path: string): Promise<WitnessPolicy> {
  const text = Buffer.from(await readGivenFile(path, 'witness policy')).toString('utf8');
  try {
    const policy = parseWitnessPolicy(text);
    askedWitnesses(policy);
    return policy;
  } catch (error) {
    if (!(error instanceof TlogError)) throw error;
    throw cliError('CONFIG_INVALID', `${path}: ${error.message}`, {
      cause: error,
      hint: 'schemas/formats/trust-file.md says what belongs into it',
    });
  }
}

/** The witnesses that a ledger is to ask. @throws CliError CONFIG_INVALID */
export function askedWitnesses({ witnesses }: WitnessPolicy): AskedWitness[] {
  return witnesses.map((witness) => {
    const { url } = witness;
    if (url !== undefined && URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) {
      return { ...witness, url };
    }
    throw cliError('CONFIG_INVALID', `witness ${witness.name}: expected the URL where it is asked`);
  });
}

/**
 * Writes the policy into the folder's trust file, which says from then on who is asked and who must have cosigned.
 *
 * @throws CliError CONFIG_INVALID for a log that no witness takes
 */
export async function withWitnesses(data: OpenData, policy: WitnessPolicy): Promise<OpenData> {
  const { folder, mark, trust, signers } = data;
  assertWitnessable(signers.map(({ vkey }) => vkey));
  if (trust.witnessPolicy?.text === policy.text) return data;
  await withPinLock(folder, async () => {
    const { pinnedHead, logKeys, genesis } = (await readOwnTrust(folder)) ?? trust;
    const keys = logKeys.map(({ vkey }) => vkey);
    const ledger = { logKeys: keys, genesis, witnessPolicy: policy };
    await writeTrust(folder, trustDocument(mark, ledger, pinnedHead));
  });
  return { ...data, trust: { ...trust, witnessPolicy: policy } };
}

/** c2sp.org/tlog-witness knows logs by Ed25519 keys alone. @throws CliError CONFIG_INVALID */
export function assertWitnessable(vkeys: readonly string[]): void {
  if (vkeys.some((vkey) => parseVerifierKey(vkey).type === 1)) return;
  throw cliError('CONFIG_INVALID', 'witnesses: expected an Ed25519 key of the log, got P-256', {
    hint: 'add an Ed25519 key to the log (docs/cluster.md, "Another key"), or leave --witness-policy out',
  });
}
