import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseStatement } from '@countersign/report';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HttpPerson } from '../support/http-person.ts';
import { approve, CliLedger, COMMAND_RULE, countersign, idOf } from './cli-process.ts';

const WITHIN_MS = 600_000;
const DAY_MS = 86_400_000;

describe('a deputy, from the command line', { timeout: WITHIN_MS }, () => {
  let ledger: CliLedger;
  let founder: HttpPerson;
  let alice: HttpPerson;
  let bob: HttpPerson;

  beforeAll(async () => {
    ledger = await CliLedger.create();
    await ledger.serve('--port', String(ledger.port));
    founder = await ledger.founder();
    alice = await ledger.invited(founder);
    bob = await ledger.invited(founder);
    const rules = [{ ...COMMAND_RULE, approvers: [alice.person] }];
    await ledger.setPolicy(founder, { v: 'countersign.policy.v1', rules });
  }, WITHIN_MS);

  afterAll(async () => {
    await ledger.discard();
  });

  async function named(): Promise<void> {
    const until = new Date(Date.now() + DAY_MS).toISOString();
    const terms = ['--type', 'generic.command', '--until', until, '--reason', 'she is away'];
    const name = ledger.run('deputy name', [alice.person, bob.person, ...terms]);
    const id = await idOf(name);
    const own = await bob.decide(id, 'approve', 'for me');
    expect(own.body).toMatchObject({ code: 'NOT_ELIGIBLE' });
    await approve(founder, id);
    const { exit, stdout } = await name.ended;
    expect([exit, stdout]).toEqual([0, expect.stringContaining(`in the place of ${alice.person}`)]);
  }

  it('D12: is named by others, listed, and approves in the place of the person who is away', async () => {
    await named();
    const listed = await ledger.run('deputy list', []).ended;
    expect(listed.stdout).toContain(`${bob.person}  in the place of ${alice.person}`);
    const { exec, id } = await ledger.ask(['--', '/bin/echo', 'rotated']);
    const other = await founder.decide(id, 'approve', 'I may not');
    expect(other.body).toMatchObject({ code: 'NOT_ELIGIBLE' });
    await approve(bob, id);
    const ran = await exec.ended;
    expect([ran.exit, ran.stdout]).toEqual([0, 'rotated\n']);
    const shown = await ledger.run('show', [id]).ended;
    expect(shown.stdout).toContain(`approved by ${bob.person} in the place of ${alice.person}`);
    expect((await ledger.run('evidence', [id, '-o', 'evidence.json']).ended).exit).toBe(0);
    const trust = ['--trust', join(ledger.data, 'trust.json')];
    const verified = await countersign(['verify', ledger.at('evidence.json'), ...trust]);
    expect(verified.stdout + verified.stderr).toContain(
      `${bob.person} signed in the place of ${alice.person}`,
    );
    expect(verified.stdout).toContain(
      `approved by   ${bob.person} in the place of ${alice.person}`,
    );
    expect(verified.exit).toBe(0);
    const report = await ledger.run('report', ['--action', id, '--out', ledger.at('report')]).ended;
    expect(report.exit).toBe(0);
    for (const name of ['report.html', 'actions.csv']) {
      const text = await readFile(ledger.at('report', name), 'utf8');
      expect(text).toContain(`${bob.person} in the place of ${alice.person} (uv)`);
    }
    const stated = `statements/${id}.unsigned.json`;
    const statement = parseStatement(await readFile(ledger.at('report', stated)));
    expect(statement.approvals).toEqual([
      { person: bob.person, principal: alice.person, proofClass: 'uv' },
    ]);
  });

  it('is asked for no type that nobody can ask for', async () => {
    for (const type of ['generic.comand', 'authority.change']) {
      const terms = ['--type', type, '--until', '2027-01-06', '--reason', 'she is away'];
      const { exit, stderr } = await ledger.run('deputy name', [
        ...[alice.person, bob.person],
        ...terms,
      ]).ended;
      expect([exit, stderr]).toEqual([2, expect.stringContaining(`got ${type}`)]);
    }
  });

  it('D12: approves nothing once it is revoked, and the whole log follows from its entries', async () => {
    const revoke = ledger.run('deputy revoke', [alice.person, '--reason', 'she is back']);
    await approve(founder, await idOf(revoke));
    expect((await revoke.ended).exit).toBe(0);
    expect((await ledger.run('deputy list', []).ended).stdout).toBe('');
    const { exec, id } = await ledger.ask(['--', '/bin/echo', 'again']);
    const late = await bob.decide(id, 'approve', 'she is back');
    expect(late.body).toMatchObject({ code: 'NOT_ELIGIBLE' });
    await approve(alice, id);
    expect((await exec.ended).exit).toBe(0);
    expect((await ledger.run('log export', ['log']).ended).exit).toBe(0);
    const trust = ['--trust', join(ledger.data, 'trust.json')];
    const audit = await countersign(['audit', ledger.at('log'), ...trust]);
    expect([audit.exit, audit.stdout]).toEqual([0, expect.stringContaining('VALID')]);
  });

  it('is told to have no key, when it has none any more', async () => {
    await named();
    const revoke = ledger.run('revoke person', [bob.person, '--reason', 'he has left']);
    await approve(founder, await idOf(revoke));
    expect((await revoke.ended).exit).toBe(0);
    const { stdout } = await ledger.run('deputy list', []).ended;
    expect(stdout).toContain(`  nobody until ${bob.person} has a key\n`);
    expect(stdout).not.toContain(`nobody until ${alice.person}`);
  });
});
