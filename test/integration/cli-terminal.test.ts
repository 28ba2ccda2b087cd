import { spawn, spawnSync } from 'node:child_process';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_POLICY } from '@countersign/binding';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HttpPerson } from '../support/http-person.ts';
import {
  approve,
  CliLedger,
  countersign,
  type CliOptions,
  type CliProcess,
  type Ended,
} from './cli-process.ts';
import { SoftwareSshKeygen } from './software-ssh-keygen.ts';

let ledger: CliLedger;
let founder: HttpPerson;
let token: SoftwareSshKeygen;
let fileKey: string;

beforeAll(async () => {
  ledger = await CliLedger.start();
  founder = await ledger.founder();
  token = await SoftwareSshKeygen.plugIn(ledger.at('token'));
  fileKey = newKeyFile('id_ed25519');
  await enrolled(token.publicFile);
  await enrolled(`${fileKey}.pub`);
});

afterAll(async () => {
  await token.unplug();
  await ledger.discard();
});

function newKeyFile(name: string): string {
  const file = ledger.at(name);
  const args = ['-q', '-t', 'ed25519', '-N', '', '-C', 'a test', '-f', file];
  const { status, stderr } = spawnSync('ssh-keygen', args);
  if (status !== 0) throw new Error(stderr.toString());
  return file;
}

async function enrolled(publicFile: string): Promise<void> {
  const enrolling = ledger.run('enrol ssh-key', [publicFile]);
  const [, id = ''] = await enrolling.said(/\/action\/([0-9A-Z]{26})/);
  await approve(founder, id);
  expect(await enrolling.ended).toMatchObject({ exit: 0 });
}

function withToken(): CliOptions {
  return { env: { PATH: token.path, COUNTERSIGN_SSH_KEY: token.publicFile } };
}

function withFile(file = fileKey): CliOptions {
  return { env: { COUNTERSIGN_SSH_KEY: file } };
}

/** As soon as the request is there, reads to its end, and types what a person would. */
async function decided(
  verdict: 'approve' | 'deny',
  id: string,
  { answers, ...options }: CliOptions & { readonly answers: readonly string[] },
): Promise<Ended> {
  await waiting(id.length === ID_LENGTH ? id : '');
  const process = ledger.run(verdict, [id], { ...options, terminal: true });
  const questions = [/ more lines: Enter --$/, /Why do you (approve|deny)\?.* $/, /it open: $/];
  const typed = answers.length === 0 ? [] : ['\n', ...answers];
  for (const [at, answer] of typed.entries()) {
    await process.said(questions[at] ?? /$/);
    // What is typed before anybody listens is dropped.
    await new Promise((resolve) => setTimeout(resolve, 300));
    process.type(answer);
  }
  return process.ended;
}

