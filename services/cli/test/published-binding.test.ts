import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { parseTlogProof } from '@countersign/tlog';
import { encodeLogRecord } from '@countersign/wire';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Output } from '../src/output.ts';
import { runCli } from '../src/program.ts';

const VECTOR = new URL('../../../test/vectors/evidence/valid/one-approval.json', import.meta.url);

interface Vector {
  readonly evidence: string;
  readonly trust: object;
}

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'published-binding-'));
  const vector = JSON.parse(await readFile(VECTOR, 'utf8')) as Vector;
  const { binding } = JSON.parse(vector.evidence) as {
    binding: { entry: string; receipt: string };
  };
  const { receipt } = binding;
  const { index } = parseTlogProof(receipt);
  const entry = Buffer.from(binding.entry);
  const checkpoint = encodeLogRecord({ kind: 'checkpoint', size: 1, note: 'x' });
  await writeFile(join(folder, 'evidence.json'), vector.evidence);
  await writeFile(join(folder, 'trust.json'), JSON.stringify(vector.trust));
  await writeFile(
    join(folder, 'binding.avro'),
    encodeLogRecord({ kind: 'binding', index, entry, receipt }),
  );
  await writeFile(
    join(folder, 'other-index.avro'),
    encodeLogRecord({ kind: 'binding', index: index + 1, entry, receipt }),
  );
  await writeFile(join(folder, 'checkpoint.avro'), checkpoint);
  await writeFile(join(folder, 'cut.avro'), checkpoint.subarray(0, 9));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function verify(...argv: string[]): Promise<{ exit: number; said: string }> {
  let said = '';
  const output = new Output({ isTty: false, write: (text) => (said += text) });
  const exit = await runCli(['verify', ...argv, '--trust', 'trust.json'], {
    env: {},
    cwd: folder,
    command: './countersign',
    tempFolder: folder,
    version: '0.0.0',
    stdin: Readable.from([]),
    stdout: output,
    stderr: output,
    child: { stdout: new PassThrough(), stderr: new PassThrough() },
    interrupted: new AbortController().signal,
    closeWith: () => undefined,
    exitWithin: () => undefined,
    nowMs: () => 0,
    randomBytes: (size) => new Uint8Array(size),
  });
  return { exit, said };
}

describe('verify of a binding as the log topic publishes it', () => {
  it('needs the trust file alone for level sealed, and says what it does not show', async () => {
    const { exit, said } = await verify('binding.avro', '--level', 'sealed');
    expect(said).toMatch(/^ok +binding receipt/);
    expect(said).toContain('NOT SHOWN');
    expect(said).toMatch(/VALID at level sealed\n$/);
    expect(exit).toBe(0);
  });

  it('needs the authority of earlier evidence for level human', async () => {
    const alone = await verify('binding.avro');
    expect(alone.said).toMatch(/INDETERMINATE AUTHORITY_MISSING\n$/);
    expect(alone.exit).toBe(3);
    const { exit, said } = await verify('binding.avro', '--authority', 'evidence.json', '--json');
    expect(JSON.parse(said)).toMatchObject({ outcome: 'VALID', level: 'human' });
    expect(exit).toBe(0);
  });

  it.each([
    ['other-index.avro', [], 1, 'NOT_LOGGED'],
    ['checkpoint.avro', [], 1, 'EVIDENCE_FORMAT'],
    ['cut.avro', [], 1, 'EVIDENCE_FORMAT'],
    ['binding.avro', ['--authority', 'trust.json'], 1, 'EVIDENCE_FORMAT'],
    ['binding.avro', ['--for-use'], 2, 'USAGE'],
    ['binding.avro', ['--now', 'now'], 2, 'USAGE'],
    ['evidence.json', ['--authority', 'evidence.json'], 2, 'USAGE'],
  ])('of %s with %j ends with %i %s', async (...[file, more, exit, code]) => {
    const refused = await verify(file, ...more);
    expect(refused.said).toContain(code);
    expect(refused.exit).toBe(exit);
  });
});
