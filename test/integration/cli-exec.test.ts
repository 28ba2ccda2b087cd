import {
  appendFile,
  chmod,
  copyFile,
  readdir,
  readFile,
  rename,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { canonicalBytes, formatTimestamp, utf8, type Json } from '@countersign/canonical';
import { LEDGER_EXECUTOR, signedMessage, type UseClaim } from '@countersign/binding';
import { keyThumbprint, newUlid, readKeyFile, signEd25519 } from '@countersign/crypto-node';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import type { HttpPerson } from '../support/http-person.ts';
import { post } from '../support/http-person.ts';
import {
  approve,
  type CliLedger,
  countersign,
  type CliOptions,
  type Ended,
} from './cli-process.ts';
import { ledgersOfTests } from './ledgers-of-tests.ts';

const SECRET = 'hunter2-is-not-for-the-log';

const ledgers = ledgersOfTests();

async function founded(
  options: CliOptions = {},
): Promise<{ ledger: CliLedger; person: HttpPerson }> {
  const ledger = await ledgers.start(options);
  return { ledger, person: await ledger.founder() };
}

/** A script that leaves one line in a file each time it runs. */
async function countingScript(
  ledger: CliLedger,
  body = '',
): Promise<{ path: string; runs: () => Promise<number> }> {
  const [path, marks] = [ledger.at('job.sh'), ledger.at('marks')];
  await writeFile(path, `#!/bin/sh\necho run >> ${marks}\n${body}\n`);
  await chmod(path, 0o755);
  const runs = async (): Promise<number> => {
    const isThere = (await readdir(ledger.folder)).includes('marks');
    return isThere ? (await readFile(marks, 'utf8')).split('\n').length - 1 : 0;
  };
  return { path, runs };
}

async function bound(
  { ledger, person }: { ledger: CliLedger; person: HttpPerson },
  args: readonly string[],
  options: CliOptions = {},
): Promise<Ended & { id: string }> {
  const { exec, id } = await ledger.ask(args, options);
  await approve(person, id);
  return { ...(await exec.ended), id };
}

function codeIn({ stderr }: Ended): string | undefined {
  return /countersign: ([A-Z_]+): /.exec(stderr)?.[1];
}

async function evidenceOf(ledger: CliLedger, id: string): Promise<string> {
  const path = ledger.at(`${id}.evidence.json`);
  expect((await ledger.run('evidence', [id, '-o', path, '--force']).ended).exit).toBe(0);
  return path;
}

/** Every file below a folder, by name. */
async function filesOf(folder: string): Promise<Map<string, Buffer>> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile());
  return new Map(
    await Promise.all(
      files.map(async ({ parentPath, name }): Promise<[string, Buffer]> => {
        const path = join(parentPath, name);
        return [path, await readFile(path)];
      }),
    ),
  );
}

