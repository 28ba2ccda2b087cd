import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { generateEd25519, parseEd25519, signEd25519 } from '@countersign/crypto-node';
import { formatCheckpoint, formatVerifierKey, signNote, type NoteSigner } from '@countersign/tlog';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Output } from '../src/output.ts';
import { runCli } from '../src/program.ts';

const ORIGIN = 'countersign.test/1/0';
const OURS = newSigner();

let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'log-compare-'));
  const trust = {
    v: 'countersign.trust.v1',
    origin: ORIGIN,
    log_keys: [OURS.vkey],
    genesis: `sha256:${'0'.repeat(64)}`,
    accept: { proof_classes: ['uv'], separation: ['full'], demo: false },
  };
  await writeFile(join(folder, 'trust.json'), JSON.stringify(trust));
  await writeNote('head', await note({}));
  await writeNote('cosigned', `${await note({})}${cosignature()}`);
  await writeNote('other-root', await note({ root: 2 }));
  await writeNote('longer', await note({ size: 6 }));
  await writeNote('foreign-root', await note({ root: 2, signer: newSigner() }));
  await writeNote('foreign-log', await note({ root: 2, origin: 'countersign.test/2/0' }));
  await writeNote('spoiled-root', (await note({})).replace(/^AQEB/m, 'AQEC'));
  await writeNote('no-note', 'nothing\n');
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

function newSigner(): NoteSigner {
  const key = parseEd25519(generateEd25519().privateKeyPem);
  const vkey = formatVerifierKey({
    ...{ name: ORIGIN, algorithm: 'ed25519', publicKey: key.publicKeySpki },
  });
  return { name: ORIGIN, vkey, sign: (message) => Promise.resolve(signEd25519(key, message)) };
}

function note({ size = 5, root = 1, origin = ORIGIN, signer = OURS }): Promise<string> {
  const text = formatCheckpoint({ origin, size, root: new Uint8Array(32).fill(root) });
  return signNote(text, [signer]);
}

function cosignature(): string {
  return `— witness.test ${Buffer.alloc(4 + 8 + 64, 7).toString('base64')}\n`;
}

function writeNote(name: string, text: string): Promise<void> {
  return writeFile(join(folder, `${name}.note`), text);
}

async function compare(
  one: string,
  other: string,
  ...flags: string[]
): Promise<{ exit: number; stdout: string; stderr: string }> {
  const said = { stdout: '', stderr: '' };
  const output = (name: keyof typeof said): Output =>
    new Output({ isTty: false, write: (text) => void (said[name] += text) });
  const files = [`${one}.note`, `${other}.note`, '--trust', 'trust.json'];
  const exit = await runCli(['log', 'compare', ...files, ...flags], {
    env: {},
    cwd: folder,
    command: './countersign',
    tempFolder: folder,
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
  });
  return { exit, ...said };
}

it('says of one head twice, cosigned or not, that it is one', async () => {
  expect(await compare('head', 'cosigned')).toEqual({
    ...{ exit: 0, stdout: 'both are the head of size 5\n', stderr: '' },
  });
  const { stdout } = await compare('head', 'head', '--json');
  expect(JSON.parse(stdout)).toEqual({ outcome: 'VALID', size: 5 });
});

it('G02: two roots of one size, both signed by the log: EQUIVOCATION, with exit code 1', async () => {
  const { exit, stdout, stderr } = await compare('head', 'other-root');
  expect([exit, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(/EQUIVOCATION: two signed heads of size 5 with different roots/);
});

it.each([
  ['a head that another key has signed', 'foreign-root', [1, 'CHECKPOINT_INVALID']],
  ['a head of another log', 'foreign-log', [1, 'CHECKPOINT_INVALID']],
  ['a head whose root was changed', 'spoiled-root', [1, 'CHECKPOINT_INVALID']],
  ['no signed note', 'no-note', [1, 'CHECKPOINT_INVALID']],
  ['a head of another size', 'longer', [2, 'USAGE']],
  ['no file', 'missing', [2, 'FILE_UNREADABLE']],
] as const)('%s accuses nobody', async (_name, other, [exit, code]) => {
  for (const [one, two] of [
    ['head', other],
    [other, 'head'],
  ] as const) {
    const sent = await compare(one, two, '--json');
    expect([sent.exit, sent.stdout, JSON.parse(sent.stderr)]).toMatchObject([exit, '', { code }]);
  }
});
