import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { DEFAULT_POLICY } from '@countersign/binding';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Output } from '../src/output.ts';
import { runCli } from '../src/program.ts';

const EXAMPLES = fileURLToPath(new URL('../../../examples/policies/', import.meta.url));
const USE_CASES = [
  'batch.payment.transfer',
  'emergency.command',
  'iam.policy.change',
  'key.rotate',
  'payment.transfer',
  'response.contain',
  'secret.access',
];

let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'policy-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

function policy(cwd: string, ...argv: string[]): Promise<{ exit: number; said: string }> {
  return policyIn({}, cwd, ...argv);
}

async function policyIn(
  env: Readonly<Record<string, string>>,
  cwd: string,
  ...argv: string[]
): Promise<{ exit: number; said: string }> {
  let said = '';
  const output = (): Output =>
    new Output({
      isTty: false,
      write: (text) => {
        said += text;
      },
    });
  const exit = await runCli(['policy', ...argv], {
    env,
    cwd,
    command: './countersign',
    tempFolder: cwd,
    version: '0.0.0',
    stdin: Readable.from([]),
    stdout: output(),
    stderr: output(),
    child: { stdout: new PassThrough(), stderr: new PassThrough() },
    interrupted: new AbortController().signal,
    closeWith: () => undefined,
    exitWithin: () => undefined,
    nowMs: () => 0,
    randomBytes: (size) => new Uint8Array(size),
  });
  return { exit, said };
}

describe('the policies of docs/policies.md', () => {
  it.each(USE_CASES)('%s is fit to be set', async (name) => {
    const { exit, said } = await policy(
      EXAMPLES,
      'check',
      `${name}.json`,
      '--cedar',
      `${name}.cedar`,
    );
    expect(said).toMatch(/^ok {7}sha256:[0-9a-f]{64}$/m);
    expect(said).not.toMatch(/no permit names/);
    expect(exit).toBe(0);
  });

  it.each(USE_CASES)('%s comes to what its cases expect', async (name) => {
    const files = [`${name}.json`, `${name}.cases.json`, '--cedar', `${name}.cedar`];
    const { exit, said } = await policy(EXAMPLES, 'test', ...files);
    expect(said.split('\n').filter((line) => !line.startsWith('ok '))).toEqual(['']);
    expect(exit).toBe(0);
  });
});

const PAYMENT = ['payment.transfer.json', '--cedar', 'payment.transfer.cedar'];

async function written(name: string, json: unknown): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, typeof json === 'string' ? json : JSON.stringify(json));
  return path;
}

interface Cases {
  readonly cases: readonly { readonly action: object; readonly expect: object }[];
}

async function cases(name: string): Promise<Cases['cases']> {
  return (JSON.parse(await readFile(join(EXAMPLES, `${name}.cases.json`), 'utf8')) as Cases).cases;
}

