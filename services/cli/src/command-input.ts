import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { digestBytes, type Digest } from '@countersign/canonical';
import { cliError, isSystemError } from './cli-error.ts';

export type InputFact =
  | { readonly kind: 'empty' }
  | { readonly kind: 'digest'; readonly digest: Digest; readonly bytes: number };

export interface CommandInput {
  readonly fact: InputFact;
  readonly bytes: Uint8Array;
}

const STDIN_BYTES_MAX: number = 64 * 1024 * 1024;

/**
 * What a command will read, whole, before anybody is asked: what is fed to it later are these bytes, from memory.
 *
 * @throws CliError STDIN_TOO_LARGE, FILE_UNREADABLE
 */
export async function readCommandInput(
  source: string | undefined,
  from: { readonly cwd: string; readonly stdin: Readable },
): Promise<CommandInput> {
  if (source === undefined) return { fact: { kind: 'empty' }, bytes: new Uint8Array() };
  const bytes =
    source === '-' ? await readWhole(from.stdin) : await readFileWhole(resolve(from.cwd, source));
  return { fact: inputFact(bytes), bytes };
}

export function inputFact(bytes: Uint8Array): InputFact {
  if (bytes.length === 0) return { kind: 'empty' };
  return {
    kind: 'digest',
    digest: digestBytes('countersign/stdin/v1', bytes),
    bytes: bytes.length,
  };
}

async function readFileWhole(path: string): Promise<Uint8Array> {
  try {
    return await readWhole(createReadStream(path));
  } catch (error) {
    if (!isSystemError(error, 'ENOENT', 'EACCES', 'EISDIR', 'ENOTDIR')) throw error;
    throw cliError('FILE_UNREADABLE', `expected a readable file for --stdin: ${path}`, {
      cause: error,
    });
  }
}

async function readWhole(stream: Readable): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let total = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk as Uint8Array | string);
    total += bytes.length;
    if (total > STDIN_BYTES_MAX) {
      stream.destroy();
      throw cliError('STDIN_TOO_LARGE', 'expected at most 64 MiB of standard input');
    }
    chunks.push(bytes);
  }
  return new Uint8Array(Buffer.concat(chunks));
}
