import { canonicalText, toBase64, type Json } from '@countersign/canonical';
import type { WitnessPolicy } from '@countersign/tlog';
import { parseTrust, VerifyError, type PinnedHead, type Trust } from '@countersign/verify';
import { cliError } from './cli-error.ts';
import { readIfThere, writePrivate, type DataFolder, type LedgerMark } from './data-folder.ts';

/** What a verifier pins: schemas/formats/trust-file.md. A demonstration is never accepted by the file itself. */
export function trustDocument(
  mark: LedgerMark,
  ledger: {
    readonly logKeys: readonly string[];
    readonly genesis: string;
    readonly witnessPolicy?: WitnessPolicy | undefined;
  },
  pinnedHead?: PinnedHead,
): Json {
  return {
    v: 'countersign.trust.v1',
    origin: mark.origin,
    log_keys: [...ledger.logKeys],
    genesis: ledger.genesis,
    accept: {
      proof_classes: ['uv'],
      separation: mark.separation === 'full' ? ['full'] : ['full', 'solo'],
      demo: false,
    },
    ...(ledger.witnessPolicy !== undefined && { witness_policy: ledger.witnessPolicy.text }),
    ...(pinnedHead !== undefined && {
      pinned_head: { size: pinnedHead.size, root: toBase64(pinnedHead.root) },
    }),
  };
}

export async function writeTrust(folder: DataFolder, document: Json): Promise<void> {
  await writePrivate(folder.trustFile, `${canonicalText(document)}\n`);
}

/** The folder's own trust file, if it is there. @throws CliError DATA_DAMAGED */
export async function readOwnTrust(folder: DataFolder): Promise<Trust | undefined> {
  const text = await readIfThere(folder.trustFile);
  if (text === undefined) return undefined;
  try {
    return parseTrust(Buffer.from(text));
  } catch (error) {
    if (!(error instanceof VerifyError)) throw error;
    throw cliError('DATA_DAMAGED', `${folder.trustFile}: ${error.message}`, { cause: error });
  }
}
