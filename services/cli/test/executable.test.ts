import { createHash } from 'node:crypto';
import { chmod, mkdir, realpath, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findExecutable } from '../src/executable.ts';
import { codeOf } from './refusal.ts';
import { scratchFolder } from './scratch-folder.ts';

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
    const real = await program(join(folder, 'real'), 'binary');
    await mkdir(join(folder, 'bin'));
    await symlink(real, join(folder, 'bin', 'tool'));
    const found = await findExecutable('tool', {
      cwd: '/',
      path: `${join(folder, 'none')}:${join(folder, 'bin')}`,
    });
    expect(found).toEqual({ program: { path: real, digest: fileDigest('binary') } });
  });

  it('resolves a relative path against the working directory', async () => {
    const folder = await scratchFolder();
    const real = await program(join(folder, 'tool'), 'x');
    expect((await findExecutable('./tool', { cwd: folder, path: '' })).program.path).toBe(real);
  });

  it('passes over what cannot run along PATH, as a shell does', async () => {
    const folder = await scratchFolder();
    await mkdir(join(folder, 'a', 'tool'), { recursive: true });
    await mkdir(join(folder, 'b'));
    await program(join(folder, 'b', 'tool'), 'no bit', 0o644);
    await mkdir(join(folder, 'c'));
    const real = await program(join(folder, 'c', 'tool'), 'yes');
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
    expect(interpreter).toMatchObject({
      path: await realpath('/bin/sh'),
      name: '/bin/sh',
      argument: '-e -u',
    });
  });

  it('looks an env-style interpreter up now, so that no PATH chooses it later', async () => {
    const folder = await scratchFolder();
    const script = await program(join(folder, 'script'), '#!/usr/bin/env lang\nx\n');
    const lang = await program(join(folder, 'lang'), 'an interpreter');
    const { interpreter } = await findExecutable(script, { cwd: '/', path: folder });
    expect(interpreter).toEqual({
      path: lang,
      name: join(folder, 'lang'),
      digest: fileDigest('an interpreter'),
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
    const path = await program(join(folder, 'large'), '');
    await truncate(path, 512 * 1024 * 1024 + 1);
    const found = codeOf(() => findExecutable(path, { cwd: '/', path: '' }));
    expect(await found).toBe('COMMAND_TOO_LARGE');
  }, 60_000);
});
