import { appendFile, chmod, copyFile, readFile, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { DEFAULT_POLICY } from '@countersign/binding';
import type { HttpPerson } from '../support/http-person.ts';
import { approve, type CliLedger, type CliProcess } from './cli-process.ts';
import { ledgersOfTests } from './ledgers-of-tests.ts';

const ledgers = ledgersOfTests();

async function founded(): Promise<{ ledger: CliLedger; person: HttpPerson }> {
  const ledger = await ledgers.start();
  return { ledger, person: await ledger.founder() };
}

/** A script that leaves one line in a file each time it runs. */
async function script(ledger: CliLedger): Promise<string> {
  const path = ledger.at('job.sh');
  await writeFile(path, `#!/bin/sh\necho run >> ${ledger.at('marks')}\n`);
  await chmod(path, 0o755);
  return path;
}

describe('a command that waits', () => {
  it('goes on by itself when the ledger was started again, and runs once', async () => {
    const { ledger, person } = await founded();
    const { exec, id } = await ledger.ask(['--', await script(ledger)]);
    const watch = ledger.run('watch', [id]);
    await exec.said(/waiting/);
    await watch.said(/pending/);
    await ledger.stop('SIGKILL');
    await exec.said(/the ledger does not answer; trying again for 60 s/);
    await watch.said(/the ledger does not answer/);
    await ledger.serve();
    await person.signIn();
    await approve(person, id);
    const { exit, stderr } = await exec.ended;
    expect([exit, stderr]).toEqual([0, expect.stringContaining('the ledger answers again')]);
    expect(stderr.match(/does not answer/g)).toHaveLength(1);
    expect((await watch.ended).exit).toBe(0);
    expect(await readFile(ledger.at('marks'), 'utf8')).toBe('run\n');
  });

  it('gives up after COUNTERSIGN_RETRY_S, and prints the line to go on with', async () => {
    const { ledger } = await founded();
    const env = { COUNTERSIGN_RETRY_S: '1' };
    const { exec, id } = await ledger.ask(['--', '/bin/echo', 'hi'], { env });
    const watch = ledger.run('watch', [id], { env });
    await exec.said(/waiting/);
    await watch.said(/pending/);
    await ledger.stop('SIGKILL');
    for (const [process, line] of [
      [exec, `countersign exec --data ${ledger.data} --resume ${id} -- /bin/echo hi`],
      [watch, `countersign watch --data ${ledger.data} ${id}`],
    ] as const) {
      const { exit, stderr } = await process.ended;
      expect([exit, stderr]).toEqual([3, expect.stringContaining(`  go on with: ${line}\n`)]);
      expect(stderr).toMatch(/trying again for 1 s[^]*LEDGER_UNREACHABLE/);
    }
    const wrong = { env: { COUNTERSIGN_RETRY_S: 'ever' } };
    for (const process of [
      ledger.run('watch', [id], wrong),
      ledger.run('exec', ['--', '/bin/echo', 'hi'], wrong),
    ]) {
      const { exit, stderr } = await process.ended;
      expect([exit, stderr]).toEqual([2, expect.stringMatching(/USAGE: COUNTERSIGN_RETRY_S: /)]);
    }
  });

  it('says what stays open when it is interrupted, and that the change is made without it', async () => {
    const { ledger, person } = await founded();
    const enrol = ledger.run('enrol agent', ['bot']);
    const [, id = ''] = await enrol.said(/\/action\/([0-9A-Z]{26})/);
    const watch = ledger.run('watch', [id]);
    await watch.said(/pending/);
    const follow = `countersign watch --data ${ledger.data} ${id}`;
    const watched = await watch.signal('SIGINT');
    expect([watched.exit, watched.stderr]).toEqual([
      3,
      expect.stringMatching(/INTERRUPTED: .*\n {2}go on with: /),
    ]);
    expect(watched.stderr).toContain(follow);
    const { exit, stderr } = await enrol.signal('SIGINT');
    expect(exit).toBe(3);
    expect(stderr).toContain(`if it is approved at ${ledger.url}/action/${id}, the ledger makes`);
    expect(stderr).toContain(`${ledger.at('bot.key')} is the key of bot: keep it`);
    expect(stderr).toContain(`follow it with: ${follow}`);
    // What the hint promises.
    await approve(person, id);
    const again = ledger.run('watch', [id]);
    await again.said(/bound|used/);
    const asked = ledger.run('exec', [
      ...['--key', 'bot.key', '--agent-id', 'bot', '--', '/bin/echo', 'hi'],
    ]);
    await asked.said(/\/action\/([0-9A-Z]{26})/);
  });

  it('says that an approval stays open when what is here is not what was approved', async () => {
    const { ledger, person } = await founded();
    const path = await script(ledger);
    const approvedBytes = ledger.at('approved');
    await copyFile(path, approvedBytes);
    const { exec, id } = await ledger.ask(['--', path]);
    await appendFile(path, '#');
    await approve(person, id);
    const { exit, stderr } = await exec.ended;
    expect(exit).toBe(1);
    expect(stderr).toMatch(
      /ACTION_DIGEST_MISMATCH: .*\n {2}the file changed .*\n {2}the approval stays open until 2[0-9TZ:.-]+, for exactly what was approved\n/,
    );
    expect(stderr).toContain(`to run that: countersign exec --data ${ledger.data} --resume ${id}`);
    expect(stderr).toContain(`to take it back: ${ledger.url}/action/${id}\n`);
    await copyFile(approvedBytes, path);
    expect((await ledger.run('exec', ['--resume', id, '--', path]).ended).exit).toBe(0);
    const spent = await ledger.run('exec', ['--resume', id, '--', '/bin/echo']).ended;
    expect([spent.exit, /stays open/.test(spent.stderr)]).toEqual([1, false]);
  });

  it('watches until an approval is taken back, and until its time to be used has passed', async () => {
    const ledger = await ledgers.create();
    const { rules } = DEFAULT_POLICY;
    const policy = {
      ...DEFAULT_POLICY,
      rules: rules.map((rule) => ({ ...rule, use_within_s: 8 })),
    };
    await writeFile(ledger.at('policy.json'), JSON.stringify(policy));
    await ledger.serve('--port', String(ledger.port), '--policy', ledger.at('policy.json'));
    const person = await ledger.founder();
    const watched = async (): Promise<{ id: string; watch: CliProcess }> => {
      const { exec, id } = await ledger.ask(['--', '/bin/echo', 'hi']);
      await exec.signal('SIGINT');
      const watch = ledger.run('watch', [id]);
      await watch.said(/pending/);
      await approve(person, id);
      await watch.said(/bound/);
      return { id, watch };
    };
    const revoked = await watched();
    expect((await person.decide(revoked.id, 'revoke', 'on second thoughts')).status).toBe(201);
    const { exit, stdout } = await revoked.watch.ended;
    expect([exit, stdout.split(`${revoked.id}  `).at(-1)]).toEqual([
      1,
      expect.stringMatching(/^revoked\n[^]*revoked by .*: "on second thoughts"\n/),
    ]);
    const late = await watched();
    const [, useBy = ''] = await late.watch.said(/use_by +(2[0-9TZ:.-]+)/);
    const end = await late.watch.ended;
    expect([end.exit, end.stdout.split(`${late.id}  `).at(-1)]).toEqual([
      1,
      expect.stringMatching(/^bound\n/),
    ]);
    expect(Date.now()).toBeGreaterThan(Date.parse(useBy));
    // No later than a loaded machine may be, and sooner than the next answer of a ledger where nothing happens.
    expect(Date.now() - Date.parse(useBy)).toBeLessThan(15_000);
  });
});
