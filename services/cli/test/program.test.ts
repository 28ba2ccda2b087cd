import { readFile } from 'node:fs/promises';
import { PassThrough, Readable } from 'node:stream';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import type { CliContext } from '../src/context.ts';
import { Output } from '../src/output.ts';
import { buildProgram, runCli } from '../src/program.ts';

interface Said {
  stdout: string;
  stderr: string;
}

/** A command line in a world where nothing is. */
function nowhere(): { context: CliContext; said: Said } {
  const said: Said = { stdout: '', stderr: '' };
  const output = (name: keyof Said): Output =>
    new Output({
      isTty: false,
      write: (text) => {
        said[name] += text;
      },
    });
  const context: CliContext = {
    env: {},
    cwd: '/nowhere',
    command: './countersign',
    tempFolder: '/nowhere',
    version: '0.0.0',
    stdin: Readable.from([]),
    stdout: output('stdout'),
    stderr: output('stderr'),
    child: { stdout: new PassThrough(), stderr: new PassThrough() },
    interrupted: new AbortController().signal,
    closeWith: () => undefined,
    exitWithin: () => undefined,
    nowMs: () => 0,
    randomBytes: (size) => new Uint8Array(size),
  };
  return { context, said };
}

async function run(...argv: string[]): Promise<Said & { exit: number }> {
  const { context, said } = nowhere();
  return { exit: await runCli(argv, context), ...said };
}

/** Commands that do something, each with the words to call it. */
function leaves(command: Command, words: readonly string[] = []): [string[], Command][] {
  const below = command.commands.flatMap((sub) => leaves(sub, [...words, sub.name()]));
  // One that only leads to others has no options, but the program itself its version.
  const isOne = command.commands.length === 0 || (words.length > 0 && command.options.length > 0);
  return isOne ? [[[...words], command], ...below] : below;
}

const PARTS = { context: nowhere().context, end: () => undefined, misused: () => undefined };
const PROGRAM = await buildProgram([], PARTS);
const LEAVES = leaves(PROGRAM);

const DOCS = await readFile(new URL('../../../docs/cli.md', import.meta.url), 'utf8');

function flagsIn(text: string): Set<string> {
  return new Set(text.match(/(?<![\w-])--[a-z][a-z-]*/g));
}

/** What docs/cli.md says under the headings that match. */
function sections(heading: RegExp): string {
  return DOCS.split(/^## /m)
    .filter((section) => heading.test(section.split('\n')[0] ?? ''))
    .join('\n');
}

describe('a command line that cannot be read', () => {
  it.each([
    [['verify', 'x'], "required option '--trust <file>' not specified"],
    [['exce'], "unknown command 'exce'"],
    [['show'], "missing required argument 'id'"],
    [['rebuild', 'now', 'please'], 'too many arguments'],
    [['show', '--wrong'], "unknown option '--wrong'"],
    [['verify', 'x', '--trust', 'y', '--level', 'z'], 'Allowed choices are sealed, human'],
    [['log', 'nothing'], "unknown command 'nothing'"],
  ])('%j is told like any other refusal, in words and as JSON', async (argv, wrong) => {
    const { exit, stdout, stderr } = await run(...argv);
    expect([exit, stdout]).toEqual([2, '']);
    const [said, hint] = stderr.split('\n');
    expect(said).toMatch(/^countersign: USAGE: /);
    expect(said).toContain(wrong);
    expect(hint).toMatch(/^ {2}.*see `\.\/countersign( [a-z]+)* --help`$/);
    const json = await run(...argv, '--json');
    expect([json.exit, json.stdout]).toEqual([2, '']);
    expect(JSON.parse(json.stderr)).toMatchObject({ event: 'error', code: 'USAGE', exit: 2 });
  });

  it('suggests what may have been meant', async () => {
    expect((await run('exce')).stderr).toContain('(Did you mean exec?)');
  });

  it('shows what there is where a command is missing', async () => {
    const { exit, stderr } = await run('log');
    expect([exit, stderr]).toEqual([2, expect.stringContaining('Usage: ./countersign log ')]);
  });

  it.each([
    [['log', 'consistency', '9', '2'], 'from: expected at most the second size 2, got 9'],
    [['log', 'inclusion', '4', '4'], 'index: expected less than the size 4, got 4'],
  ])('%j says what is wrong with the order', async (argv, wrong) => {
    expect(await run(...argv)).toMatchObject({
      exit: 2,
      stderr: `countersign: USAGE: ${wrong}\n`,
    });
  });
});

describe('a payment that cannot be made out', () => {
  it.each([
    [['--choose', 'amount'], '--choose: expected a name'],
    [['--choose', 'amount=1.00', '--choose', 'amount=2.00'], '--choose: expected amount once'],
    [['--run', 'Week 1'], '--run: expected'],
    [['--debtor', 'Hansa'], '--debtor: expected a name'],
    [['01M8HHR9RZHQ7S4PDYXVDRP2N0'], 'expected --executor-key'],
    [['x', '--executor-key', 'k'], 'id: expected the id of an action'],
    [[], 'expected the id of an action'],
  ])('%j is told what is missing', async (args, said) => {
    const { exit, stderr } = await run('pay', ...args);
    expect([exit, stderr]).toEqual([2, expect.stringContaining(`USAGE: ${said}`)]);
  });
});

describe('a command by its name', () => {
  it.each(PROGRAM.commands.map((each) => each.name()))(
    '%s is all that is read in',
    async (name) => {
      const { commands } = await buildProgram(['--json', name, 'list'], PARTS);
      expect(commands.map((each) => each.name())).toEqual([name]);
    },
  );
});

describe('help', () => {
  it.each(LEAVES)('of %j has an example that can be typed', async (words) => {
    const { exit, stdout } = await run(...words, '--help');
    expect(exit).toBe(0);
    expect(stdout).toMatch(/^Examples?:$/m);
    expect(stdout).toMatch(new RegExp(`[$|] \\./countersign ${words.join(' ')}`));
  });

  it('tells choices and defaults as they are typed', async () => {
    const help = (await run('exec', '--help')).stdout + (await run('verify', '--help')).stdout;
    expect(help).toContain('(default local-exec)');
    expect(help).toMatch(/\(one\s+of\s+sealed,\s+human,\s+witnessed;\s+default\s+human\)/);
    expect(help).not.toMatch(/default:\s+["[]/);
  });
});

describe('docs/cli.md', () => {
  it.each(LEAVES)('tells every option of %j', (words, command) => {
    const [name = ''] = words;
    const told = flagsIn(sections(new RegExp(`\`${name}\`|^Which ledger, and as whom`)));
    const missing = command.options.map(({ long }) => long ?? '').filter((flag) => !told.has(flag));
    expect(missing).toEqual([]);
  });

  it('tells of no option that there is not', () => {
    const known = new Set(LEAVES.flatMap(([, command]) => command.options.map(({ long }) => long)));
    const told = [...flagsIn(DOCS)].filter((flag) => flag !== '--help' && flag !== '--version');
    expect(told.filter((flag) => !known.has(flag))).toEqual([]);
  });
});
