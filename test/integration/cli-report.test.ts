import { execFileSync, spawnSync } from 'node:child_process';
import { chmod, cp, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HttpPerson } from '../support/http-person.ts';
import { approve, CliLedger, countersign, type Ended } from './cli-process.ts';
import { parsedCsv } from './parsed-csv.ts';

const HOSTILE = [
  '<script>alert(1)</script>',
  '</dd></dl><img src=x onerror=alert(2)>',
  '=HYPERLINK("http://evil.example","x")',
  '\u001B[2J\u001B[31mApproved by everybody',
  '\u202Egnp.exe',
];

type Rows = readonly Readonly<Record<string, string>>[];

async function rowsOf(folder: string): Promise<Rows> {
  return parsedCsv(await readFile(join(folder, 'actions.csv'), 'utf8'));
}

async function decide(
  person: HttpPerson,
  { id, verdict, why }: { id: string; verdict: 'approve' | 'deny'; why: string },
): Promise<void> {
  for (let i = 0; i < 200; i += 1) {
    if ((await person.inbox()).some(({ action_id }) => action_id === id)) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect((await person.decide(id, verdict, why)).status).toBe(201);
}

interface Played {
  readonly ledger: CliLedger;
  readonly person: HttpPerson;
  readonly bound: string;
  readonly denied: string;
  readonly other: string;
  readonly open: string;
}

const PLAYED_WITHIN_MS = 600_000;

/** One action of each end, with hostile words of everybody who can say any; exported, and a report of all of it. */
async function play(ledger: CliLedger): Promise<Played> {
  const person = await ledger.founder();
  const asked = await ledger.ask([
    ...['--purpose', '=1+1<b>the CFO approved</b>', '--', '/bin/echo'],
    ...HOSTILE,
  ]);
  await decide(person, { id: asked.id, verdict: 'approve', why: `@SUM(1)<script>\u001B[1m` });
  expect((await asked.exec.ended).exit).toBe(0);
  const refused = await ledger.ask(['--', '/bin/echo', 'no']);
  await decide(person, { id: refused.id, verdict: 'deny', why: "=cmd|' /C calc'!A0" });
  expect((await refused.exec.ended).exit).toBe(1);
  const second = await ledger.ask(['--', '/bin/echo', 'other']);
  await approve(person, second.id);
  expect((await second.exec.ended).exit).toBe(0);
  const waiting = await ledger.ask(['--', '/bin/echo', 'later']);
  await waiting.exec.signal('SIGINT');
  expect((await ledger.run('log export', ['log']).ended).exit).toBe(0);
  expect((await reported(ledger, 'all')).exit).toBe(0);
  const [bound, denied] = [asked.id, refused.id];
  return { ledger, person, bound, denied, other: second.id, open: waiting.id };
}

function reported(ledger: CliLedger, name: string, ...more: string[]): Promise<Ended> {
  return ledger.run('report', ['--out', name, ...more]).ended;
}

function trustOf(ledger: CliLedger): string {
  return join(ledger.data, 'trust.json');
}

/** Made of an exported log and kept evidence: with no server, no data folder. */
function reportedFrom(
  ledger: CliLedger,
  { log = 'log', evidence, out }: { log?: string; evidence?: string; out: string },
  ...more: string[]
): Promise<Ended> {
  return countersign(
    [
      ...['report', '--log', ledger.at(log), '--trust', trustOf(ledger), '--out', ledger.at(out)],
      ...(evidence === undefined ? [] : ['--evidence', ledger.at(evidence)]),
      ...more,
    ],
    { cwd: ledger.folder },
  );
}

describe('report', () => {
  let started: CliLedger | undefined;
  let at: Played;

  beforeAll(async () => {
    started = await CliLedger.start();
    at = await play(started);
  }, PLAYED_WITHIN_MS);

  afterAll(async () => {
    await started?.discard();
  });

  it('B10, E02: tells what was asked and decided, verified here, with hostile words inert', async () => {
    const { ledger, person, bound, denied, other, open } = at;
    const token = join(ledger.data, 'keys', 'read.token');
    const done = await countersign([
      ...['report', '--url', ledger.url, '--trust', trustOf(ledger), '--read-token', token],
      ...['--out', ledger.at('remote')],
    ]);
    expect([done.exit, done.stderr]).toEqual([
      0,
      expect.stringMatching(/ report of 4 actions .*\n {2}2 VALID at level human\n {2}2 LOGGED\n/),
    ]);
    const rows = await rowsOf(ledger.at('remote'));
    expect(rows.map((row) => [row['action_id'], row['result'], row['proof']])).toEqual([
      [bound, 'bound', 'VALID at level human'],
      [denied, 'denied', 'LOGGED'],
      [other, 'bound', 'VALID at level human'],
      [open, 'open', 'LOGGED'],
    ]);
    expect(rows[0]).toMatchObject({ uses: '1', last_result: 'succeeded', asked_by: 'local-agent' });
    expect(rows[0]?.['why']).toBe(String.raw`'@SUM(1)<script>\u{1b}[1m`);
    expect(rows[0]?.['shown']).toContain('<script>alert(1)</script>');
    expect(rows[1]?.['why']).toBe("'=cmd|' /C calc'!A0");
    expect(rows[0]?.['decisions']).toContain(person.person);
    for (const row of rows) {
      for (const cell of Object.values(row)) {
        expect(cell).not.toMatch(/^[=+\-@\t\r]/);
        expect(cell).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      }
    }
    const page = await readFile(ledger.at('remote', 'report.html'), 'utf8');
    expect(page).not.toMatch(/<script|<img|<b>|onerror=(?!alert\(2\)&gt;)/);
    expect(page).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u);
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(page).toContain('The agent’s own words, checked by nobody');
    expect(page).toContain("default-src 'none'");
    const claims = page.slice(page.indexOf('class="claims"'));
    expect(claims).toContain('=1+1&lt;b&gt;the CFO approved&lt;/b&gt;');
    expect(page).toMatch(new RegExp(`<td>${person.person}</td>\\s*<td>2</td>\\s*<td>1</td>`));
    expect(page).toMatch(/<td>33.3 %<\/td>/);
    execFileSync('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: ledger.at('remote') });
    expect((await stat(ledger.at('remote'))).mode & 0o777).toBe(0o700);
    const evidence = ledger.at('remote', 'evidence', `${bound}.json`);
    const verified = await countersign(['verify', evidence, '--trust', trustOf(ledger)]);
    expect(verified.exit).toBe(0);
  });

  it('E09: counts how people decided, and out of the exported log to the same', async () => {
    const { ledger, person } = at;
    const figures = async (...args: string[]): Promise<unknown[]> => {
      const { exit, stdout, stderr } = await ledger.run('report decisions', ['--json', ...args])
        .ended;
      expect([exit, stderr]).toEqual([0, '']);
      return stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as unknown);
    };
    const served = await figures();
    expect(served).toMatchObject([
      {
        ...{ person: person.person, approved: 2, denied: 1, taken_back: 0 },
        denied_per_mille: 333,
        load: {
          prompts_1h: { median: expect.any(Number) as number, most: expect.any(Number) as number },
          decisions_1h: { most: 2 },
        },
        days: expect.any(Number) as number,
      },
    ]);
    const log = ['--log', ledger.at('log'), '--trust', trustOf(ledger)];
    const again = await countersign(['report', 'decisions', '--json', ...log]);
    expect([again.exit, again.stdout]).toEqual([
      0,
      served.map((each) => `${JSON.stringify(each)}\n`).join(''),
    ]);
    expect(await figures('--to', '2001-01-01')).toEqual([]);
    expect(await figures('--person', 'prs_01M8KFEVBR2PAWBX72QWAAPJ13')).toEqual([]);
    const told = await ledger.run('report decisions', ['--person', person.person]).ended;
    expect(told.stdout).toMatch(
      /^prs_\w{26}\n {2}decided {7}3: 2 approved, 1 denied \(33.3 %\); 0 taken back\n {2}time {10}half within [^]*\n {2}hour before {3}at most \d+ requests to decide, /,
    );
  });

  it('G16: names the code of evidence that was spoiled, and shows nothing of it', async () => {
    const { ledger, bound } = at;
    const again = await reportedFrom(ledger, { evidence: 'all/evidence', out: 'again' });
    expect([again.exit, again.stdout]).toEqual([0, '']);
    expect((await rowsOf(ledger.at('again')))[0]).toEqual((await rowsOf(ledger.at('all')))[0]);
    await cp(ledger.at('all', 'evidence'), ledger.at('spoiled'), { recursive: true });
    const file = ledger.at('spoiled', `${bound}.json`);
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replaceAll('evil.example', 'good.example'));
    const spoiled = await reportedFrom(ledger, { evidence: 'spoiled', out: 'bad' });
    expect([spoiled.exit, spoiled.stderr]).toEqual([
      1,
      expect.stringContaining('1 REFUSED ACTION_DIGEST_MISMATCH'),
    ]);
    const page = await readFile(ledger.at('bad', 'report.html'), 'utf8');
    expect(page).toContain('<p class="proof refused">REFUSED ACTION_DIGEST_MISMATCH</p>');
    expect(page).not.toContain('good.example');
    const [row] = await rowsOf(ledger.at('bad'));
    expect(row).toMatchObject({ shown: '(not verified)', why: '', result: 'bound' });
    const without = await reportedFrom(ledger, { out: 'without' });
    expect([without.exit, without.stderr]).toEqual([
      3,
      expect.stringContaining('2 INDETERMINATE CONTENT_MISSING'),
    ]);
  });

  it('G16: takes no evidence of another action in the place of this one', async () => {
    const { ledger, bound, other } = at;
    await cp(ledger.at('all', 'evidence'), ledger.at('mixed'), { recursive: true });
    await cp(ledger.at('mixed', `${other}.json`), ledger.at('mixed', `${bound}.json`));
    const swapped = await reportedFrom(ledger, { evidence: 'mixed', out: 'swapped' });
    expect([swapped.exit, swapped.stderr]).toEqual([
      1,
      expect.stringContaining('1 REFUSED NOT_LOGGED'),
    ]);
  });

  it('G01: makes no report of a log of which an entry was changed', async () => {
    const { ledger } = at;
    await cp(ledger.at('log'), ledger.at('changed'), { recursive: true });
    const trust = JSON.parse(await readFile(trustOf(ledger), 'utf8')) as Record<string, unknown>;
    const plain = ledger.at('plain-trust.json');
    await writeFile(plain, JSON.stringify({ ...trust, pinned_head: undefined }));
    const [name = ''] = await readdir(ledger.at('changed', 'tile', 'entries', '000.p'));
    const bundle = ledger.at('changed', 'tile', 'entries', '000.p', name);
    const bytes = await readFile(bundle);
    const wrong = Buffer.from(bytes);
    // The time of another day, of the same length.
    const time = wrong.lastIndexOf('"at":"20');
    wrong.write('"at":"19', time);
    await writeFile(bundle, wrong);
    const refused = await reportedFrom(
      ledger,
      { log: 'changed', out: 'none' },
      ...['--trust', plain],
    );
    expect([refused.exit, refused.stderr]).toEqual([
      1,
      expect.stringContaining(' ROOT_MISMATCH: '),
    ]);
    expect(await readdir(ledger.folder)).not.toContain('none');
  });

  it('is of the period from its first moment to before its last, and may be empty', async () => {
    const { ledger, bound, denied, other, open } = at;
    const [first, second] = await rowsOf(ledger.at('all'));
    const [boundAt = '', deniedAt = ''] = [first?.['ended_at'], second?.['ended_at']];
    expect(boundAt < deniedAt).toBe(true);
    expect((await reported(ledger, 'from', '--from', deniedAt)).exit).toBe(0);
    const from = (await rowsOf(ledger.at('from'))).map((row) => row['action_id']);
    expect(from).toEqual([denied, other, open]);
    const period = ['--from', boundAt, '--to', deniedAt];
    expect((await reported(ledger, 'between', ...period)).exit).toBe(0);
    const between = (await rowsOf(ledger.at('between'))).map((row) => row['action_id']);
    expect(between).toEqual([bound]);
    expect((await reported(ledger, 'one', '--action', denied)).exit).toBe(0);
    expect((await rowsOf(ledger.at('one'))).map((row) => row['result'])).toEqual(['denied']);
    const empty = await reported(ledger, 'empty', '--from', '2001-01-01', '--to', '2001-02-01');
    expect([empty.exit, empty.stderr]).toEqual([0, expect.stringContaining(' of 0 actions ')]);
    expect(await rowsOf(ledger.at('empty'))).toEqual([]);
    const page = await readFile(ledger.at('empty', 'report.html'), 'utf8');
    expect(page).toContain('There is no action in this period.');
    const never = await reported(ledger, 'x', '--from', '2026-02-01', '--to', '2026-02-01');
    expect([never.exit, never.stderr]).toEqual([2, expect.stringContaining(' USAGE: --to')]);
    const twice = await reported(ledger, 'empty');
    expect([twice.exit, twice.stderr]).toEqual([2, expect.stringContaining(' FILE_EXISTS: ')]);
  });

  it.each([
    ['ed25519', ['-algorithm', 'ed25519']],
    ['P-256', ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256']],
  ])('signs its statements with a key of whoever makes it: %s', async (name, kind) => {
    const { ledger, bound } = at;
    const [key, pub] = [ledger.at(`${name}.key`), ledger.at(`${name}.pub`)];
    execFileSync('openssl', ['genpkey', ...kind, '-out', key]);
    execFileSync('openssl', ['pkey', '-in', key, '-pubout', '-out', pub]);
    await chmod(key, 0o644);
    const loose = await reported(ledger, 'loose', '--sign-key', key);
    expect(loose.stderr).toContain(' KEY_FILE_PERMISSIONS: ');
    await chmod(key, 0o600);
    expect((await reported(ledger, `signed-${name}`, '--sign-key', key)).exit).toBe(0);
    const file = ledger.at(`signed-${name}`, 'statements', `${bound}.dsse.json`);
    const evidence = ledger.at(`signed-${name}`, 'evidence', `${bound}.json`);
    const checked = await countersign(['statement', file, '--key', pub, '--evidence', evidence]);
    expect([checked.exit, checked.stdout]).toEqual([
      0,
      expect.stringMatching(/\nthey say {6}VALID at level human, at 20/),
    ]);
    const other = ledger.at('other.json');
    await writeFile(other, `${await readFile(evidence, 'utf8')} `);
    const unlike = await countersign(['statement', file, '--key', pub, '--evidence', other]);
    expect([unlike.exit, unlike.stderr]).toEqual([
      1,
      expect.stringContaining(' STATEMENT_OTHER_EVIDENCE: '),
    ]);
    const stranger = ledger.at('stranger.pub');
    const made = spawnSync('openssl', ['genpkey', ...kind]).stdout;
    await writeFile(stranger, execFileSync('openssl', ['pkey', '-pubout'], { input: made }));
    const wrong = await countersign(['statement', file, '--key', stranger]);
    expect([wrong.exit, wrong.stderr]).toEqual([
      1,
      expect.stringContaining(' SIGNATURE_INVALID: '),
    ]);
  });

  it('never signs with the key of the log, and says that a statement without a key is unsigned', async () => {
    const { ledger, bound } = at;
    const logKey = join(ledger.data, 'keys', 'log.key');
    const refused = await reported(ledger, 'none', '--sign-key', logKey);
    expect([refused.exit, refused.stderr]).toEqual([
      1,
      expect.stringContaining(' KEY_FILE_INVALID: '),
    ]);
    const file = ledger.at('all', 'statements', `${bound}.unsigned.json`);
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({
      _type: 'https://in-toto.io/Statement/v1',
      predicate: { outcome: 'VALID' },
    });
    const page = await readFile(ledger.at('all', 'report.html'), 'utf8');
    expect(page).toContain('unsigned: nobody vouches for them');
  });

  it('G14: says of erased content that it was erased, and verifies what is left', async () => {
    const { ledger, bound, denied } = at;
    for (const id of [bound, denied]) {
      expect((await ledger.run('erase', [id]).ended).exit).toBe(0);
    }
    expect((await reported(ledger, 'erased')).exit).toBe(0);
    const rows = await rowsOf(ledger.at('erased'));
    expect(rows[0]).toMatchObject({
      proof: 'VALID at level human',
      shown: '(erased)',
      why: '',
      erased_at: expect.stringMatching(/^20/) as string,
    });
    expect(rows[1]).toMatchObject({ proof: 'LOGGED', shown: '(erased)', why: '' });
    const page = await readFile(ledger.at('erased', 'report.html'), 'utf8');
    expect(page).toContain('The content was erased at 20');
    expect(page).not.toContain('evil.example');
  });
});
