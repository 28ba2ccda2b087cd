import { readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { approve, idOf, type CliLedger } from './cli-process.ts';
import { ledgersOfTests } from './ledgers-of-tests.ts';

const ledgers = ledgersOfTests();

async function freezeOf({ url }: CliLedger): Promise<unknown> {
  const answer = (await (await fetch(`${url}/v1/ledger`)).json()) as { freeze: unknown };
  return answer.freeze;
}

describe('countersign freeze and thaw', () => {
  it('F10: stop everything by one signature, and go on without what was approved before', async () => {
    const ledger = await ledgers.start();
    const person = await ledger.founder();
    expect(await freezeOf(ledger)).toEqual({ epoch: 0, frozen: false });
    const before = await ledger.ask(['--', '/bin/echo', 'before']);

    const freeze = ledger.run('freeze', ['--reason', 'the bot asks for too much']);
    await approve(person, await idOf(freeze));
    expect(await freeze.ended).toMatchObject({ exit: 0 });
    expect(await freezeOf(ledger)).toEqual({ epoch: 1, frozen: true });
    const metrics = await (await fetch(`${ledger.url}/metrics`)).text();
    expect(metrics).toContain('countersign_frozen 1\n');

    const refused = await ledger.run('exec', ['--', '/bin/echo', 'now']).ended;
    expect(refused).toMatchObject({ exit: 1 });
    expect(refused.stderr).toMatch(/FROZEN: .*\n.* thaw --reason TEXT/);
    const invited = await ledger.run('enrol person', []).ended;
    expect([invited.exit, invited.stderr]).toEqual([1, expect.stringContaining('FROZEN')]);
    const names = await readdir(ledger.data);
    expect(names.filter((name) => name.startsWith('invitation-prs_'))).toEqual([]);
    const late = await person.decide(before.id, 'approve', 'too late');
    expect(late.body).toMatchObject({ code: 'FROZEN' });

    const thaw = ledger.run('thaw', ['--reason', 'the bot has another key']);
    await approve(person, await idOf(thaw));
    expect(await thaw.ended).toMatchObject({ exit: 0 });
    expect(await freezeOf(ledger)).toEqual({ epoch: 1, frozen: false });
    const dead = await person.decide(before.id, 'approve', 'now?');
    expect(dead.body).toMatchObject({ code: 'EPOCH_ENDED' });
    const over = await before.exec.ended;
    expect([over.exit, over.stderr]).toEqual([
      1,
      expect.stringMatching(/EPOCH_ENDED: .*\n.*again/),
    ]);
    expect((await ledger.run('watch', [before.id]).ended).stdout).toContain('epoch-ended');
    expect((await ledger.run('list requests', ['--status', 'pending']).ended).stdout).toBe('');
    expect((await person.inbox()).map(({ action_id: id }) => id)).toEqual([]);

    const anew = await ledger.ask(['--', '/bin/echo', 'anew']);
    await approve(person, anew.id);
    expect(await anew.exec.ended).toMatchObject({ exit: 0, stdout: 'anew\n' });
  });
});
