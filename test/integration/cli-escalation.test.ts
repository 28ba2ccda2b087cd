import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HttpPerson } from '../support/http-person.ts';
import { approve, CliLedger, COMMAND_RULE, countersign } from './cli-process.ts';

const WITHIN_MS = 600_000;
const AFTER_S = 5;

describe('a request that goes on to others, from the command line', { timeout: WITHIN_MS }, () => {
  let ledger: CliLedger;
  let alice: HttpPerson;
  let bob: HttpPerson;

  beforeAll(async () => {
    ledger = await CliLedger.create();
    await ledger.serve('--port', String(ledger.port));
    const founder = await ledger.founder();
    alice = await ledger.invited(founder);
    bob = await ledger.invited(founder);
    const escalation = { after_s: AFTER_S, approvers: [bob.person] };
    const rules = [{ ...COMMAND_RULE, approvers: [alice.person], escalation }];
    await ledger.setPolicy(founder, { v: 'countersign.policy.v1', rules });
  }, WITHIN_MS);

  afterAll(async () => {
    await ledger.discard();
  });

  it('D11: is approved by the second group from its time on, and evidence, report and audit say so', async () => {
    const { exec, id } = await ledger.ask(['--', '/bin/echo', 'rotated']);
    const early = await bob.decide(id, 'approve', 'too early');
    expect(early.body).toMatchObject({ code: 'NOT_ELIGIBLE' });
    await sleep(AFTER_S * 1_000);
    await approve(bob, id);
    const ran = await exec.ended;
    expect([ran.exit, ran.stdout]).toEqual([0, 'rotated\n']);
    expect((await ledger.run('evidence', [id, '-o', 'evidence.json']).ended).exit).toBe(0);
    const trust = ['--trust', join(ledger.data, 'trust.json')];
    const verified = await countersign(['verify', ledger.at('evidence.json'), ...trust]);
    expect(verified.stdout).toContain(`approved by   ${bob.person} of the second group (uv)`);
    expect(verified.exit).toBe(0);
    const report = await ledger.run('report', ['--action', id, '--out', ledger.at('report')]).ended;
    expect(report.exit).toBe(0);
    for (const name of ['report.html', 'actions.csv']) {
      const text = await readFile(ledger.at('report', name), 'utf8');
      expect(text).toContain(`${bob.person} of the second group (uv)`);
    }
    expect((await ledger.run('log export', ['log']).ended).exit).toBe(0);
    const audit = await countersign(['audit', ledger.at('log'), ...trust]);
    expect([audit.exit, audit.stdout]).toEqual([0, expect.stringContaining('VALID')]);
  });

  it('is in the policy that is in force, which a ledger shows, and which differs from itself in nothing', async () => {
    const { exit, stdout } = await ledger.run('policy show', []).ended;
    expect(exit).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      rules: [{ escalation: { after_s: AFTER_S, approvers: [bob.person] } }],
    });
    const file = ledger.at('now.json');
    await writeFile(file, stdout);
    const compared = await ledger.run('policy diff', [file, file]).ended;
    expect([compared.exit, compared.stdout]).toEqual([
      0,
      expect.stringMatching(/^\d+ requests, 0 /),
    ]);
  });

  it('is told by a policy that is checked against the ledger: whom its keys leave too few', async () => {
    const rule = { ...COMMAND_RULE, id: 'two', approvals: 2 };
    const approvers = [alice.person, bob.person, 'prs_01KAR5RWY00000000000000009'];
    const root = `sha256:${'5c'.repeat(32)}`;
    const rules = [
      { ...rule, approvers },
      { ...rule, id: 'vouched', types: ['key.rotate'], approvers, attested: [{ root }] },
      { ...rule, id: 'anybody', types: ['payment.transfer'], approvals: 4, approvers: 'any' },
    ];
    const file = ledger.at('policy.json');
    await writeFile(file, JSON.stringify({ v: 'countersign.policy.v1', rules }));
    const { exit, stdout } = await ledger.run('policy check', [file]).ended;
    expect(stdout).toContain(
      'note     prs_01KAR5RWY00000000000000009 is named, and has no key: nobody of that name is asked',
    );
    expect(stdout.split('\n').filter((line) => line.startsWith('note     rule'))).toEqual([
      'note     rule vouched: 0 of 3 who may approve have a key that could count now, and it needs 2',
      'note     rule anybody: 3 of 3 who may approve have a key that could count now, and it needs 4',
    ]);
    expect(exit).toBe(0);
  });
});
