import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, realpath, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findExecutable, interpreterCall, shebangOf } from '../src/executable.ts';
import { digestFile } from '../src/file-digest.ts';
import { codeOf } from './refusal.ts';
import { scratchFolder } from './scratch-folder.ts';

/** How every program of this system begins. */
const ELF = '\u007fELF';

async function program(path: string, content: string, mode = 0o755): Promise<string> {
  await writeFile(path, content);
  await chmod(path, mode);
  return await realpath(path);
}

function fileDigest(content: string): string {
  return `sha256:${createHash('sha256').update('countersign/file/v1\n').update(content).digest('hex')}`;
}

describe('finding the file that a command means', () => {
  it('follows PATH and links to the one real file, and takes the digest of its bytes', async () => {
    const folder = await scratchFolder();
    const real = await program(join(folder, 'real'), `${ELF}binary`);
    await mkdir(join(folder, 'bin'));
    await symlink(real, join(folder, 'bin', 'tool'));
    const found = await findExecutable('tool', {
      cwd: '/',
      path: `${join(folder, 'none')}:${join(folder, 'bin')}`,
    });
    expect(found).toEqual({ program: { path: real, digest: fileDigest(`${ELF}binary`) } });
  });

  it('resolves a relative path against the working directory', async () => {
    const folder = await scratchFolder();
    const real = await program(join(folder, 'tool'), ELF);
    expect((await findExecutable('./tool', { cwd: folder, path: '' })).program.path).toBe(real);
  });

  it('passes over what cannot run along PATH, as a shell does', async () => {
    const folder = await scratchFolder();
    await mkdir(join(folder, 'a', 'tool'), { recursive: true });
    await mkdir(join(folder, 'b'));
    await program(join(folder, 'b', 'tool'), 'no bit', 0o644);
    await mkdir(join(folder, 'c'));
    const real = await program(join(folder, 'c', 'tool'), ELF);
    const path = ['a', 'b', 'c'].map((name) => join(folder, name)).join(':');
    expect((await findExecutable('tool', { cwd: folder, path })).program.path).toBe(real);
  });

  it('never takes a program of the working directory by a bare name', async () => {
    const folder = await scratchFolder();
    await program(join(folder, 'tool'), 'x');
    const place = { cwd: folder, path: ':.:' };
    expect(await codeOf(() => findExecutable('tool', place))).toBe('COMMAND_NOT_FOUND');
  });

  it('names the interpreter of a script, with the one argument that Linux gives it', async () => {
    const folder = await scratchFolder();
    const script = await program(join(folder, 'script'), '#! /bin/sh -e -u \necho\n');
    const { program: found, interpreter } = await findExecutable(script, { cwd: '/', path: '' });
    expect(found.path).toBe(script);
    expect(interpreter?.path).toBe(await realpath('/bin/sh'));
    const shebang = shebangOf(Buffer.from('#! /bin/sh -e -u \necho\n'), script);
    expect(shebang).toEqual({ name: '/bin/sh', argument: '-e -u' });
    expect(shebang && interpreterCall(shebang, { path: '/usr/bin/dash' })).toEqual({
      argv0: '/bin/sh',
      args: ['-e -u'],
    });
  });

  it('looks an env-style interpreter up now, so that no PATH chooses it later', async () => {
    const folder = await scratchFolder();
    const script = await program(join(folder, 'script'), '#!/usr/bin/env lang\nx\n');
    const lang = await program(join(folder, 'lang'), `${ELF}an interpreter`);
    const { interpreter } = await findExecutable(script, { cwd: '/', path: folder });
    expect(interpreter).toEqual({ path: lang, digest: fileDigest(`${ELF}an interpreter`) });
  });

  it('calls an env-style interpreter by its approved path, not by where somebody’s PATH found it', () => {
    const shebang = { name: '/usr/bin/env', argument: 'python3' };
    expect(interpreterCall(shebang, { path: '/usr/bin/python3.11' })).toEqual({
      argv0: '/usr/bin/python3.11',
      args: [],
    });
  });

  it('refuses text without #!, which a C library would hand to a shell that nobody was shown', async () => {
    const folder = await scratchFolder();
    await program(join(folder, 'bare'), 'echo hello\n');
    await program(join(folder, 'bom'), '\ufeff#!/bin/sh\n');
    for (const name of ['./bare', './bom']) {
      const found = codeOf(() => findExecutable(name, { cwd: folder, path: '' }));
      expect(await found).toBe('COMMAND_NOT_EXECUTABLE');
    }
  });

  it('refuses a pipe, and does not wait for it', async () => {
    const folder = await scratchFolder();
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    await expect(digestFile(join(folder, 'pipe'))).rejects.toMatchObject({
      code: 'COMMAND_NOT_A_FILE',
    });
  });

  it.each(['-S lang -u', '-i lang', 'A=1 lang', 'lang extra', ''])(
    'refuses env with more than a name: "%s"',
    async (argument) => {
      const folder = await scratchFolder();
      await program(join(folder, 'lang'), 'x');
      const script = await program(join(folder, 'script'), `#!/usr/bin/env ${argument}\n`);
      const found = codeOf(() => findExecutable(script, { cwd: '/', path: folder }));
      expect(await found).toBe('COMMAND_INTERPRETER');
    },
  );

  it.each(['#!/bin/sh\0evil', '#!/bin/sh -\xff\xfe', '#!/bin/\xc3sh', '#!/bin/sh \0'])(
    'refuses a #! line that no text can hold: %j',
    (line) => {
      const start = Buffer.from(`${line}\necho\n`, 'latin1');
      expect(() => shebangOf(start, '/x')).toThrow(
        expect.objectContaining({ code: 'COMMAND_INTERPRETER' }),
      );
    },
  );

  it('refuses an interpreter that is a script itself', async () => {
    const folder = await scratchFolder();
    const inner = await program(join(folder, 'inner'), '#!/bin/sh\n');
    const script = await program(join(folder, 'outer'), `#!${inner}\n`);
    const found = codeOf(() => findExecutable(script, { cwd: '/', path: '' }));
    expect(await found).toBe('COMMAND_INTERPRETER');
  });

  it('refuses folders, files without the bit, set-user-id files and what is not there', async () => {
    const folder = await scratchFolder();
    const place = { cwd: folder, path: '' };
    await mkdir(join(folder, 'folder'));
    await program(join(folder, 'plain'), 'x', 0o644);
    await program(join(folder, 'setuid'), 'x', 0o4755);
    await program(join(folder, 'setgid'), 'x', 0o2755);
    const codes = ['./folder', './plain', './setuid', './setgid', './none', ''].map((name) =>
      codeOf(() => findExecutable(name, place)),
    );
    expect(await Promise.all(codes)).toEqual([
      'COMMAND_NOT_A_FILE',
      'COMMAND_NOT_EXECUTABLE',
      'COMMAND_SETUID',
      'COMMAND_SETUID',
      'COMMAND_NOT_FOUND',
      'COMMAND_NOT_FOUND',
    ]);
  });

  it('refuses a file over 512 MiB', async () => {
    const folder = await scratchFolder();
    const path = await program(join(folder, 'large'), ELF);
    await truncate(path, 512 * 1024 * 1024 + 1);
    const found = codeOf(() => findExecutable(path, { cwd: '/', path: '' }));
    expect(await found).toBe('COMMAND_TOO_LARGE');
  }, 60_000);
});
