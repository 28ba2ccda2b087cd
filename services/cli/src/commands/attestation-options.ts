import { resolve } from 'node:path';
import { CanonicalError, fromBase64, fromUtf8, toBase64url } from '@countersign/canonical';
import { HumanProofError, parseCertificate } from '@countersign/human-proof';
import type { Command } from 'commander';
import { cliError } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { readGivenFile } from '../ledger-access.ts';

export interface AttestationOptions {
  readonly attestationRoots?: string;
}

/** docs/policies.md, "Keys of known models" */
export function addAttestationOptions(command: Command): Command {
  return command.option(
    '--attestation-roots <file>',
    'certificates in PEM of those who vouch for models of security keys (default none is asked for)',
  );
}

/** The certificates, DER in base64url. @throws CliError CONFIG_INVALID, FILE_UNREADABLE, FILE_TOO_LARGE */
export async function readAttestationRoots(
  { attestationRoots: path }: AttestationOptions,
  { cwd }: Pick<CliContext, 'cwd'>,
): Promise<readonly string[]> {
  if (path === undefined) return [];
  const file = resolve(cwd, path);
  try {
    const roots = certificatesIn(fromUtf8(await readGivenFile(file, 'file of certificates')));
    if (roots.length > 0) return roots;
  } catch (error) {
    const isBad = error instanceof CanonicalError || error instanceof HumanProofError;
    if (!isBad) throw error;
    throw cliError('CONFIG_INVALID', `${file}: ${error.message}`, { cause: error });
  }
  throw cliError('CONFIG_INVALID', `${file}: expected a certificate in PEM, got none`);
}

function certificatesIn(pem: string): string[] {
  const blocks = pem.matchAll(/-----BEGIN CERTIFICATE-----([^-]*)-----END CERTIFICATE-----/g);
  return [...blocks].map(([, body = '']) => {
    const der = fromBase64(body.replaceAll(/\s/g, ''));
    return toBase64url(parseCertificate(der).der);
  });
}
