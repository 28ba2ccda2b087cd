import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HttpPerson } from '../support/http-person.ts';
import { approve, CliLedger, countersign } from './cli-process.ts';

const RULE = {
  approvals: 1,
  approvers: 'any',
  proof_classes: ['uv'],
  rationale: 'required',
  decide_within_s: 900,
  use_within_s: 900,
  start_within_s: 60,
  max_uses: 1,
};

const CEDAR = `@id("usual") @rule("usual")
permit (principal, action == Action::"ask", resource is generic::command_v1);

@id("emergency") @rule("glass")
permit (principal, action == Action::"ask", resource is emergency::command_v1);
`;

const POLICY = {
  v: 'countersign.policy.v3',
  groups: {},
  rules: [
    { ...RULE, id: 'usual', approvals: 2 },
    { ...RULE, id: 'glass', break_glass: { review_within_s: 14_400 } },
  ],
};

const WITHIN_MS = 600_000;

describe('an emergency, from the command line', { timeout: WITHIN_MS }, () => {
  let ledger: CliLedger;
  let founder: HttpPerson;
  let reviewers: readonly HttpPerson[];
  let id: string;

  beforeAll(async () => {
    ledger = await CliLedger.create();
    const policy = ['--policy', ledger.at('policy.json'), '--policy-cedar', ledger.at('p.cedar')];
    await writeFile(ledger.at('policy.json'), JSON.stringify(POLICY));
    await writeFile(ledger.at('p.cedar'), CEDAR);
    await ledger.serve('--port', String(ledger.port), ...policy);
    founder = await ledger.founder();
    reviewers = [await ledger.invited(founder), await ledger.invited(founder)];
  }, WITHIN_MS);

  afterAll(async () => {
    await ledger.discard();
  });

  async function status(): Promise<unknown> {
    const token = (await readFile(join(ledger.data, 'keys/read.token'), 'utf8')).trim();
    const headers = { authorization: `Bearer ${token}` };
    return (await fetch(`${ledger.url}/v1/status`, { headers })).json();
  }

  it('F09: runs by one approval, and is red everywhere until two others have reviewed it', async () => {
    const glass = ['--incident', 'siem:INC-118', '--reason', 'customers cannot pay'];
    const asked = await ledger.ask([...glass, '--', '/bin/echo', 'restarted']);
    ({ id } = asked);
    await approve(founder, id);
    const ran = await asked.exec.ended;
    expect([ran.exit, ran.stdout]).toEqual([0, 'restarted\n']);

    expect(await status()).toMatchObject({
      status: 'red',
      unreviewed: [{ action_id: id, agent: 'local-agent', is_overdue: false }],
    });
    const found = await ledger.run('findings', []).ended;
    expect(found.stdout).toContain('BREAK_GLASS');
    const evidence = await ledger.run('evidence', [id, '-o', 'evidence.json']).ended;
    expect(evidence.exit).toBe(0);
    const trust = join(ledger.data, 'trust.json');
    const verified = await countersign(['verify', ledger.at('evidence.json'), '--trust', trust]);
    expect(verified.stdout).toMatch(
      /BREAK-GLASS +goes ahead without the usual approvals; two other/,
    );

    const report = await ledger.run('report', ['--out', 'red']).ended;
    expect(report.exit).toBe(1);
    expect(report.stderr).toContain(`FAILS: BREAK-GLASS ${id}`);
    const page = await readFile(ledger.at('red/report.html'), 'utf8');
    expect(page.indexOf('THIS REPORT FAILS')).toBeLessThan(page.indexOf('<dl>'));
    expect(page).toContain('THIS REPORT FAILS');
  });

  it('F09: is green again after the review, and the whole log follows from its entries', async () => {
    const verdict = ['--verdict', 'not-justified', '--remarks', 'the second engineer was awake'];
    const review = ledger.run('review', [id, ...verdict]);
    const [, asked = ''] = await review.said(/\/action\/([0-9A-Z]{26})/);
    for (const person of reviewers) await approve(person, asked);
    const reviewed = await review.ended;
    expect([reviewed.exit, reviewed.stdout]).toEqual([
      0,
      expect.stringContaining(`two persons have signed that ${id} was not justified`),
    ]);
    expect(await status()).toEqual({
      status: 'green',
      unreviewed: [],
      deputies: [],
      recoveries: [],
      undecided: { half: 0, last_tenth: 0 },
    });
    expect((await ledger.run('report', ['--out', 'green']).ended).exit).toBe(0);
    expect((await ledger.run('log export', ['log']).ended).exit).toBe(0);
    const trust = join(ledger.data, 'trust.json');
    const audit = await countersign(['audit', ledger.at('log'), '--trust', trust]);
    expect(audit.stdout).toContain('VALID at level replayed');
    const again = await ledger.run('review', [id, ...verdict]).ended;
    expect([again.exit, again.stderr]).toEqual([1, expect.stringContaining('REVIEW_MISMATCH')]);
  });
});

describe('a founding with a policy that no ledger takes', { timeout: WITHIN_MS }, () => {
  it('says what is wrong, with the place, and makes nothing', async () => {
    const ledger = await CliLedger.create();
    try {
      await writeFile(ledger.at('policy.json'), JSON.stringify(POLICY));
      await writeFile(ledger.at('p.cedar'), CEDAR.replace('emergency::', 'urgent::'));
      const files = ['--policy', ledger.at('policy.json'), '--policy-cedar', ledger.at('p.cedar')];
      const ended = await countersign(['init', '--data', ledger.data, ...files]);
      expect(ended.exit).toBe(1);
      expect(ended.stderr).toMatch(/SCHEMA_INVALID: (?:policy emergency: )?line \d+, column \d+/);
      await expect(readFile(join(ledger.data, 'ledger.json'))).rejects.toThrow('ENOENT');
    } finally {
      await ledger.discard();
    }
  });
});
