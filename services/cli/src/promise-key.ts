import { gatewayKeyName, parseGatewayKey, statementText } from '@countersign/binding';
import { formatTimestamp, timestampMs } from '@countersign/canonical';
import {
  generateEd25519,
  parseEd25519,
  signEd25519,
  type Ed25519Key,
} from '@countersign/crypto-node';
import type { PromiseKey } from '@countersign/gateway';
import { openLocalSigner } from '@countersign/signer-local';
import { formatVerifierKey, parseNote, signNote, type NoteSigner } from '@countersign/tlog';
import { readIfThere, writePrivate, type DataFolder } from './data-folder.ts';
import { createKeyFile, keyFileError } from './signing-key.ts';

/** Keys that promise arrivals: schemas/formats/arrival-promise.md §3. */

const DAY_MS = 86_400_000;
const OWN_LIFE_MS = 7 * DAY_MS;
/** How soon a certificate that is not there, or over, is looked for again. */
const LOOK_EVERY_MS = 60_000;
/** An input has arrived before the key of its promise is asked for, and by another clock where the key is in a data folder. */
const BEFORE_MS = 120_000;

type Sources = { readonly origin: string; readonly nowMs: () => number };

interface Held {
  readonly key: PromiseKey;
  readonly untilMs: number;
}

/** A key that lives as long as this process, by leave of the log's keys that it has. Asked for leave when first needed. */
export function ownPromiseKey(
  signers: readonly NoteSigner[],
  { origin, nowMs }: Sources,
): () => Promise<PromiseKey> {
  let held: Promise<Held> | undefined;
  const made = async (): Promise<Held> => {
    const signer = signerOf(parseEd25519(generateEd25519().privateKeyPem), origin);
    const untilMs = nowMs() + OWN_LIFE_MS;
    const certificate = await certificateOf(signer.vkey, { origin, nowMs, untilMs, signers });
    // A new one well before its end.
    return { key: { signer, certificate }, untilMs: untilMs - DAY_MS };
  };
  return async () => {
    const last = await held;
    if (last !== undefined && nowMs() < last.untilMs) return last.key;
    held = made();
    try {
      return (await held).key;
    } catch (error) {
      // Whoever asks next asks the log's key again.
      held = undefined;
      throw error;
    }
  };
}

/** The key in a data folder, for a process that has no key of the log; read again when its time is over. */
export function filedPromiseKey(
  folder: DataFolder,
  { origin, nowMs }: Sources,
): () => Promise<PromiseKey | undefined> {
  let held: { readonly key: PromiseKey | undefined; readonly untilMs: number } | undefined;
  return async () => {
    if (held === undefined || nowMs() >= held.untilMs) {
      const read = await readPromiseKey(folder, origin);
      const isOver = read === undefined || nowMs() >= read.untilMs;
      held = isOver ? { key: undefined, untilMs: nowMs() + LOOK_EVERY_MS } : read;
    }
    return held.key;
  };
}

async function readPromiseKey(folder: DataFolder, origin: string): Promise<Held | undefined> {
  const { keyFile, certificateFile } = filesOf(folder);
  const certificate = await readIfThere(certificateFile);
  if (certificate === undefined) return undefined;
  const signer = await openKey(keyFile, origin);
  const { vkey, not_after: notAfter } = parseGatewayKey(parseNote(certificate).text);
  // Of another key: whoever copied one of the files has to copy the other.
  if (vkey !== signer.vkey) return undefined;
  return { key: { signer, certificate }, untilMs: timestampMs(notAfter) };
}

/**
 * Gives the key of a data folder, made where there is none, leave to promise for so many days.
 *
 * Crash story: the key is made first. Stopping before the certificate is written leaves a key that promises nothing.
 *
 * @throws CliError DISK_FULL, KEY_FILE_PERMISSIONS, KEY_FILE_INVALID; SignerError
 */
export async function certifyPromiseKey(
  folder: DataFolder,
  signers: readonly NoteSigner[],
  { origin, nowMs, days }: Sources & { readonly days: number },
): Promise<{
  readonly keyFile: string;
  readonly certificateFile: string;
  readonly notAfter: string;
}> {
  const files = filesOf(folder);
  await createKeyFile(files.keyFile);
  const { vkey } = await openKey(files.keyFile, origin);
  const untilMs = nowMs() + days * DAY_MS;
  const certificate = await certificateOf(vkey, { origin, nowMs, untilMs, signers });
  await writePrivate(files.certificateFile, certificate);
  return { ...files, notAfter: formatTimestamp(untilMs) };
}

function filesOf({ keysFolder }: DataFolder): { keyFile: string; certificateFile: string } {
  return {
    keyFile: `${keysFolder}/promises.key`,
    certificateFile: `${keysFolder}/promises.certificate`,
  };
}

async function openKey(keyFile: string, origin: string): Promise<NoteSigner> {
  try {
    return await openLocalSigner({ keyFile, name: gatewayKeyName(origin) });
  } catch (error) {
    throw keyFileError(error, keyFile);
  }
}

function signerOf(key: Ed25519Key, origin: string): NoteSigner {
  const name = gatewayKeyName(origin);
  const { publicKeySpki: publicKey } = key;
  return {
    name,
    vkey: formatVerifierKey({ name, algorithm: 'ed25519', publicKey }),
    sign: (message) => Promise.resolve(signEd25519(key, message)),
  };
}

function certificateOf(
  vkey: string,
  by: Sources & { readonly untilMs: number; readonly signers: readonly NoteSigner[] },
): Promise<string> {
  const { origin, nowMs, untilMs, signers } = by;
  const text = statementText({
    v: 'countersign.gateway-key.v1',
    ledger: origin,
    vkey,
    not_before: formatTimestamp(nowMs() - BEFORE_MS),
    not_after: formatTimestamp(untilMs),
  });
  return signNote(text, signers);
}
