import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HttpPerson } from '../support/http-person.ts';
import { approve, CliLedger, COMMAND_RULE, idOf } from './cli-process.ts';

const WITHIN_MS = 600_000;

describe('countersign enrol passkey', { timeout: WITHIN_MS }, () => {
  let ledger: CliLedger;
  let founder: HttpPerson;
  let second: HttpPerson;

  beforeAll(async () => {
    ledger = await CliLedger.start();
    founder = await ledger.founder();
    second = await ledger.withAnotherPasskey(founder);
  }, WITHIN_MS);

  afterAll(async () => {
    await ledger.discard();
  });

  async function links(): Promise<string[]> {
    return (await readdir(ledger.data)).filter((name) => name.startsWith('invitation-'));
  }

  it('gives a person another key, and each of them approves', async () => {
    expect(second.person).toBe(founder.person);
    expect(second.passkey.credentialId).not.toBe(founder.passkey.credentialId);
    for (const key of [second, founder]) {
      const { exec, id } = await ledger.ask(['--', '/bin/echo', 'one is enough']);
      await approve(key, id);
      expect(await exec.ended).toMatchObject({ exit: 0, stdout: 'one is enough\n' });
    }
  });

  it('tells whoever signs that the person is known, and whoever hands the link over where it is', async () => {
    const before = await links();
    const enrol = ledger.run('enrol passkey', [founder.person, '--json']);
    const id = await idOf(enrol);
    await approve(founder, id);
    const { action } = await founder.review(id);
    expect(action).toContain('"note":"another passkey for a person who is known already"');
    const { exit, stdout } = await enrol.ended;
    const said = JSON.parse(stdout) as Readonly<Record<'event' | 'person' | 'path', string>>;
    expect([exit, said.event, said.person]).toEqual([0, 'enrolled', founder.person]);
    // The link of the second key was used up, and its file is still there.
    const made = (await links()).filter((name) => !before.includes(name));
    expect(made.map((name) => join(ledger.data, name))).toEqual([said.path]);
    expect(await readFile(said.path, 'utf8')).toContain(`&p=${founder.person}&`);
  });

  it('knows nobody of another id, and leaves no link', async () => {
    const before = await links();
    const { exit, stderr } = await ledger.run('enrol passkey', [`prs_${'0'.repeat(26)}`]).ended;
    expect([exit, stderr]).toEqual([1, expect.stringMatching(/MEMBER_UNKNOWN.*\n.*list persons/)]);
    expect(await links()).toEqual(before);
  });

  it('lets the first key go: alone it could not have been taken away', async () => {
    const { credentialId } = founder.passkey;
    const lost = ['--reason', 'it was lost on the train', '--', credentialId];
    const revoke = ledger.run('revoke key', lost);
    await approve(second, await idOf(revoke));
    expect(await revoke.ended).toMatchObject({ exit: 0 });
  });

  it('D04: adds no voice', async () => {
    const third = await ledger.withAnotherPasskey(second);
    const alice = await ledger.invited(second);
    const rules = [{ ...COMMAND_RULE, approvals: 2, approvers: 'any' }];
    await ledger.setPolicy(second, { v: 'countersign.policy.v1', rules });
    const { exec, id } = await ledger.ask(['--', '/bin/echo', 'two of them']);
    await approve(second, id);
    const again = await third.decide(id, 'approve', 'with my other key');
    expect(again.body).toMatchObject({ code: 'DUPLICATE_HUMAN' });
    await approve(alice, id);
    expect(await exec.ended).toMatchObject({ exit: 0, stdout: 'two of them\n' });
  });
});