describe('exec', () => {
  it('runs what a person approved, and leaves evidence that verifies without ledger or network', async () => {
    const at = await founded();
    const { ledger } = at;
    const done = await bound(
      at,
      [
        '--env',
        'GREETING',
        '--stdin',
        '-',
        '--purpose',
        'say hello',
        '--cwd',
        '/usr',
        '--',
        '/bin/sh',
        '-c',
        'pwd; cat; echo "$GREETING $COUNTERSIGN_USE ${HOME:-no home}"',
      ],
      { env: { GREETING: 'hello', HOME: '/root' }, stdin: 'typed\n' },
    );
    expect(done.exit).toBe(0);
    expect(done.stdout).toMatch(/^\/usr\ntyped\nhello cs-[0-9A-Z]{10} no home\n$/);

    const file = await evidenceOf(ledger, done.id);
    const trust = ledger.at('trust.json');
    await writeFile(trust, await readFile(join(ledger.data, 'trust.json')));
    await ledger.stop();
    await rename(ledger.data, ledger.at('gone'));
    const verify = (...more: string[]): Promise<Ended> =>
      countersign(['verify', file, '--trust', trust, ...more], { cwd: ledger.folder });

    const human = await verify();
    expect(human.exit).toBe(0);
    expect(human.stdout).toMatch(/VALID at level human\n$/);
    expect(human.stdout).toContain(at.person.person);
    expect(human.stdout).toContain('I looked at it');
    expect((await verify('--level', 'sealed')).exit).toBe(0);
    const { facts } = JSON.parse((await verify('--json')).stdout) as {
      facts: { uses: unknown[]; action_id: string };
    };
    expect(facts).toMatchObject({ action_id: done.id, agent: 'local-agent' });
    expect(facts.uses).toHaveLength(1);

    const changed = (await readFile(file, 'utf8')).replace('say hello', 'say hallo');
    await writeFile(file, changed);
    const refused = await verify('--json');
    expect(refused.exit).toBe(1);
    expect(JSON.parse(refused.stdout)).toMatchObject({ code: 'ACTION_DIGEST_MISMATCH' });
    await writeFile(file, '{}');
    expect((await verify()).stdout).toMatch(/REFUSED EVIDENCE_FORMAT\n$/);
    expect((await countersign(['verify', file])).exit).toBe(2);
  });

  it('proves that it was approved, and says that it may not run any more', async () => {
    const at = await founded();
    const used = await bound(at, ['--', '/bin/echo', 'x']);
    const { exec, id } = await at.ledger.ask(['--', '/bin/echo', 'y']);
    await exec.signal('SIGINT');
    await approve(at.person, id);
    const [spent, open] = [await evidenceOf(at.ledger, used.id), await evidenceOf(at.ledger, id)];
    const verify = async (file: string, ...more: string[]): Promise<unknown[]> => {
      const trust = join(at.ledger.data, 'trust.json');
      const { exit, stdout } = await countersign(['verify', file, '--trust', trust, ...more]);
      return [exit, stdout];
    };
    const says = (text: string): unknown => expect.stringContaining(text);
    expect(await verify(spent)).toEqual([0, says('MAY NOT RUN   ALREADY_CONSUMED')]);
    expect(await verify(spent, '--now', 'now')).toEqual([0, says('MAY NOT RUN')]);
    expect(await verify(spent, '--json')).toEqual([0, says('"may_run":{"answer":false')]);
    expect(await verify(spent, '--for-use')).toEqual([1, says('REFUSED ALREADY_CONSUMED')]);
    expect(await verify(open)).toEqual([0, says('may run       yes')]);
    expect(await verify(open, '--for-use')).toEqual([0, says('VALID at level human')]);
    const late = ['--for-use', '--now', '2099-01-01T00:00:00.000Z'];
    expect(await verify(open, ...late)).toEqual([1, says('REFUSED EXPIRED')]);
    expect((await at.person.decide(id, 'revoke', 'on second thoughts')).status).toBe(201);
    const revoked = await evidenceOf(at.ledger, id);
    expect(await verify(revoked, '--now', 'now')).toEqual([0, says('MAY NOT RUN   REVOKED')]);
    expect(await verify(revoked, '--for-use')).toEqual([1, says('REFUSED REVOKED')]);
    const resumed = await at.ledger.run('exec', ['--resume', id]).ended;
    expect([resumed.exit, codeIn(resumed)]).toEqual([1, 'REVOKED']);
    expect(resumed.stderr).toContain(`revoked by ${at.person.person}: "on second thoughts"`);
  });

  it('tells apart what ran and failed, what was denied, and what could not even be asked', async () => {
    const at = await founded();
    const failed = await bound(at, ['--json', '--', '/bin/sh', '-c', 'exit 4']);
    expect(failed.exit).toBe(10);
    expect(failed.stderr).toContain('"exit_status":4');

    const slow = await bound(at, ['--timeout', '1', '--', '/bin/sleep', '30']);
    expect(slow.exit).toBe(10);

    const { exec, id } = await at.ledger.ask(['--', '/bin/echo', 'no']);
    const watch = at.ledger.run('watch', [id]);
    await watch.said(/pending/);
    await at.person.decide(id, 'deny', 'not today\u001B[2J');
    const denied = await exec.ended;
    expect([denied.exit, codeIn(denied), denied.stdout]).toEqual([1, 'DENIED', '']);
    const words = `denied by ${at.person.person}: "not today\\u001b[2J"`;
    expect(denied.stderr).toContain(words);
    const { exit: watched, stdout: seen } = await watch.ended;
    expect([watched, seen]).toEqual([1, expect.stringContaining(words)]);
    expect((await at.ledger.run('show', [id]).ended).stdout).toContain(words);

    for (const args of [
      ['--', './none'],
      ['--env', 'NOT_SET', '--', '/bin/echo'],
      [],
      ['--wrong'],
    ]) {
      const { exit, stdout } = await at.ledger.run('exec', args).ended;
      expect([exit, stdout]).toEqual([2, '']);
    }
  });

  it('does not run a file that was changed after it was approved (A01)', async () => {
    const at = await founded();
    const { path, runs } = await countingScript(at.ledger);
    const { exec, id } = await at.ledger.ask(['--', path]);
    await writeFile(path, (await readFile(path, 'utf8')).replace('run', 'ran'));
    await approve(at.person, id);
    const refused = await exec.ended;
    expect([refused.exit, codeIn(refused)]).toEqual([1, 'ACTION_DIGEST_MISMATCH']);
    expect(await runs()).toBe(0);
  });

  it('does not run an approved script with another interpreter than was shown (A07)', async () => {
    const at = await founded();
    const { path, runs } = await countingScript(at.ledger);
    const interpreter = at.ledger.at('interpreter');
    await copyFile('/bin/sh', interpreter);
    await writeFile(path, (await readFile(path, 'utf8')).replace('/bin/sh', interpreter));
    const { exec, id } = await at.ledger.ask(['--', path]);
    await appendFile(interpreter, 'x');
    await approve(at.person, id);
    const refused = await exec.ended;
    expect([refused.exit, codeIn(refused)]).toEqual([1, 'ACTION_DIGEST_MISMATCH']);
    expect(await runs()).toBe(0);
  });

  it('does not run another command, secret or input under an approval (A01, A04)', async () => {
    const at = await founded();
    const { path, runs } = await countingScript(at.ledger);
    const asked = ['--secret-env', 'TOKEN', '--stdin', '-', '--', path, 'a.txt'];
    const env = { TOKEN: SECRET };
    const { exec, id } = await at.ledger.ask(asked, { env, stdin: 'input' });
    expect((await exec.signal('SIGINT')).exit).toBe(3);
    await approve(at.person, id);
    const resumed = async (args: readonly string[], options: CliOptions): Promise<string[]> => {
      const ended = await at.ledger.run('exec', ['--resume', id, '--stdin', '-', ...args], options)
        .ended;
      return [String(ended.exit), codeIn(ended) ?? ''];
    };
    const mismatch = ['1', 'ACTION_DIGEST_MISMATCH'];
    expect(await resumed(['--', path, '/etc/shadow'], { env, stdin: 'input' })).toEqual(mismatch);
    expect(await resumed([], { env: { TOKEN: 'other' }, stdin: 'input' })).toEqual(mismatch);
    expect(await resumed([], { env, stdin: 'other' })).toEqual(mismatch);
    expect(await runs()).toBe(0);
    expect(await resumed([], { env, stdin: 'input' })).toEqual(['0', '']);
    expect(await runs()).toBe(1);
  });

  it('runs once: neither --resume nor a second claim starts it again (C01)', async () => {
    const at = await founded();
    const { path, runs } = await countingScript(at.ledger);
    const { id, exit } = await bound(at, ['--', path]);
    expect(exit).toBe(0);
    const again = await at.ledger.run('exec', ['--resume', id]).ended;
    expect(again.exit).toBe(0);
    expect(await runs()).toBe(1);
    const { status, body } = await secondClaim(at.ledger, id);
    expect([status, body['code']]).toEqual([409, 'ALREADY_CONSUMED']);
    const entry = JSON.parse((body['entry'] as { text: string }).text) as object;
    expect(entry).toMatchObject({
      type: 'use-refused',
      first_use: (await claimOf(at.ledger, id)).use_id,
    });
  });

  it('C16: reports OUTCOME_UNKNOWN and does not run again when it was killed while the command ran', async () => {
    const at = await founded();
    const { path, runs } = await countingScript(at.ledger, 'echo started; exec sleep 5');
    const { exec, id } = await at.ledger.ask(['--', path]);
    await approve(at.person, id);
    await exec.said(/started/);
    await exec.signal('SIGKILL');
    const resumed = await at.ledger.run('exec', ['--resume', id, '--json']).ended;
    expect(resumed.exit).toBe(3);
    expect(resumed.stderr).toContain('"result":"unknown"');
    expect(resumed.stderr).toContain('"code":"OUTCOME_UNKNOWN"');
    expect(await runs()).toBe(1);
    const shown = await at.ledger.run('show', [id, '--json']).ended;
    expect(JSON.parse(shown.stdout)).toMatchObject({ status: 'used', result: 'unknown' });
  });

  it('refuses to go on with what another process is at, and leaves the report to that one', async () => {
    const at = await founded();
    const go = at.ledger.at('go');
    const body = `echo started; until test -e ${go}; do sleep 0.1; done`;
    const { path, runs } = await countingScript(at.ledger, body);
    const { exec, id } = await at.ledger.ask(['--', path]);
    const early = await at.ledger.run('exec', ['--resume', id]).ended;
    expect([early.exit, codeIn(early)]).toEqual([3, 'RESUME_BUSY']);
    await approve(at.person, id);
    await exec.said(/started/);
    const second = await at.ledger.run('exec', ['--resume', id]).ended;
    expect([second.exit, codeIn(second)]).toEqual([3, 'RESUME_BUSY']);
    await writeFile(go, '');
    expect((await exec.ended).exit).toBe(0);
    const shown = await at.ledger.run('show', [id, '--json']).ended;
    expect(JSON.parse(shown.stdout)).toMatchObject({ status: 'used', result: 'succeeded' });
    // Once that one is gone, its result is what a resumed exec tells.
    expect((await at.ledger.run('exec', ['--resume', id]).ended).exit).toBe(0);
    expect(await runs()).toBe(1);
  });

  it('passes Ctrl-C on to the command, and reports how that ended', async () => {
    const at = await founded();
    const { path } = await countingScript(at.ledger, "trap 'exit 7' INT; echo started; sleep 30");
    const { exec, id } = await at.ledger.ask(['--', path]);
    await approve(at.person, id);
    await exec.said(/started/);
    expect((await exec.signal('SIGINT')).exit).toBe(10);
    const shown = await at.ledger.run('show', [id, '--json']).ended;
    expect(JSON.parse(shown.stdout)).toMatchObject({ status: 'used', result: 'failed' });
  });

  it('does not run when the ledger goes away, and goes on when it is back (H02)', async () => {
    const at = await founded();
    const { path, runs } = await countingScript(at.ledger);
    const env = { COUNTERSIGN_RETRY_S: '1' };
    const { exec, id } = await at.ledger.ask(['--', path], { env });
    await exec.said(/waiting/);
    await at.ledger.stop('SIGKILL');
    const cut = await exec.ended;
    expect([cut.exit, codeIn(cut)]).toEqual([3, 'LEDGER_UNREACHABLE']);
    expect(cut.stderr).toContain(`--resume ${id}`);
    const offline = await at.ledger.run('exec', ['--resume', id]).ended;
    expect([offline.exit, await runs()]).toEqual([3, 0]);
    await at.ledger.serve();
    await at.person.signIn();
    await approve(at.person, id);
    expect((await at.ledger.run('exec', ['--resume', id]).ended).exit).toBe(0);
    expect(await runs()).toBe(1);
  });

  it('does not run what was approved in time but is executed late (C07)', async () => {
    const at = await founded();
    await setShortPolicy(at);
    const { path, runs } = await countingScript(at.ledger);
    const { exec, id } = await at.ledger.ask(['--', path]);
    await exec.signal('SIGINT');
    await approve(at.person, id);
    // A second to use it, and the five of skew that a verifier allows.
    await new Promise((resolve) => setTimeout(resolve, 7_500));
    const late = await at.ledger.run('exec', ['--resume', id]).ended;
    expect([late.exit, codeIn(late)]).toEqual([1, 'EXPIRED']);
    expect(await runs()).toBe(0);
  });

  it('never lets a secret value out: not into the folder, the log, or any answer (H09)', async () => {
    const at = await founded({ env: { COUNTERSIGN_LOG_LEVEL: 'trace' } });
    const { ledger, person } = at;
    const args = ['--secret-env', 'TOKEN', '--', '/bin/sh', '-c', 'test -n "$TOKEN"'];
    const done = await bound(at, args, { env: { TOKEN: SECRET } });
    expect(done.exit).toBe(0);
    const answers = await Promise.all(
      ['', '/review', '/evidence'].map((path) => person.get(`/v1/actions/${done.id}${path}`)),
    );
    const entries = await person.get('/v1/log/entries?start=0&limit=100');
    const server = await ledger.stop();
    const said = JSON.stringify([done, answers, entries, server]);
    // The scan would find something: names and digests are there.
    expect(said).toContain('TOKEN');
    const forms = [
      SECRET,
      Buffer.from(SECRET).toString('base64').slice(0, 20),
      Buffer.from(SECRET).toString('hex'),
    ];
    for (const form of forms) expect(said).not.toContain(form);
    const files = await filesOf(ledger.folder);
    expect(files.size).toBeGreaterThan(10);
    for (const [name, bytes] of files) {
      for (const form of forms) expect([name, bytes.includes(form)]).toEqual([name, false]);
    }
  });
});

