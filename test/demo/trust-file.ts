import { readFileSync } from 'node:fs';

export interface TrustFile {
  readonly origin: string;
  readonly bytes: Uint8Array;
}

export function readTrust(path: string): TrustFile {
  const bytes = readFileSync(path);
  const { origin } = JSON.parse(bytes.toString()) as { origin: string };
  return { origin, bytes };
}
