import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HttpPerson } from '../support/http-person.ts';
import { approve, CliLedger, idOf, type CliProcess } from './cli-process.ts';

const WITHIN_MS = 600_000;

describe('countersign revoke', { timeout: WITHIN_MS }, () => {
  let ledger: CliLedger;
  let founder: HttpPerson;
  let alice: HttpPerson;

  beforeAll(async () => {
    ledger = await CliLedger.start();
    founder = await ledger.founder();
    alice = await ledger.invited(founder);
  }, WITHIN_MS);

  afterAll(async () => {
    await ledger.discard();
  });

  function revoke(what: string, id: string, ...more: readonly string[]): CliProcess {
    return ledger.run(`revoke ${what}`, [id, '--reason', 'it is time', ...more]);
  }

  /** With what it says once the founder has signed for all that it asks for. */
  async function signed(command: CliProcess): Promise<{ exit: unknown; stdout: string }> {
    await approve(founder, await idOf(command));
    const { exit, stdout } = await command.ended;
    return { exit, stdout };
  }

  async function isListed(kind: string, id: string): Promise<boolean> {
    return (await ledger.run(`list ${kind}`, []).ended).stdout.includes(`"id":"${id}"`);
  }

  it('takes an agent and an executor away', async () => {
    const enrolled = [
      { kind: 'agent', args: ['passing-bot', '--operator'] },
      { kind: 'executor', args: ['passing-host', '--audience', 'passing'] },
    ];
    for (const { kind, args } of enrolled) {
      const [id = ''] = args;
      await signed(ledger.run(`enrol ${kind}`, args));
      expect(await isListed(`${kind}s`, id)).toBe(true);
      expect(await signed(revoke(kind, id))).toEqual({
        exit: 0,
        stdout: `countersign: the ${kind} ${id} is there no more\n`,
      });
      expect(await isListed(`${kind}s`, id)).toBe(false);
    }
  });

  it('says what there is not, before anybody is asked', async () => {
    for (const [what, id] of [
      ['key', alice.passkey.credentialId.replace(/^./, (first) => (first === 'A' ? 'B' : 'A'))],
      ['agent', 'nobody'],
      ['executor', 'nobody'],
      ['issuer', 'https://login.nobody.example'],
    ] as const) {
      const { exit, stderr } = await revoke(what, id).ended;
      expect([what, exit, stderr]).toEqual([what, 1, expect.stringContaining('MEMBER_UNKNOWN')]);
    }
    const nobody = await revoke('person', `prs_${'0'.repeat(26)}`).ended;
    expect([nobody.exit, nobody.stderr]).toEqual([1, expect.stringContaining('MEMBER_UNKNOWN')]);
    const ownerless = ['nobodys-bot', '--owner', `prs_${'0'.repeat(26)}`];
    const refused = await ledger.run('enrol agent', ownerless).ended;
    expect(refused.stderr).toContain('MEMBER_UNKNOWN');
    expect(refused.stderr).not.toContain('is enrolled');
    const own = await revoke('agent', 'operator').ended;
    expect([own.exit, own.stderr]).toEqual([2, expect.stringContaining('--agent-id NAME')]);
    const wrong = await revoke('key', 'not base64').ended;
    expect([wrong.exit, wrong.stderr]).toEqual([1, expect.stringContaining('nothing was sent')]);
  });

  it('D10: takes every key of a person who leaves, and names what is still theirs', async () => {
    const options = ['-q', '-t', 'ed25519', '-N', ''];
    execFileSync('ssh-keygen', [...options, '-f', ledger.at('key')]);
    await signed(ledger.run('enrol ssh-key', ['key.pub', '--person', alice.person]));
    await signed(ledger.run('enrol agent', ['her-bot', '--owner', alice.person]));
    const leave = revoke('person', alice.person);
    const [, first = ''] = await leave.said(/\/action\/([0-9A-Z]{26})/);
    const [, second = ''] = await leave.said(new RegExp(`/action/(?!${first})([0-9A-Z]{26})`));
    await approve(founder, first);
    await approve(founder, second);
    const { exit, stdout } = await leave.ended;
    expect(exit).toBe(0);
    expect(stdout).toContain(`the key ${alice.passkey.credentialId} of ${alice.person} decides`);
    expect(stdout.match(/decides nothing any more\n/g)).toHaveLength(2);
    expect(stdout).toContain('still theirs: the agent her-bot');
    expect(await isListed('credentials', alice.passkey.credentialId)).toBe(false);
    expect(await isListed('credentials', founder.passkey.credentialId)).toBe(true);
    await expect(alice.inbox()).rejects.toThrow('SESSION_INVALID');
    const again = await revoke('person', alice.person).ended;
    expect([again.exit, again.stdout]).toEqual([0, expect.stringContaining('the agent her-bot')]);
  });

  it('F10: takes a key away while the ledger is frozen', async () => {
    const bob = await ledger.invited(founder);
    await signed(ledger.run('freeze', ['--reason', 'somebody has his key']));
    const { exit } = await signed(revoke('key', bob.passkey.credentialId));
    expect([exit, await isListed('credentials', bob.passkey.credentialId)]).toEqual([0, false]);
    await signed(ledger.run('thaw', ['--reason', 'it is gone']));
  });

  it('does not take the last key that could undo it', async () => {
    const last = revoke('key', founder.passkey.credentialId);
    const { exit, stderr } = await last.ended;
    expect([exit, stderr]).toEqual([
      1,
      expect.stringMatching(/WOULD_LOCK_OUT: .*\n.* enrol passkey PERSON/),
    ]);
  });
});
