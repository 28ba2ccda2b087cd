import { readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HttpPerson } from '../support/http-person.ts';
import { approve, CliLedger, countersign } from './cli-process.ts';

const WITHIN_MS = 300_000;
const RULE = {
  id: 'bootstrap',
  approvals: 2,
  approvers: 'any',
  proof_classes: ['uv'],
  rationale: 'optional',
  decide_within_s: 3_600,
  use_within_s: 3_600,
  start_within_s: 60,
  max_uses: 1,
};

describe('a founding by three, of whom two decide', { timeout: WITHIN_MS }, () => {
  let ledger: CliLedger;
  let founders: readonly HttpPerson[];

  beforeAll(async () => {
    ledger = await CliLedger.create();
    await writeFile(ledger.at('rule.json'), JSON.stringify(RULE));
    const rule = ['--bootstrap', ledger.at('rule.json'), '--separation', 'full'];
    await ledger.serve('--port', String(ledger.port), '--founders', '3', ...rule);
    founders = [];
    for (const name of ['enrolment-link', 'enrolment-link-2', 'enrolment-link-3']) {
      const link = (await readFile(join(ledger.data, `${name}.txt`), 'utf8')).trim();
      founders = [...founders, await HttpPerson.enrol(link)];
    }
  }, WITHIN_MS);

  afterAll(async () => {
    await ledger.discard();
  });

  it('gives each a link of their own, which is gone once it was used', async () => {
    expect(new Set(founders.map(({ person }) => person)).size).toBe(3);
    const links = async (): Promise<string[]> =>
      (await readdir(ledger.data)).filter((name) => name.startsWith('enrolment-link'));
    await expect.poll(links, { timeout: 20_000 }).toEqual([]);
  });

  it('F03: changes nothing by one of them, nor by the owner of the agent that asks', async () => {
    const [owner, second, third] = founders;
    if (owner === undefined || second === undefined || third === undefined) throw new Error();
    const enrol = ledger.run('enrol person', []);
    const [, id = ''] = await enrol.said(/\/action\/([0-9A-Z]{26})/);
    const own = await owner.decide(id, 'approve', 'mine');
    expect(own.body).toMatchObject({ code: 'OWNER_APPROVAL' });
    await approve(second, id);
    const { body } = await third.get(`/v1/actions/${id}`);
    expect(body).toMatchObject({ status: 'pending' });
    await approve(third, id);
    expect((await enrol.ended).exit).toBe(0);
  });

  it('starts again as what it was, and says so where somebody asks for another', async () => {
    await ledger.stop();
    const other = await countersign(['serve', '--data', ledger.data, '--founders', '2']);
    expect([other.exit, other.stderr]).toEqual([
      1,
      expect.stringContaining('founded with founders 3'),
    ]);
    await ledger.serve('--founders', '3');
    expect(await (await fetch(`${ledger.url}/v1/ledger`)).json()).toMatchObject({
      recovery: { quorum: 2, delay_h: 72 },
    });
  });
});

describe('a founding that nobody could ever change', { timeout: WITHIN_MS }, () => {
  it.each([
    { what: 'two of one', rule: RULE, more: [], said: '--founders 2 or more' },
    {
      what: 'two of two, of whom one asks',
      rule: RULE,
      more: ['--founders', '2', '--separation', 'full'],
      said: '--founders 3 or more with --separation full',
    },
    {
      what: 'somebody by name',
      rule: { ...RULE, approvals: 1, approvers: ['prs_01JD3ZQ5Y0W9V8X7T6S5R4Q3P2'] },
      more: [],
      said: 'expected approvers any',
    },
    {
      what: 'one who may not approve',
      rule: undefined,
      more: ['--separation', 'full'],
      said: '--founders 2 or more',
    },
  ])('is refused, and nothing is made: $what', async ({ rule, more, said }) => {
    const ledger = await CliLedger.create();
    try {
      await writeFile(ledger.at('rule.json'), JSON.stringify(rule ?? {}));
      const bootstrap = rule === undefined ? [] : ['--bootstrap', ledger.at('rule.json')];
      const init = await countersign(['init', '--data', ledger.data, ...bootstrap, ...more]);
      expect([init.exit, init.stderr]).toEqual([1, expect.stringContaining('WOULD_LOCK_OUT')]);
      expect(init.stderr).toContain(said);
      await expect(stat(ledger.data)).rejects.toThrow('ENOENT');
    } finally {
      await ledger.discard();
    }
  });
});
