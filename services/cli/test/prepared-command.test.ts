import { chmod, copyFile, mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { runCommand } from '../src/command-runner.ts';
import { describeCommand } from '../src/command-line.ts';
import type { CliContext } from '../src/context.ts';
import { prepareCommand, type PreparedCommand } from '../src/prepared-command.ts';
import { codeOf } from './refusal.ts';
import { scratchFolder } from './scratch-folder.ts';

interface Stage {
  readonly folder: string;
  readonly script: string;
  readonly prepare: (
    change?: (params: Record<string, unknown>) => void,
  ) => Promise<PreparedCommand>;
}

/** A script that was asked for and approved as it is now. */
async function approved(text: string): Promise<Stage> {
  const folder = await scratchFolder();
  const temp = await scratchFolder();
  const script = join(folder, 'run.sh');
  await mkdir(join(folder, 'work'));
  await writeFile(script, text);
  await chmod(script, 0o755);
  const order = {
    argv: ['./run.sh', 'a'],
    variables: { env: [], secretEnv: [] },
    stdin: undefined,
    cwd: 'work',
    timeoutS: 5,
    purpose: undefined,
  };
  const place = {
    env: process.env,
    cwd: folder,
    stdin: process.stdin,
    randomBytes: () => new Uint8Array(16),
  };
  const {
    params,
    keepsakes: { salts },
  } = await describeCommand(order, place);
  return {
    folder,
    script,
    prepare: (change = () => undefined) => {
      const json = { ...params };
      change(json);
      const context = { ...place, tempFolder: temp } as unknown as CliContext;
      return prepareCommand({ params: json, salts, input: undefined, stdin: undefined, context });
    },
  };
}

describe('a command about to start', () => {
  it('is started as the approved bytes say', async () => {
    const { prepare } = await approved('#!/bin/sh -eu\necho\n');
    const command = await prepare();
    const { argv0, args, file } = command.toRun('cs-1');
    expect([argv0, args[0], args[2]]).toEqual(['/bin/sh', '-eu', 'a']);
    expect(file).not.toContain('run.sh');
    await command.remove();
  });

  it('is refused when the approved bytes name an interpreter that the action does not', async () => {
    const { prepare } = await approved('#!/bin/sh\necho\n');
    const without = codeOf(() =>
      prepare((params) => {
        delete params['interpreter'];
      }),
    );
    expect(await without).toBe('ACTION_DIGEST_MISMATCH');
  });

  it('is refused when its folder has become a link to another one', async () => {
    const { folder, prepare } = await approved('#!/bin/sh\necho\n');
    const command = await prepare();
    await mkdir(join(folder, 'other'));
    await rename(join(folder, 'work'), join(folder, 'was'));
    await symlink(join(folder, 'other'), join(folder, 'work'));
    expect(await codeOf(() => command.recheck())).toBe('ACTION_DIGEST_MISMATCH');
    await command.remove();
  });

  it('is refused when its private copy was replaced', async () => {
    const { prepare } = await approved('#!/bin/sh\necho\n');
    const command = await prepare();
    const copy = command.toRun('cs-1').args.find((arg) => arg.endsWith('run.sh')) ?? '';
    await rename(copy, `${copy}.was`);
    await writeFile(copy, '#!/bin/sh\necho other\n');
    expect(await codeOf(() => command.recheck())).toBe('ACTION_DIGEST_MISMATCH');
    await command.remove();
  });
});

/** What a command prints. */
async function output(command: PreparedCommand): Promise<string> {
  const stdout = new PassThrough();
  await runCommand(command.toRun('cs-1'), {
    stdout,
    stderr: new PassThrough(),
    interrupted: new AbortController().signal,
    salts: { stdout: new Uint8Array(16), stderr: new Uint8Array(16) },
  });
  return String(stdout.read() ?? '');
}

describe('the interpreter of a script', () => {
  async function withInterpreter(): Promise<Stage & { interpreter: string }> {
    const interpreter = join(await scratchFolder(), 'shell');
    await copyFile('/bin/sh', interpreter);
    await chmod(interpreter, 0o755);
    return { ...(await approved(`#!${interpreter}\necho approved\n`)), interpreter };
  }

  const OTHER = '#!/bin/sh\necho other\n';

  it('A01: is the file that was checked, whatever is put at its path before the start', async () => {
    const { prepare, interpreter } = await withInterpreter();
    const command = await prepare();
    await command.recheck();
    await rename(interpreter, `${interpreter}.was`);
    await writeFile(interpreter, OTHER, { mode: 0o755 });
    expect(await output(command)).toBe('approved\n');
    await command.remove();
  });

  it('is called by its own path, by which it finds what it needs', async () => {
    const { prepare, interpreter } = await withInterpreter();
    const command = await prepare();
    expect(command.toRun('cs-1').argv0).toBe(interpreter);
    await command.remove();
  });

  it('is refused when somebody writes into the very file', async () => {
    const { prepare, interpreter } = await withInterpreter();
    const command = await prepare();
    await writeFile(interpreter, OTHER);
    expect(await codeOf(() => command.recheck())).toBe('ACTION_DIGEST_MISMATCH');
    await command.remove();
  });

  it('A01: is a private copy where other users can write into the very file', async () => {
    const { prepare, interpreter } = await withInterpreter();
    await chmod(interpreter, 0o775);
    const command = await prepare();
    await command.recheck();
    await writeFile(interpreter, OTHER);
    expect(await output(command)).toBe('approved\n');
    await command.remove();
  });
});
