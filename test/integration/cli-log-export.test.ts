import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openLocalSigner } from '@countersign/signer-local';
import { formatCheckpoint, parseCheckpoint, parseNote, signNote } from '@countersign/tlog';
import { describe, expect, it } from 'vitest';
import { noteSigner } from '../support/note-key.ts';
import { type CliLedger, type Ended } from './cli-process.ts';
import { ledgersOfTests } from './ledgers-of-tests.ts';

const { start: started } = ledgersOfTests();

function exported(ledger: CliLedger, name: string, ...more: string[]): Promise<Ended> {
  return ledger.run('log export', [name, ...more]).ended;
}

/** Every file below a folder, by its path there. */
async function filesOf(folder: string): Promise<Map<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name));
  const read = paths.map(async (path): Promise<[string, string]> => [
    path.slice(folder.length + 1),
    await readFile(path, 'hex'),
  ]);
  return new Map(await Promise.all(read));
}

/** Puts another head into an exported folder, signed with the real key of the log. */
async function putHead(
  ledger: CliLedger,
  folder: string,
  change: { readonly size?: number; readonly root?: Uint8Array },
): Promise<string> {
  const path = join(folder, 'checkpoint');
  const { origin, size, root } = parseCheckpoint(parseNote(await readFile(path, 'utf8')).text);
  const signer = await openLocalSigner({
    keyFile: join(ledger.data, 'keys', 'log.key'),
    name: origin,
  });
  const note = await signNote(formatCheckpoint({ origin, size, root, ...change }), [signer]);
  await writeFile(path, note);
  return note;
}

describe('log export', () => {
  it('writes the log, goes on with what is new of it, and ends as an export at once would', async () => {
    const ledger = await started();
    const first = await exported(ledger, 'grown', '--json');
    expect([first.exit, JSON.parse(first.stderr)]).toEqual([
      0,
      { event: 'exported', path: ledger.at('grown'), from: 0, size: 1, files: 2 },
    ]);
    const { exec } = await ledger.ask(['--', '/bin/echo', 'hi']);
    await exec.signal('SIGINT');
    expect((await exported(ledger, 'grown')).exit).toBe(0);
    expect((await exported(ledger, 'whole')).exit).toBe(0);
    const grown = await filesOf(ledger.at('grown'));
    const whole = await filesOf(ledger.at('whole'));
    expect([...whole.keys()].sort()).toEqual([
      'checkpoint',
      'log.vkey',
      'tile/0/000.p/2',
      'tile/entries/000.p/2',
    ]);
    for (const [path, bytes] of whole) expect([path, grown.get(path)]).toEqual([path, bytes]);
    expect(grown.has('tile/0/000.p/1')).toBe(true);
    const again = await exported(ledger, 'grown');
    expect([again.exit, again.stderr]).toEqual([0, expect.stringContaining('(0 new)')]);
    expect(await filesOf(ledger.at('grown'))).toEqual(grown);
  });

  it('goes on after one that was stopped before its checkpoint', async () => {
    const ledger = await started();
    await exported(ledger, 'log');
    const whole = await filesOf(ledger.at('log'));
    await rm(ledger.at('log', 'checkpoint'));
    await rm(ledger.at('log', 'tile', 'entries'), { recursive: true });
    expect((await exported(ledger, 'log')).exit).toBe(0);
    expect(await filesOf(ledger.at('log'))).toEqual(whole);
  });

  it('refuses a folder of something else, of another log, and one that is damaged, and changes nothing', async () => {
    const ledger = await started();
    await mkdir(ledger.at('other'));
    await writeFile(ledger.at('other', 'notes.txt'), 'buy milk');
    expect((await exported(ledger, 'other')).stderr).toMatch(/ DATA_FOREIGN: /);
    await exported(ledger, 'log');
    await writeFile(ledger.at('log', 'log.vkey'), `${noteSigner('other.example/0').vkey}\n`);
    const before = await filesOf(ledger.at('log'));
    const foreign = await exported(ledger, 'log');
    expect([foreign.exit, foreign.stderr]).toEqual([1, expect.stringMatching(/ FOREIGN_LEDGER: /)]);
    expect(await filesOf(ledger.at('log'))).toEqual(before);
    await writeFile(ledger.at('log', 'log.vkey'), 'no key');
    expect((await exported(ledger, 'log')).stderr).toMatch(/ DATA_DAMAGED: /);
  });

  it.each([
    ['G03: a folder ahead of the log', 'LOG_ROLLBACK', { size: 9 }],
    ['G02: another root of the same size', 'EQUIVOCATION', { root: new Uint8Array(32).fill(7) }],
  ])('%s: %s, and keeps both signed heads', async (_, code, change) => {
    const ledger = await started();
    await exported(ledger, 'log');
    const offered = await readFile(ledger.at('log', 'checkpoint'), 'utf8');
    const held = await putHead(ledger, ledger.at('log'), change);
    const refused = await exported(ledger, 'log');
    expect([refused.exit, refused.stderr]).toEqual([1, expect.stringContaining(` ${code}: `)]);
    const kept = (name: string): Promise<string> =>
      readFile(ledger.at('log', 'conflict', `${name}.checkpoint`), 'utf8');
    expect([await kept('held'), await kept('offered')]).toEqual([held, offered]);
    expect(await readFile(ledger.at('log', 'checkpoint'), 'utf8')).toBe(held);
  });

  it('G03: a log that was rolled back and grown past the folder: LOG_ROLLBACK', async () => {
    const ledger = await started();
    await exported(ledger, 'log');
    const held = await putHead(ledger, ledger.at('log'), { root: new Uint8Array(32).fill(7) });
    const { exec } = await ledger.ask(['--', '/bin/echo', 'hi']);
    await exec.signal('SIGINT');
    const refused = await exported(ledger, 'log');
    expect([refused.exit, refused.stderr]).toEqual([1, expect.stringContaining(' LOG_ROLLBACK: ')]);
    expect(await readFile(ledger.at('log', 'conflict', 'held.checkpoint'), 'utf8')).toBe(held);
    expect(await readFile(ledger.at('log', 'checkpoint'), 'utf8')).toBe(held);
  });
});