describe('countersign policy', () => {
  it('check says what is wrong, with the policy and the place, and is 1', async () => {
    const cedar = `@id("small") @rule("one-person")
permit (principal, action == Action::"ask", resource is payment::transfer_v1)
when { resource.facts.amount <= 100000 };
`;
    const file = await written('wrong.cedar', cedar);
    const { exit, said } = await policy(
      EXAMPLES,
      'check',
      'payment.transfer.json',
      '--cedar',
      file,
    );
    expect(said).toMatch(/refused {2}policy small: line 3, column \d+: .*amount/);
    expect(exit).toBe(1);
  });

  it('check tells types that nothing permits, and rules that nothing names', async () => {
    const cedar = `@id("every") @rule("one-person")
permit (principal, action == Action::"ask", resource is payment::transfer_v1);
`;
    const file = await written('narrow.cedar', cedar);
    const { exit, said } = await policy(
      EXAMPLES,
      'check',
      'payment.transfer.json',
      '--cedar',
      file,
    );
    const unasked = /^note {5}nothing permits, so nobody can ask for: (.*)$/m.exec(said)?.[1];
    expect(unasked?.split(', ')).toContain('secret.access');
    expect(unasked?.split(', ')).not.toContain('payment.transfer');
    expect(said).toContain('note     no permit names the rule two-of-treasury');
    expect(exit).toBe(0);
  });

  it('check tells a rule whose break_glass does not fit what is permitted under it', async () => {
    const swapped = (type: string): string => `@id("every") @rule("break-glass")
permit (principal, action == Action::"ask", resource is ${type});
`;
    const check = async (type: string): Promise<string> => {
      const cedar = await written('swapped.cedar', swapped(type));
      return (await policy(EXAMPLES, 'check', 'emergency.command.json', '--cedar', cedar)).said;
    };
    expect(await check('payment::transfer_v1')).toContain(
      'note     rule break-glass has break_glass, which is for emergencies alone, so nobody can ask under it for: payment.transfer\n',
    );
    expect(await check('emergency::command_v1')).not.toContain('break_glass');
  });

  it('check names the groups that there are beside one that there is not', async () => {
    const document = JSON.parse(
      await readFile(join(EXAMPLES, 'payment.transfer.json'), 'utf8'),
    ) as {
      rules: { approvers: object }[];
    };
    const [rule] = document.rules;
    if (rule === undefined) throw new Error('expected a rule');
    rule.approvers = { group: 'tresury' };
    const file = await written('group.json', document);
    const { exit, said } = await policy(EXAMPLES, 'check', file, ...PAYMENT.slice(1));
    expect(said).toMatch(
      /policy\/rules\/0: expected groups of the policy \([^)]*treasury[^)]*\), got tresury/,
    );
    expect(exit).toBe(1);
  });

  it('check goes on where only the environment names a ledger, and that one does not answer', async () => {
    const env = { COUNTERSIGN_DATA_DIR: join(folder, 'none') };
    const { exit, said } = await policyIn(env, EXAMPLES, 'check', ...PAYMENT);
    expect(said).toContain('note     who could approve was not looked at: DATA_MISSING ');
    expect(exit).toBe(0);
    const named = ['--data', env.COUNTERSIGN_DATA_DIR];
    expect((await policy(EXAMPLES, 'check', ...PAYMENT, ...named)).said).toContain('DATA_MISSING');
  });

  it('check reads the older versions too, and refuses what has no form', async () => {
    const rules = [
      {
        ...{ id: 'default', types: ['generic.command'], approvals: 1, approvers: 'any' },
        ...{ proof_classes: ['uv'], rationale: 'required', decide_within_s: 900 },
        ...{ use_within_s: 900, start_within_s: 60, max_uses: 1 },
      },
    ];
    const old = await written('old.json', { v: 'countersign.policy.v1', rules });
    const good = await policy(folder, 'check', old);
    expect(good.said).toMatch(/nothing permits, so nobody can ask for: .*payment\.transfer,/);
    expect(good.exit).toBe(0);
    const called = await written('called.json', {
      v: 'countersign.policy.v1',
      rules: rules.map((rule) => ({ ...rule, types: ['generic.comand'] })),
    });
    expect((await policy(folder, 'check', called)).said).toContain(
      'note     no action type of this program is called generic.comand',
    );
    const spelt = await written('spelt.json', {
      v: 'countersign.policy.v1',
      rules: rules.map((rule) => ({ ...rule, aprovals: 2 })),
    });
    expect((await policy(folder, 'check', spelt)).said).toContain(
      'policy/rules/0/aprovals: expected no such member',
    );
    const many = await written('many.json', {
      v: 'countersign.policy.v1',
      rules: rules.map((rule) => ({ ...rule, approvals: 99 })),
    });
    expect((await policy(folder, 'check', many)).said).toMatch(
      /policy\/rules\/0\/approvals: expected an integer of 1 to \d+, got 99/,
    );
    const wrong = await written('wrong.json', { v: 'countersign.policy.v1', rules: [{}] });
    expect(await policy(folder, 'check', wrong)).toMatchObject({
      exit: 1,
      said: expect.stringContaining('SCHEMA_INVALID') as string,
    });
  });

  it('check --request prints what proposes it', async () => {
    const { exit, said } = await policy(EXAMPLES, 'check', ...PAYMENT, '--request');
    const { type, params } = JSON.parse(said) as { type: string; params: { change: object } };
    expect({ exit, type }).toEqual({ exit: 0, type: 'authority.change' });
    expect(params.change).toMatchObject({
      kind: 'policy-set',
      policy: { v: 'countersign.policy.v3' },
    });
  });

  it('explain says which permits and rules determine, who may decide, and why not', async () => {
    const [, large, other, , embargo] = await cases('payment.transfer');
    const asked = async (
      of: object | undefined,
      name: string,
    ): Promise<{ exit: number; said: string }> =>
      policy(EXAMPLES, 'explain', ...PAYMENT, '--action', await written(name, of));
    const two = await asked(large?.action, 'large.json');
    expect(two.said).toMatch(/rule {6}two-of-treasury\napprovals 2, by prs_\w+, prs_\w+, prs_\w+/);
    expect(two.exit).toBe(0);
    const claimed = await asked(other?.action, 'other.json');
    expect(claimed.said).toContain(
      'asked without what the agent claims: permitted by small (rule one-person)',
    );
    expect(claimed.said).toMatch(/asked with what the agent claims: permitted by name-differs/);
    const no = await asked(embargo?.action, 'embargo.json');
    expect(no.said).toContain('forbidden by embargo');
    expect(no.said).toMatch(/refused {3}NO_POLICY/);
    expect(no.exit).toBe(1);
  });

  it('explain says how often and when people are asked, and test holds it', async () => {
    const asking = {
      prompts_1h_max: 20,
      open_max: 1,
      quiet_utc: [{ from: '22:00', to: '06:00' }],
    };
    const [rule] = DEFAULT_POLICY.rules;
    const limited = { ...DEFAULT_POLICY, rules: [{ ...rule, asking }] };
    const file = await written('asked-rarely.json', limited);
    const [small] = await cases('payment.transfer');
    const action = await written('small.json', small?.action);
    expect((await policy(EXAMPLES, 'explain', file, '--action', action)).said).toContain(
      [
        'asked     while enough persons were asked fewer than 20 times within the hour',
        'asked     at most 1 open of one agent and type',
        'asked     not from 22:00 to 06:00 (UTC)',
      ].join('\n'),
    );
    const given = [{ name: 'rarely', action: small?.action, expect: { asking } }];
    const held = await written('held.json', { v: 'countersign.policy-cases.v1', cases: given });
    expect((await policy(EXAMPLES, 'test', file, held)).said).toBe('ok       rarely\n');
  });

  it('explain, test and diff leave no member of a rule out: which keys count, and what else it says', async () => {
    const root = `sha256:${'5c'.repeat(32)}`;
    const attested = [{ root, models: ['cb69481e-8ff7-4039-93ec-0a2729a154a8'] }];
    const [rule] = DEFAULT_POLICY.rules;
    const more = { device_bound: true, attested, assurance: 'verified' };
    const file = await written('vouched.json', {
      ...DEFAULT_POLICY,
      rules: [{ ...rule, ...more }],
    });
    const [small] = await cases('payment.transfer');
    const action = await written('small.json', small?.action);
    expect((await policy(EXAMPLES, 'explain', file, '--action', action)).said).toContain(
      [
        'proof     uv; rationale required',
        '          on a key that stays in its device',
        `          on a key of the model cb69481e-8ff7-4039-93ec-0a2729a154a8 that ${root} vouches for`,
      ].join('\n'),
    );
    const given = [
      { name: 'as it is', action: small?.action, expect: more },
      { name: 'any model', action: small?.action, expect: { attested: [{ root }] } },
    ];
    const held = await written('held.json', { v: 'countersign.policy-cases.v1', cases: given });
    const { exit, said } = await policy(EXAMPLES, 'test', file, held);
    expect(said).toMatch(/^ok {7}as it is\ndiffers {2}any model\n.*attested: expected /);
    expect(exit).toBe(1);
  });

  it('explain names whom separation leaves out of those who may decide', async () => {
    const [small] = await cases('payment.transfer');
    const action = ['--action', await written('small.json', small?.action)];
    const open = await policy(EXAMPLES, 'explain', ...PAYMENT, ...action, '--json');
    const { approvers, excluded } = JSON.parse(open.said) as Record<string, readonly string[]>;
    expect(excluded).toEqual([]);
    const [owner = ''] = approvers ?? [];
    const { said } = await policy(EXAMPLES, 'explain', ...PAYMENT, ...action, '--owner', owner);
    expect(said).toContain(`not       ${owner}, by separation of who asks and who decides`);
    const solo = ['--owner', owner, '--separation', 'solo'];
    expect((await policy(EXAMPLES, 'explain', ...PAYMENT, ...action, ...solo)).said).not.toContain(
      'by separation',
    );
  });

  it('test is 1 for a difference, and tells it', async () => {
    const [small] = await cases('payment.transfer');
    const given = [{ ...small, expect: { rule: 'two-of-treasury' } }];
    const file = await written('cases.json', { v: 'countersign.policy-cases.v1', cases: given });
    const { exit, said } = await policy(
      EXAMPLES,
      'test',
      'payment.transfer.json',
      file,
      ...PAYMENT.slice(1),
    );
    expect(said).toContain('rule: expected "two-of-treasury", got "one-person"');
    expect(exit).toBe(1);
  });

  it('test refuses an expectation that nothing would look at', async () => {
    const [small] = await cases('payment.transfer');
    const given = [{ ...small, expect: { rules: 'one-person' } }];
    const file = await written('stray.json', { v: 'countersign.policy-cases.v1', cases: given });
    const { exit } = await policy(
      EXAMPLES,
      'test',
      'payment.transfer.json',
      file,
      ...PAYMENT.slice(1),
    );
    expect(exit).toBe(2);
  });
});
