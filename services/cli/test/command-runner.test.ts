import { createHash, randomBytes } from 'node:crypto';
import { chmod, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { readCommandInput } from '../src/command-input.ts';
import { runCommand, type CommandEnd, type CommandToRun } from '../src/command-runner.ts';
import { digestFile } from '../src/file-digest.ts';
import { assertUnchanged, copyPrivately } from '../src/private-copy.ts';
import { codeOf } from './refusal.ts';
import { scratchFolder } from './scratch-folder.ts';

const SALTS = { stdout: new Uint8Array(randomBytes(16)), stderr: new Uint8Array(randomBytes(16)) };

async function run(
  script: string,
  parts: Partial<CommandToRun> = {},
  interrupted: AbortSignal = new AbortController().signal,
): Promise<CommandEnd & { stdout: string; stderr: string }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const end = await runCommand(
    {
      file: '/bin/sh',
      argv0: 'sh',
      args: ['-c', script],
      cwd: '/',
      env: {},
      stdin: new Uint8Array(),
      timeoutMs: 20_000,
      ...parts,
    },
    { stdout, stderr, interrupted, salts: SALTS },
  );
  return { ...end, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') };
}

function outputDigest(salt: Uint8Array, text: string): string {
  const hash = createHash('sha256').update('countersign/output/v1\n').update(salt).update(text);
  return `sha256:${hash.digest('hex')}`;
}

describe('running a command', () => {
  it('gives it exactly its environment, directory and input, and passes its output on', async () => {
    const { exitStatus, stdout, stderr, outputs } = await run(
      'pwd; cat; echo "$0 $A" >&2; /usr/bin/env -u PWD -u _ -u SHLVL -u OLDPWD',
      { cwd: '/usr', env: { A: 'one' }, stdin: new Uint8Array(Buffer.from('typed\n')) },
    );
    expect({ exitStatus, stdout, stderr }).toEqual({
      exitStatus: 0,
      stdout: '/usr\ntyped\nA=one\n',
      stderr: 'sh one\n',
    });
    expect(outputs).toEqual([
      { name: 'stdout', digest: outputDigest(SALTS.stdout, stdout), bytes: stdout.length },
      { name: 'stderr', digest: outputDigest(SALTS.stderr, stderr), bytes: stderr.length },
    ]);
  });

  it('gives empty input at once, and does not mind input that nobody reads', async () => {
    expect((await run('cat')).stdout).toBe('');
    const unread = { stdin: new Uint8Array(1_000_000) };
    expect((await run('exit 7', unread)).exitStatus).toBe(7);
  });

  it('counts a signal as shells do', async () => {
    expect((await run('kill -TERM $$')).exitStatus).toBe(143);
  });

  it('ends it with all that it started when the time is over', async () => {
    const end = await run('sleep 30 & sleep 30', { timeoutMs: 200 });
    expect(end).toMatchObject({ isTimedOut: true, exitStatus: 143 });
  });

  it('passes an interruption on and still says how it ended', async () => {
    const stop = new AbortController();
    setTimeout(() => {
      stop.abort();
    }, 300);
    expect((await run('trap "exit 9" INT; sleep 30; exit 8', {}, stop.signal)).exitStatus).toBe(9);
  });

  it('says so when the system does not start it', async () => {
    expect(await codeOf(() => run('', { file: '/nowhere/sh' }))).toBe('COMMAND_NOT_STARTED');
    expect(await codeOf(() => run('', { cwd: '/nowhere' }))).toBe('COMMAND_NOT_STARTED');
  });
});

describe('the private copy', () => {
  async function approvedFile(
    content: string,
  ): Promise<{ path: string; digest: `sha256:${string}` }> {
    const path = join(await scratchFolder(), 'tool');
    await writeFile(path, content);
    await chmod(path, 0o755);
    return { path, digest: (await digestFile(path)).digest };
  }

  it('holds exactly the approved bytes, is nobody else’s to write, and goes away', async () => {
    const approved = await approvedFile('#!/bin/sh\necho yes\n');
    const temp = await scratchFolder();
    const copy = await copyPrivately(approved, temp);
    await writeFile(approved.path, '#!/bin/sh\necho no\n');
    expect(await readFile(copy.path, 'utf8')).toBe('#!/bin/sh\necho yes\n');
    expect((await stat(copy.path)).mode & 0o777).toBe(0o500);
    expect((await stat(join(copy.path, '..'))).mode & 0o777).toBe(0o700);
    await copy.remove();
    expect(await readdir(temp)).toEqual([]);
  });

  it('is not made of a file with one byte changed, nor of none, and leaves nothing (A01)', async () => {
    const approved = await approvedFile('#!/bin/sh\necho yes\n');
    const temp = await scratchFolder();
    await writeFile(approved.path, '#!/bin/sh\necho yet\n');
    const changed = codeOf(() => copyPrivately(approved, temp));
    expect(await changed).toBe('ACTION_DIGEST_MISMATCH');
    expect(await codeOf(() => assertUnchanged(approved))).toBe('ACTION_DIGEST_MISMATCH');
    await rm(approved.path);
    expect(await codeOf(() => copyPrivately(approved, temp))).toBe('COMMAND_NOT_FOUND');
    expect(await codeOf(() => assertUnchanged(approved))).toBe('COMMAND_NOT_FOUND');
    expect(await readdir(temp)).toEqual([]);
  });
});

describe('standard input', () => {
  it('is empty unless named, read whole, and named by its digest', async () => {
    const cwd = await scratchFolder();
    await writeFile(join(cwd, 'in'), 'abc');
    const stdin = Readable.from([Buffer.from('a'), Buffer.from('bc')]);
    expect((await readCommandInput(undefined, { cwd, stdin })).fact).toEqual({ kind: 'empty' });
    const fromFile = await readCommandInput('in', { cwd, stdin });
    const fromPipe = await readCommandInput('-', { cwd, stdin });
    const digest = createHash('sha256').update('countersign/stdin/v1\nabc').digest('hex');
    expect(fromFile).toEqual(fromPipe);
    expect(fromFile.fact).toEqual({ kind: 'digest', digest: `sha256:${digest}`, bytes: 3 });
  });

  it('is refused above 64 MiB, and when its file is not there', async () => {
    const cwd = await scratchFolder();
    const chunk = Buffer.alloc(1 << 20);
    const stdin = Readable.from(Array.from({ length: 65 }, () => chunk));
    expect(await codeOf(() => readCommandInput('-', { cwd, stdin }))).toBe('STDIN_TOO_LARGE');
    expect(await codeOf(() => readCommandInput('none', { cwd, stdin }))).toBe('FILE_UNREADABLE');
  });
});
