import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { approve, type CliLedger } from './cli-process.ts';
import { ledgersOfTests } from './ledgers-of-tests.ts';

const ledgers = ledgersOfTests();

/** One command that was approved and run, and the short id that it was told. */
async function executed(): Promise<{ ledger: CliLedger; id: string; shortId: string }> {
  const ledger = await ledgers.start();
  const person = await ledger.founder();
  const { exec, id } = await ledger.ask(['--', '/usr/bin/env']);
  await approve(person, id);
  const { stdout } = await exec.ended;
  const shortId = /^COUNTERSIGN_USE=(.*)$/m.exec(stdout)?.[1] ?? '';
  return { ledger, id, shortId };
}

async function effects(ledger: CliLedger, ...references: string[]): Promise<string> {
  const lines = references.map((reference, n) =>
    JSON.stringify({
      id: `e-${n}`,
      at: '2026-11-23T12:00:00.000Z',
      kind: 'payment',
      target: 'AT611904300234573201',
      reference,
    }),
  );
  const path = ledger.at('effects.jsonl');
  await writeFile(path, lines.join('\n'));
  return path;
}

describe('what a target system recorded', () => {
  it('is traced to the action that was bound', async () => {
    const { ledger, id, shortId } = await executed();
    const traced = await ledger.run('trace', [shortId]).ended;
    expect(traced).toMatchObject({ exit: 0, stderr: '' });
    expect(traced.stdout).toContain(`${id}  used`);
    const json = JSON.parse((await ledger.run('trace', [shortId, '--json']).ended).stdout) as {
      use_id: string;
    };
    const longer = await ledger.run('trace', [`CS-${json.use_id.slice(-16)}`]).ended;
    expect(longer.stdout).toBe(traced.stdout);
    const none = await ledger.run('trace', ['cs-0000000000']).ended;
    expect([none.exit, none.stderr]).toEqual([1, expect.stringContaining('USE_NOT_FOUND')]);
  });

  it('G12: is UNBOUND_EXECUTION where no use was claimed for it', async () => {
    const { ledger, shortId } = await executed();
    const bound = await effects(ledger, shortId);
    expect(await ledger.run('reconcile', ['--effects', bound]).ended).toMatchObject({
      exit: 0,
      stdout: '1 as they were bound, 0 findings\n',
    });
    const foreign = await effects(ledger, shortId, 'cs-0000000000');
    const found = await ledger.run('reconcile', ['--effects', foreign, '--json']).ended;
    expect(found.exit).toBe(1);
    expect(
      found.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toMatchObject([
      { finding: 'UNBOUND_EXECUTION', effect: { id: 'e-1' } },
      { matched: 1, findings: 1 },
    ]);
    const since = ['--since', '2026-11-24T00:00:00.000Z'];
    expect((await ledger.run('reconcile', ['--effects', foreign, ...since]).ended).exit).toBe(0);
  });

  it('G12: submitted by an operator it is one entry, however often it is found', async () => {
    const { ledger, id, shortId } = await executed();
    const twice = await effects(ledger, shortId, shortId, 'cs-0000000000');
    const submit = async (): Promise<{ exit: unknown; entries: unknown[] }> => {
      const args = ['--effects', twice, '--submit', '--json'];
      const { exit, stdout } = await ledger.run('reconcile', args).ended;
      const lines = stdout.trim().split('\n');
      const found = lines.map((line) => JSON.parse(line) as { finding?: string; entry?: number });
      return { exit, entries: found.flatMap(({ finding, entry }) => (finding ? [entry] : [])) };
    };
    const first = await submit();
    expect(first).toEqual({ exit: 1, entries: [expect.any(Number), expect.any(Number)] });
    expect(await submit()).toEqual(first);
    const { stdout } = await ledger.run('findings', ['--json']).ended;
    const raised = stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { entry: object }).entry)
      .reverse();
    expect(raised).toMatchObject([
      { finding: 'DUPLICATE_EFFECT', about: { agent: 'operator', action_id: id } },
      { finding: 'UNBOUND_EXECUTION', about: { agent: 'operator' } },
    ]);
    // Neither the account nor the id of the record stands in a log that forgets nothing.
    expect(JSON.stringify(raised)).not.toMatch(/AT6119|e-[12]/);
  });

  it('G12: submitted by an agent that is no operator it is refused', async () => {
    const { ledger } = await executed();
    const foreign = await effects(ledger, 'cs-0000000000');
    const agent = ['--key', ledger.at('ledger', 'keys', 'agent.key'), '--agent-id', 'local-agent'];
    const token = ['--read-token', ledger.at('ledger', 'keys', 'read.token')];
    const args = ['--effects', foreign, '--submit', ...agent, ...token];
    const refused = await ledger.run('reconcile', args).ended;
    expect([refused.exit, refused.stderr]).toEqual([1, expect.stringContaining('NOT_ELIGIBLE')]);
  });

  it('is refused where it cannot be read, by its name', async () => {
    const { ledger } = await executed();
    await writeFile(ledger.at('trail.json'), '[]');
    const wrong = await ledger.run('reconcile', ['--cloudtrail', ledger.at('trail.json')]).ended;
    expect([wrong.exit, wrong.stderr]).toEqual([
      1,
      expect.stringMatching(/RECORD_FORMAT: .*trail/),
    ]);
    const none = await ledger.run('reconcile', []).ended;
    expect([none.exit, none.stderr]).toEqual([2, expect.stringContaining('at least one record')]);
  });
});
