import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { approve, type CliLedger, countersign } from './cli-process.ts';
import { ledgersOfTests } from './ledgers-of-tests.ts';

const ledgers = ledgersOfTests();

async function approved(): Promise<{ ledger: CliLedger; id: string }> {
  const ledger = await ledgers.start();
  const person = await ledger.founder();
  const { exec, id } = await ledger.ask(['--', '/bin/echo', 'hi']);
  await approve(person, id);
  expect((await exec.ended).exit).toBe(0);
  return { ledger, id };
}

describe('evidence', () => {
  it('never writes over a file without being told to, and says where it is', async () => {
    const { ledger, id } = await approved();
    const path = ledger.at('evidence.json');
    const written = {
      exit: 0,
      stdout: '',
      stderr: `countersign: the evidence of ${id} is in ${path}\n`,
    };
    const fetched = ledger.run('evidence', [id, '-o', 'evidence.json']);
    expect(await fetched.ended).toEqual(written);
    await writeFile(path, 'the only copy');
    const again = await ledger.run('evidence', [id, '-o', path]).ended;
    expect([again.exit, again.stderr]).toEqual([
      2,
      expect.stringMatching(/FILE_EXISTS: .*\n.*--force/),
    ]);
    expect(await readFile(path, 'utf8')).toBe('the only copy');
    expect(await ledger.run('evidence', [id, '-o', path, '--force']).ended).toEqual(written);
    expect(await readFile(path, 'utf8')).toContain(id);
    const nowhere = await ledger.run('evidence', [id, '-o', 'none/evidence.json']).ended;
    expect([nowhere.exit, nowhere.stderr]).toEqual([
      2,
      expect.stringMatching(/DIRECTORY_NOT_FOUND/),
    ]);
  });

  it('H01: says of every binding whether its action could run without it', async () => {
    const { ledger, id } = await approved();
    const own = ledger.at('own.json');
    await ledger.run('evidence', [id, '-o', own]).ended;
    const trust = join(ledger.data, 'trust.json');
    const silent = await countersign(['verify', own, '--trust', trust]);
    expect(silent.stdout).toContain('\nassurance     not stated by the policy: ');
    const vectors = new URL('../vectors/evidence/valid/', import.meta.url);
    const text = await readFile(new URL('assurance-evidence-only.json', vectors), 'utf8');
    const vector = JSON.parse(text) as { evidence: string; trust: object };
    const files = [ledger.at('stated.json'), ledger.at('stated-trust.json')] as const;
    await writeFile(files[0], vector.evidence);
    await writeFile(files[1], JSON.stringify(vector.trust));
    const stated = await countersign(['verify', files[0], '--trust', files[1]]);
    expect(stated.stdout).toMatch(
      /\nassurance {5}who asks can reach the target .* \(evidence-only\)\n/,
    );
    const json = await countersign(['verify', files[0], '--trust', files[1], '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ facts: { assurance: 'evidence-only' } });
  });

  it('is told to be no JSON where another file was named', async () => {
    const { ledger } = await approved();
    const trust = join(ledger.data, 'trust.json');
    const text = ledger.at('notes.txt');
    await writeFile(text, 'buy milk');
    const verified = await countersign(['verify', text, '--trust', trust]);
    expect([verified.exit, verified.stdout]).toEqual([
      1,
      expect.stringMatching(/the file is not JSON\n\nREFUSED EVIDENCE_FORMAT\n$/),
    ]);
    const trusted = await countersign(['verify', text, '--trust', text]);
    expect(trusted.stderr).toMatch(/TRUST_FORMAT: .*notes\.txt: the file is not JSON \(/);
    const asked = await ledger.run('request', [text]).ended;
    expect(asked.stderr).toMatch(/USAGE: the action: is not JSON \(/);
    await writeFile(text, '{}');
    expect((await countersign(['verify', text, '--trust', trust])).stdout).not.toContain(
      'not JSON',
    );
  });
});
