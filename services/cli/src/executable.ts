import { isUtf8 } from 'node:buffer';
import { realpath, stat } from 'node:fs/promises';
import { basename, delimiter, isAbsolute, join, resolve } from 'node:path';
import type { Digest } from '@countersign/canonical';
import { cliError, isSystemError } from './cli-error.ts';
import { digestFile, HEAD_BYTES } from './file-digest.ts';

export interface FileFact {
  /** Absolute, without links. */
  readonly path: string;
  readonly digest: Digest;
}

export interface Executable {
  readonly program: FileFact;
  /** Present when the program is a script. */
  readonly interpreter?: FileFact;
}

/** How a script wants its interpreter to be called. Only ever read from bytes that were hashed. */
export interface Shebang {
  /** The interpreter as the script names it: what it sees as its own name. */
  readonly name: string;
  /** What stands after the interpreter, taken as one word, as Linux does. */
  readonly argument?: string;
}

export interface SearchPlace {
  readonly cwd: string;
  /** PATH of whoever types the command; the child does not get it. */
  readonly path: string | undefined;
}

const SET_ID_BITS = 0o6000;
const EXECUTE_BITS = 0o111;
const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin';

/**
 * Finds the one file that a command means and takes its digest: a name is looked up along PATH, links are followed to
 * the end. What runs later is a copy of exactly these bytes.
 *
 * @throws CliError COMMAND_NOT_FOUND, COMMAND_NOT_A_FILE, COMMAND_NOT_EXECUTABLE, COMMAND_SETUID, COMMAND_TOO_LARGE,
 * COMMAND_INTERPRETER
 */
export async function findExecutable(name: string, place: SearchPlace): Promise<Executable> {
  const { path } = await findProgram(name, place);
  const { digest, head } = await digestFile(path);
  const program = { path, digest };
  const shebang = shebangOf(head, path);
  if (shebang === undefined) return { program };
  return { program, interpreter: await findInterpreter(shebang, place) };
}

/** @returns its path, without links */
async function findProgram(name: string, place: SearchPlace): Promise<{ readonly path: string }> {
  if (name === '') throw cliError('COMMAND_NOT_FOUND', 'expected the name of a program');
  const isPath = name.includes('/');
  for (const foundAt of isPath ? [resolve(place.cwd, name)] : inPath(name, place.path)) {
    const path = await existing(foundAt);
    if (path === undefined) continue;
    // Along PATH a folder or a file without the bit is passed over, as a shell does.
    if (!isPath && !(await isRunnable(path))) continue;
    await assertRunnable(path);
    return { path };
  }
  const where = isPath ? `at ${resolve(place.cwd, name)}` : 'in any folder of PATH';
  throw cliError('COMMAND_NOT_FOUND', `expected a program ${quoted(name)}, found none ${where}`);
}

function inPath(name: string, path: string = DEFAULT_PATH): string[] {
  // An empty or relative part of PATH means the working directory; nobody means that here.
  return path
    .split(delimiter)
    .filter(isAbsolute)
    .map((folder) => join(folder, name));
}

function quoted(text: string): string {
  return JSON.stringify(text);
}

async function existing(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return undefined;
    if (isSystemError(error, 'EACCES')) {
      throw cliError('COMMAND_NOT_FOUND', `expected to be allowed to read ${path}`, {
        cause: error,
      });
    }
    throw error;
  }
}

async function isRunnable(path: string): Promise<boolean> {
  const found = await stat(path);
  return found.isFile() && (found.mode & EXECUTE_BITS) !== 0;
}

async function assertRunnable(path: string): Promise<void> {
  const found = await stat(path);
  if (!found.isFile()) {
    throw cliError('COMMAND_NOT_A_FILE', `expected a program, got a folder or device: ${path}`);
  }
  if ((found.mode & SET_ID_BITS) !== 0) {
    // A copy has neither the owner nor the bit, so it could not do what the approver was shown.
    throw cliError('COMMAND_SETUID', `expected a program without set-user-id, got ${path}`);
  }
  if ((found.mode & EXECUTE_BITS) === 0) {
    throw cliError('COMMAND_NOT_EXECUTABLE', `expected an executable file, got ${path}`, {
      hint: `chmod +x ${path}`,
    });
  }
}

