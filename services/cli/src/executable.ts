import { constants } from 'node:fs';
import { open, realpath, stat, type FileHandle } from 'node:fs/promises';
import { basename, delimiter, isAbsolute, join, resolve } from 'node:path';
import type { Digest } from '@countersign/canonical';
import { cliError, isSystemError } from './cli-error.ts';
import { digestFile } from './file-digest.ts';

export interface FileFact {
  /** Absolute, without links. */
  readonly path: string;
  readonly digest: Digest;
}

export interface Executable {
  readonly program: FileFact;
  /** Present when the program is a script. */
  readonly interpreter?: FileFact & Shebang;
}

/** How the interpreter wants to be called; no part of the digest, for the script's own bytes hold it. */
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
/** Linux reads no more of a `#!` line than this. */
const SHEBANG_BYTES_MAX = 256;
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
  const program = { path, digest: await digestFile(path) };
  const shebang = await readShebang(path);
  if (shebang === undefined) return { program };
  return { program, interpreter: await findInterpreter(shebang, place) };
}

interface FoundProgram {
  /** Without links. */
  readonly path: string;
  /** Where it was found, links and all: some interpreters find their libraries by it. */
  readonly foundAt: string;
}

async function findProgram(name: string, place: SearchPlace): Promise<FoundProgram> {
  if (name === '') throw cliError('COMMAND_NOT_FOUND', 'expected the name of a program');
  const isPath = name.includes('/');
  for (const foundAt of isPath ? [resolve(place.cwd, name)] : inPath(name, place.path)) {
    const path = await existing(foundAt);
    if (path === undefined) continue;
    // Along PATH a folder or a file without the bit is passed over, as a shell does.
    if (!isPath && !(await isRunnable(path))) continue;
    await assertRunnable(path);
    return { path, foundAt };
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

/** The `#!` line of a script, or undefined for anything else. @throws CliError COMMAND_INTERPRETER */
async function readShebang(path: string): Promise<Shebang | undefined> {
  const file = await open(path, constants.O_RDONLY);
  try {
    return parseShebang(await firstBytes(file), path);
  } finally {
    await file.close();
  }
}

async function firstBytes(file: FileHandle): Promise<Buffer> {
  const buffer = Buffer.alloc(SHEBANG_BYTES_MAX);
  const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
  return buffer.subarray(0, bytesRead);
}

function parseShebang(start: Buffer, path: string): Shebang | undefined {
  if (start.subarray(0, 2).toString('latin1') !== '#!') return undefined;
  const end = start.indexOf(0x0a);
  if (end === -1 && start.length === SHEBANG_BYTES_MAX) {
    throw cliError('COMMAND_INTERPRETER', `expected a #! line under 256 bytes: ${path}`);
  }
  const line = start.subarray(2, end === -1 ? start.length : end).toString('utf8');
  const [, name, argument] = /^[ \t]*([^ \t]+)[ \t]*(.*?)[ \t\r]*$/.exec(line) ?? [];
  if (name === undefined || !isAbsolute(name)) {
    throw cliError('COMMAND_INTERPRETER', `expected an absolute interpreter after #!: ${path}`);
  }
  return { name, ...(argument !== undefined && argument !== '' && { argument }) };
}

/**
 * `#!/usr/bin/env name` would let PATH choose when it runs. It is looked up now instead, so that the approver sees
 * the very program, and env itself is left out.
 */
async function findInterpreter(shebang: Shebang, place: SearchPlace): Promise<FileFact & Shebang> {
  const named = basename(shebang.name) === 'env' ? programOfEnv(shebang) : shebang.name;
  const { path, foundAt } = await findProgram(named, place);
  if ((await readShebang(path)) !== undefined) {
    throw cliError('COMMAND_INTERPRETER', `expected an interpreter that is no script: ${path}`);
  }
  const digest = await digestFile(path);
  if (named !== shebang.name) return { name: foundAt, path, digest };
  return { ...shebang, path, digest };
}

function programOfEnv({ name, argument = '' }: Shebang): string {
  if (/^[^-=\s/][^=\s/]*$/.test(argument)) return argument;
  throw cliError(
    'COMMAND_INTERPRETER',
    `expected "${name} NAME" after #!, without options or variables`,
    { hint: 'name the interpreter on the command line instead' },
  );
}