describe('the other commands', () => {
  it('enrol an agent by a person’s approval, who can then ask from elsewhere', async () => {
    const { ledger, person } = await founded();
    const enrol = ledger.run('enrol agent', ['bot']);
    const [, id = ''] = await enrol.said(/\/action\/([0-9A-Z]{26})/);
    await approve(person, id);
    expect((await enrol.ended).exit).toBe(0);
    const trust = join(ledger.data, 'trust.json');
    const remote = ['--url', ledger.url, '--key', 'bot.key', '--agent-id', 'bot', '--trust', trust];
    const key = ['--executor-key', join(ledger.data, 'keys', 'executor.key')];
    const exec = countersign(['exec', ...remote, ...key, '--', '/bin/echo', 'from elsewhere'], {
      cwd: ledger.folder,
    });
    await approve(person, await newestOf(person, id));
    expect(await exec).toMatchObject({ exit: 0, stdout: 'from elsewhere\n' });
  });

  it('invite a person, whose link stays in a file', async () => {
    const { ledger, person } = await founded();
    const enrol = ledger.run('enrol person', []);
    const [, id = ''] = await enrol.said(/\/action\/([0-9A-Z]{26})/);
    await approve(person, id);
    const { exit, stdout, stderr } = await enrol.ended;
    expect(exit).toBe(0);
    expect(stdout + stderr).not.toContain('#i=');
    const names = await readdir(ledger.data);
    expect(names.filter((name) => name.startsWith('invitation-prs_'))).toHaveLength(1);
  });

  it('erase the content of an action, and keep its proofs', async () => {
    const at = await founded();
    const { id } = await bound(at, ['--purpose', 'a private matter', '--', '/bin/echo', 'x']);
    const erased = await at.ledger.run('erase', [id]).ended;
    expect(erased.exit).toBe(0);
    const shown = await at.ledger.run('show', [id]).ended;
    expect(shown.stdout).toContain(`approved by ${at.person.person}: reason erased`);
    const file = await evidenceOf(at.ledger, id);
    expect(await readFile(file, 'utf8')).not.toContain('a private matter');
    const trust = join(at.ledger.data, 'trust.json');
    const { exit, stdout } = await countersign(['verify', file, '--trust', trust]);
    expect([exit, stdout]).toEqual([0, expect.stringMatching(/content +erased: digests only/)]);
    await at.ledger.stop();
    for (const [name, bytes] of await filesOf(at.ledger.data)) {
      expect([name, bytes.includes('a private matter')]).toEqual([name, false]);
    }
  });

  it('show the log and its proofs', async () => {
    const at = await founded();
    const { id } = await bound(at, ['--', '/bin/echo', 'x']);
    const run = async (command: string, ...args: string[]): Promise<string> => {
      const { exit, stdout, stderr } = await at.ledger.run(command, args).ended;
      expect([exit, stderr]).toEqual([0, '']);
      return stdout;
    };
    expect(await run('log checkpoint')).toMatch(/^countersign\.local\/[0-9A-Z]{26}\/0\n[0-9]+\n/);
    expect(await run('log list')).toMatch(/ledger-founded[^]*binding-made[^]*execution-reported/);
    const [, size = ''] = (await run('log checkpoint')).split('\n');
    expect(JSON.parse(await run('log inclusion', '0', size))).toHaveProperty('hashes');
    expect(JSON.parse(await run('log consistency', '1', size))).toHaveProperty('hashes');
    expect(await run('watch', id)).toMatch(/used/);
  });

  it('say what to type as they were called, and which argument was wrong', async () => {
    const options = { env: { COUNTERSIGN_COMMAND: './countersign' }, cwd: '/' };
    for (const words of [
      ['--help'],
      ['exec', '--help'],
      ['request', '--help'],
      ['log', '--help'],
    ]) {
      const { exit, stdout } = await countersign(words, options);
      expect([words, exit, /[$|] countersign /.test(stdout)]).toEqual([words, 0, false]);
      expect(stdout).toContain('Usage: ./countersign ');
    }
    const missing = await countersign(['show', newUlid(Date.now())], options);
    expect(missing.stderr).toContain('`./countersign serve`');
    for (const [place, ...words] of [
      ['id', 'show', 'nope'],
      ['id', 'evidence', '../ledger'],
      ['--limit', 'log', 'list', '--limit', '5000'],
      ['--start', 'log', 'list', '--start', 'x'],
      ['--owner', 'enrol', 'agent', 'bot', '--owner', 'me'],
      ['/etc/passwd', 'verify', '/etc/hosts', '--trust', '/etc/passwd'],
    ] as const) {
      const { stderr } = await countersign([...words], options);
      expect(stderr).toMatch(new RegExp(`^countersign: [A-Z_]+: ${place}: `));
    }
  });

  it('read no more of a file than it may hold, whatever it says of its size', async () => {
    const { ledger } = await founded();
    const trust = join(ledger.data, 'trust.json');
    const key = join(ledger.data, 'keys', 'agent.key');
    const remote = ['--url', ledger.url, '--key', key, '--agent-id', 'local-agent'];
    for (const words of [
      ['verify', '/dev/zero', '--trust', trust],
      ['verify', trust, '--trust', '/dev/zero'],
      ['request', '/dev/zero', ...remote, '--trust', trust],
      ['show', newUlid(Date.now()), ...remote, '--trust', '/dev/zero'],
      ['log', 'checkpoint', '--data', ledger.data, '--read-token', '/dev/zero'],
    ]) {
      const refused = await countersign(words);
      expect([words, refused.exit, codeIn(refused)]).toEqual([words, 2, 'FILE_TOO_LARGE']);
    }
  });

  it('refuse another ledger than the trust file names', async () => {
    const [one, two] = [await founded(), await founded()];
    const key = join(one.ledger.data, 'keys', 'agent.key');
    const trust = join(two.ledger.data, 'trust.json');
    const foreign = await countersign([
      'show',
      newUlid(Date.now()),
      '--url',
      one.ledger.url,
      '--key',
      key,
      '--agent-id',
      'local-agent',
      '--trust',
      trust,
    ]);
    expect([foreign.exit, codeIn(foreign)]).toEqual([1, 'FOREIGN_LEDGER']);
  });
});