async function waiting(id: string): Promise<void> {
  if (id === '') return;
  for (let i = 0; i < 200; i += 1) {
    if ((await founder.inbox()).some(({ action_id }) => action_id === id)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`expected ${id} in the inbox`);
}

function ask(...more: string[]): Promise<{ exec: CliProcess; id: string }> {
  return ledger.ask([...more, '--', '/bin/echo', 'hello']);
}

const ID_LENGTH = 26;
const YES = ['checked the plan\n', 'approve\n'];

it('a key that is enrolled is told to be so when somebody asks for it again', async () => {
  const { exit, stderr } = await ledger.run('enrol ssh-key', [token.publicFile]).ended;
  expect([exit, stderr]).toEqual([
    1,
    expect.stringMatching(/MEMBER_EXISTS: [^]*\n {2}nothing was changed; this key is enrolled: /),
  ]);
});

describe('with a security key', () => {
  it('a person sees what waits, approves it, and it runs under the default policy and trust file', async () => {
    const { exec, id } = await ask('--purpose', 'say hello');
    await waiting(id);
    const inbox = await ledger.run('inbox', [], withToken()).ended;
    expect(inbox).toMatchObject({ exit: 0 });
    expect(inbox.stdout).toContain(`…${id.slice(-8)}  `);
    expect(inbox.stdout).toContain('local-agent: Run a command');
    expect(inbox.stdout).toContain('/usr/bin/echo "/bin/echo" "hello"');
    expect(inbox.stdout).not.toContain('not for this key');
    const weak = await ledger.run('inbox', [], withFile()).ended;
    expect(weak.stdout).toContain(
      '    not for this key to decide (PROOF_CLASS): the rule accepts uv, and this key proves possession',
    );
    const end = await decided('approve', id, { ...withToken(), answers: YES });
    expect(end.stdout).toContain('WHAT WILL BE DONE');
    expect(end.stdout).toContain('Argument 2: "hello"');
    expect(end.stdout).toContain('Your reason, as it is signed: "checked the plan"');
    expect(end.stdout).toMatch(/approved: entry \d+ of \d+, under a signed head/);
    expect(end.exit).toBe(0);
    expect(await exec.ended).toMatchObject({ exit: 0, stdout: 'hello\n' });
    const file = ledger.at('by-token.json');
    await ledger.run('evidence', [id, '-o', file]).ended;
    // For how long it was shown, as this terminal has signed it.
    expect(await readFile(file, 'utf8')).toMatch(/claimed_dwell_ms\\*":[0-9]+,/);
    const verified = await countersign(['verify', file, '--trust', trustFile()]);
    expect(verified.stdout).toContain('signed with class uv by SSH');
    expect(verified).toMatchObject({ exit: 0 });
  });

  it('a person denies by the end of an id, with the reason told to who asks', async () => {
    const { exec, id } = await ask();
    const answers = ['not today\n', 'deny\n'];
    await waiting(id);
    const end = await decided('deny', id.slice(-8), { ...withToken(), answers });
    expect(end.stdout).toContain('the request is denied');
    const told = await exec.ended;
    expect(told.exit).toBe(1);
    expect(told.stderr).toContain('not today');
  });

  it('that was touched only is refused before anything is sent', async () => {
    const { exec, id } = await ask();
    token.seen = { flags: 0x01 };
    const end = await decided('approve', id, { ...withToken(), answers: YES });
    token.seen = {};
    expect(end.stdout).toContain('PROOF_CLASS: the rule accepts uv, and this key proves up');
    expect(end.exit).toBe(1);
    await exec.signal('SIGINT');
  });
});

function trustFile(): string {
  return join(ledger.data, 'trust.json');
}

describe('D14: nothing is decided', () => {
  it('without a terminal', async () => {
    const { exec, id } = await ask();
    const end = await ledger.run('approve', [id], { ...withToken(), stdin: 'yes\napprove\n' })
      .ended;
    expect(end.stderr).toContain('TERMINAL_REQUIRED');
    expect(end.exit).toBe(2);
    await exec.signal('SIGINT');
  });

  it('by another word, at the end of the input, or by Ctrl-C', async () => {
    const { exec, id } = await ask();
    const other = await decided('approve', id, { ...withToken(), answers: ['why\n', 'yes\n'] });
    expect(other.stdout).toContain('NOT_DECIDED');
    const ended = await decided('approve', id, { ...withToken(), answers: ['why\n', '\u0004'] });
    expect(ended.stdout).toContain('NOT_DECIDED');
    const stopped = await decided('approve', id, { ...withToken(), answers: ['\u0003'] });
    expect(stopped).toMatchObject({ exit: 3 });
    const view = await ledger.run('show', [id]).ended;
    expect(view.stdout).toContain(`${id}  pending`);
    await exec.signal('SIGINT');
  });
});

describe('with a key in a file', () => {
  it('is refused by the default policy before anybody is asked', async () => {
    const { exec, id } = await ask();
    const end = await decided('approve', id, { ...withFile(), answers: [] });
    expect(end.stdout).toContain('PROOF_CLASS');
    expect(end.stdout).not.toContain('Why do you');
    await exec.signal('SIGINT');
  });

  it('counts where the policy accepts possession, and only for who opts in', async () => {
    await policySet();
    const opted = ledger.at('opted-in.json');
    const trust = JSON.parse(await readFile(trustFile(), 'utf8')) as { accept: object };
    const accept = { ...trust.accept, proof_classes: ['uv', 'possession'] };
    await writeFile(opted, JSON.stringify({ ...trust, accept }));
    const refused = await ask();
    const end = await decided('approve', refused.id, { ...withFile(), answers: YES });
    expect(end).toMatchObject({ exit: 0 });
    const notRun = await refused.exec.ended;
    expect(notRun.stderr).toContain('PROOF_CLASS_NOT_ACCEPTED');
    expect(notRun.stdout).toBe('');
    const taken = await ask('--trust', opted);
    await decided('approve', taken.id, { ...(await withAgent()), answers: YES });
    expect(await taken.exec.ended).toMatchObject({ exit: 0, stdout: 'hello\n' });
    const file = ledger.at('by-file.json');
    await ledger.run('evidence', [taken.id, '-o', file]).ended;
    const strict = await countersign(['verify', file, '--trust', trustFile()]);
    expect(strict.stdout).toContain('REFUSED PROOF_CLASS_NOT_ACCEPTED');
    const lax = await countersign(['verify', file, '--trust', opted]);
    expect(lax.stdout).toContain('signed with class possession by SSH');
    expect(lax.exit).toBe(0);
    stopAgent();
    // Six commands of their own processes, on a machine that may be busy.
  }, 300_000);

  it('never changes the authority', async () => {
    const enrolling = ledger.run('enrol ssh-key', [`${newKeyFile('third')}.pub`]);
    const [, id = ''] = await enrolling.said(/\/action\/([0-9A-Z]{26})/);
    const end = await decided('approve', id, { ...withFile(), answers: [] });
    expect(end.stdout).toContain('PROOF_CLASS');
    await enrolling.signal('SIGINT');
  });
});

let agent: ReturnType<typeof spawn> | undefined;

/** The key is in an agent alone, and its public file here. */
async function withAgent(): Promise<CliOptions> {
  const socket = ledger.at('agent.socket');
  agent = spawn('ssh-agent', ['-D', '-a', socket]);
  await new Promise((resolve) => setTimeout(resolve, 500));
  const env = { ...process.env, SSH_AUTH_SOCK: socket };
  const { status, stderr } = spawnSync('ssh-add', [fileKey], { env });
  if (status !== 0) throw new Error(stderr.toString());
  const alone = ledger.at('in-agent.pub');
  await copyFile(`${fileKey}.pub`, alone);
  return { env: { COUNTERSIGN_SSH_KEY: alone, SSH_AUTH_SOCK: socket } };
}

function stopAgent(): void {
  agent?.kill();
}

async function policySet(): Promise<void> {
  const rules = DEFAULT_POLICY.rules.map((rule) => ({
    ...rule,
    proof_classes: ['uv', 'possession'],
  }));
  const policy = { v: 'countersign.policy.v2', rules };
  const action = { type: 'authority.change', params: { change: { kind: 'policy-set', policy } } };
  const key = join(ledger.data, 'keys', 'operator.key');
  const args = ['-', '--key', key, '--agent-id', 'operator', '--json'];
  const { stdout } = await ledger.run('request', args, { stdin: JSON.stringify(action) }).ended;
  await approve(founder, (JSON.parse(stdout) as { action_id: string }).action_id);
}

describe('a key that cannot sign', () => {
  it.each<[string, () => CliOptions, [told: string, exit: number]]>([
    ['is not named', () => ({}), ['USAGE: expected --ssh-key', 2]],
    ['is not there', () => withFile(ledger.at('none')), ['SSH_KEY_UNREADABLE', 2]],
    ['is not enrolled', () => withFile(newKeyFile('stranger')), ['CREDENTIAL_UNKNOWN', 1]],
    ['has no private half', () => withFile(publicAlone()), ['SSH_KEY_REFUSED', 1]],
    ['has the public half of another', () => withFile(crossed()), ['SSH_KEY_REFUSED', 1]],
    ['is not the one that signs', () => otherToken(), ['SSH_KEY_MISMATCH', 1]],
    ['has no ssh-keygen', () => noKeygen(), ['SSH_KEYGEN_MISSING', 2]],
  ])('%s is told by its code', async (_what, options, [told, exit]) => {
    const chosen = options();
    let end = await ledger.run('inbox', [], chosen).ended;
    // A quick machine signs in more often than a ledger allows in a minute.
    while (end.stderr.includes('RATE_LIMITED')) {
      await sleep(5_000);
      end = await ledger.run('inbox', [], chosen).ended;
    }
    expect(end.stderr).toContain(told);
    expect(end.exit).toBe(exit);
  });

  function publicAlone(): string {
    const file = newKeyFile('lonely');
    spawnSync('rm', [file]);
    return file;
  }

  function crossed(): string {
    const [file, other] = [newKeyFile('one'), newKeyFile('other')];
    spawnSync('cp', [`${other}.pub`, `${file}.pub`]);
    return file;
  }

  function otherToken(): CliOptions {
    const env = { PATH: token.path, COUNTERSIGN_SSH_KEY: `${newKeyFile('fifth')}.pub` };
    return { env };
  }

  function noKeygen(): CliOptions {
    return { env: { PATH: ledger.folder, COUNTERSIGN_SSH_KEY: newKeyFile('fourth') } };
  }
});