/** What the kernel of a supported system starts by itself: ELF, Mach-O and its universal form. */
const PROGRAM_MAGIC = ['7f454c46', 'cffaedfe', 'cefaedfe', 'cafebabe'];

/**
 * The `#!` line of a script by its first bytes, or undefined for a program. Anything else is refused: the C library would
 * hand it to a shell that nobody was shown.
 *
 * @throws CliError COMMAND_INTERPRETER, COMMAND_NOT_EXECUTABLE
 */
export function shebangOf(start: Buffer, path: string): Shebang | undefined {
  if (start.subarray(0, 2).toString('latin1') !== '#!') {
    if (PROGRAM_MAGIC.includes(start.subarray(0, 4).toString('hex'))) return undefined;
    throw cliError('COMMAND_NOT_EXECUTABLE', `expected a program or a #! line: ${path}`, {
      hint: 'begin the script with #! and its interpreter',
    });
  }
  const line = shebangLine(start, path);
  const [, name, argument] = /^[ \t]*([^ \t]+)[ \t]*(.*?)[ \t\r]*$/.exec(line) ?? [];
  if (name === undefined || !isAbsolute(name)) {
    throw cliError('COMMAND_INTERPRETER', `expected an absolute interpreter after #!: ${path}`);
  }
  return { name, ...(argument !== undefined && argument !== '' && { argument }) };
}

/** What stands behind `#!`. @throws CliError COMMAND_INTERPRETER */
function shebangLine(start: Buffer, path: string): string {
  const end = start.indexOf(0x0a);
  if (end === -1 && start.length === HEAD_BYTES) {
    throw cliError('COMMAND_INTERPRETER', `expected a #! line under 256 bytes: ${path}`);
  }
  const bytes = start.subarray(2, end === -1 ? start.length : end);
  // The kernel ends a word at NUL, and passes on bytes that no text can hold: neither could be shown, or started, as it is.
  if (!isUtf8(bytes) || bytes.includes(0)) {
    throw cliError('COMMAND_INTERPRETER', `expected a #! line in UTF-8, without NUL: ${path}`);
  }
  return bytes.toString('utf8');
}

/**
 * `#!/usr/bin/env name` would let PATH choose when it runs. It is looked up now instead, so that the approver sees
 * the very program, and env itself is left out.
 */
async function findInterpreter(shebang: Shebang, place: SearchPlace): Promise<FileFact> {
  const named = isEnv(shebang) ? programOfEnv(shebang) : shebang.name;
  const { path } = await findProgram(named, place);
  const { digest, head } = await digestFile(path);
  if (shebangOf(head, path) !== undefined) {
    throw cliError('COMMAND_INTERPRETER', `expected an interpreter that is no script: ${path}`);
  }
  return { path, digest };
}

/**
 * How an approved interpreter is started for an approved script: by nothing but the bytes and the path that were approved.
 * Behind `env` that is the path itself, for an interpreter finds its libraries by the name it is called with.
 */
export function interpreterCall(
  shebang: Shebang,
  interpreter: Pick<FileFact, 'path'>,
): { readonly argv0: string; readonly args: readonly string[] } {
  if (isEnv(shebang)) return { argv0: interpreter.path, args: [] };
  const { name, argument } = shebang;
  return { argv0: name, args: argument === undefined ? [] : [argument] };
}

function isEnv({ name }: Shebang): boolean {
  return basename(name) === 'env';
}

function programOfEnv({ name, argument = '' }: Shebang): string {
  if (/^[^-=\s/][^=\s/]*$/.test(argument)) return argument;
  throw cliError(
    'COMMAND_INTERPRETER',
    `expected "${name} NAME" after #!, without options or variables`,
    { hint: 'name the interpreter on the command line instead' },
  );
}