async function newestOf(person: HttpPerson, before: string): Promise<string> {
  for (;;) {
    const open = (await person.inbox()).find(({ action_id }) => action_id !== before);
    if (open !== undefined) return open.action_id;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function claimOf(ledger: CliLedger, id: string): Promise<Omit<UseClaim, 'item'>> {
  const record = await readFile(join(ledger.data, 'requests', `${id}.use.json`), 'utf8');
  const { frame } = JSON.parse(record) as { frame: string };
  const { payload } = JSON.parse(frame) as { payload: string };
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as UseClaim;
}

/** A thief with the executor's key and a binding that was used. */
async function secondClaim(ledger: CliLedger, id: string): ReturnType<typeof post> {
  const key = await readKeyFile(join(ledger.data, 'keys', 'executor.key'));
  const claim = {
    ...(await claimOf(ledger, id)),
    use_id: newUlid(Date.now()),
    claimed_at: formatTimestamp(Date.now()),
  };
  const payload = canonicalBytes(claim);
  return post(
    { url: ledger.url, path: '/v1/uses' },
    {
      payload: Buffer.from(payload).toString('base64url'),
      key: keyThumbprint(key.publicKeySpki),
      signature: Buffer.from(signEd25519(key, signedMessage('use', payload))).toString('base64url'),
    },
  );
}

/** From now on a command has to be used within a second. */
async function setShortPolicy({
  ledger,
  person,
}: {
  ledger: CliLedger;
  person: HttpPerson;
}): Promise<void> {
  const { origin } = JSON.parse(await readFile(join(ledger.data, 'ledger.json'), 'utf8')) as {
    origin: string;
  };
  const descriptor = BUILTIN_DESCRIPTORS.find(({ type }) => type === 'authority.change');
  const policy: Json = {
    v: 'countersign.policy.v1',
    rules: [
      {
        id: 'short',
        types: ['generic.command'],
        approvals: 1,
        approvers: 'any',
        proof_classes: ['uv'],
        rationale: 'optional',
        decide_within_s: 600,
        use_within_s: 1,
        start_within_s: 1,
        max_uses: 1,
      },
    ],
  };
  const action = {
    type: 'authority.change',
    params: { change: { kind: 'policy-set', policy } },
    executor: { id: LEDGER_EXECUTOR, audience: origin, descriptor_digest: descriptor?.digest },
  };
  const key = join(ledger.data, 'keys', 'operator.key');
  const asked = ledger.run('request', ['-', '--key', key, '--agent-id', 'operator', '--json'], {
    stdin: Buffer.from(utf8(JSON.stringify(action))).toString(),
  });
  const { action_id: id } = JSON.parse((await asked.ended).stdout) as { action_id: string };
  await approve(person, id);
}
