import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { digestOf, type Json } from '@countersign/canonical';
import { launch, LedgerProcess } from '../demo/countersign.ts';
import { AFTER, BEFORE } from '../demo/iam-target.ts';
import { expectEqual, stage } from '../demo/stage.ts';
import { nextInInbox } from '../demo/story-command.ts';
import { freePort } from '../support/free-port.ts';
import { HttpPerson } from '../support/http-person.ts';
import { sdkPython } from '../support/sdk-python.ts';

const examples = fileURLToPath(new URL('../../examples/', import.meta.url));

/** The three programs of one language, and how they are run. */
interface Language {
  readonly name: string;
  readonly command: readonly [file: string, ...flags: string[]];
  readonly env: Readonly<Record<string, string>>;
  readonly files: { readonly ask: string; readonly run: string; readonly verify: string };
}

const TYPESCRIPT: Language = {
  name: 'TypeScript',
  command: [
    process.execPath,
    '--conditions=@countersign/source',
    '--import',
    import.meta.resolve('tsx'),
  ],
  env: {},
  files: {
    ask: 'typescript/ask-and-wait.ts',
    run: 'typescript/guarded-executor.ts',
    verify: 'typescript/verify-offline.ts',
  },
};

function python(): Language | undefined {
  const found = sdkPython();
  if (found === undefined) return undefined;
  return {
    name: 'Python',
    command: [found.python],
    env: found.env,
    files: {
      ask: 'python/ask_and_wait.py',
      run: 'python/guarded_executor.py',
      verify: 'python/verify_offline.py',
    },
  };
}

interface Said {
  readonly code: number | null;
  readonly text: string;
}

/** What stands around the examples: a ledger of their own, and a person with a passkey in software. */
interface Scene {
  readonly ledger: LedgerProcess;
  readonly founder: HttpPerson;
  readonly work: string;
  readonly keys: Readonly<Record<string, string>>;
}

function run(language: Language, step: keyof Language['files'], scene: Scene): Promise<Said> {
  const { work, keys } = scene;
  const [node, ...flags] = language.command;
  const args = [...flags, join(examples, language.files[step]), work];
  const child = spawn(node, args, { env: { ...process.env, ...keys, ...language.env } });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      resolve({ code, text });
    });
  });
}

async function shown(
  language: Language,
  step: keyof Language['files'],
  scene: Scene,
): Promise<Said> {
  const said = await run(language, step, scene);
  stage.step(step, `examples/${language.files[step]}`);
  stage.detail(said.text);
  return said;
}

async function play(language: Language, scene: Scene): Promise<void> {
  const { founder, ledger, work } = scene;
  stage.title(language.name);
  mkdirSync(work);
  writeFileSync(join(work, 'policy.json'), BEFORE);
  copyFileSync(ledger.trustFile, join(work, 'trust.json'));
  const asking = shown(language, 'ask', scene);
  const decided = await founder.decide(await nextInInbox(founder), 'approve', 'as announced');
  expectEqual(decided.status, 201, 'status of the decision');
  expectEqual((await asking).code, 0, 'exit code of asking');
  expectEqual((await shown(language, 'run', scene)).code, 0, 'exit code of running');
  expectEqual(readFileSync(join(work, 'policy.json'), 'utf8'), AFTER, 'the policy');
  const again = await shown(language, 'run', scene);
  expectEqual(again.text.includes('in an earlier run'), true, 'a second run that runs nothing');
  expectEqual((await shown(language, 'verify', scene)).code, 0, 'exit code of verifying');
}

async function enrolExecutor(
  ledger: LedgerProcess,
  founder: HttpPerson,
  key: string,
): Promise<void> {
  const text = readFileSync(join(examples, 'interface.json'), 'utf8');
  const digest = digestOf('countersign/executor/v1', JSON.parse(text) as Json);
  const enrolling = launch([
    ...['enrol', 'executor', 'policy-file', '--data', ledger.data, '--audience', '111122223333'],
    ...['--interface-digest', digest, '--key-file', key],
  ]);
  await founder.decide(await nextInInbox(founder), 'approve', 'the executor of the examples');
  const { code, stderr } = await enrolling.finished;
  expectEqual(code, 0, `exit code of enrol (${stderr})`);
}

async function main(folder: string): Promise<void> {
  const languages = [TYPESCRIPT, python()].filter((language) => language !== undefined);
  const ledger = await LedgerProcess.start(join(folder, 'ledger'), await freePort(), []);
  try {
    const founder = await HttpPerson.enrol(ledger.enrolmentLink);
    const executor = join(folder, 'executor.key');
    await enrolExecutor(ledger, founder, executor);
    const keys = {
      COUNTERSIGN_URL: ledger.url,
      AGENT_KEY: join(ledger.data, 'keys', 'agent.key'),
      EXECUTOR_KEY: executor,
    };
    for (const language of languages) {
      await play(language, { ledger, founder, keys, work: join(folder, language.name) });
    }
  } finally {
    await ledger.stop();
  }
  if (languages.length === 2) return;
  stage.line('NOT RUN: the Python examples need Python 3.11 with venv, and cryptography from PyPI');
  if (process.env['CI'] === 'true') process.exitCode = 1;
}

const folder = mkdtempSync(join(tmpdir(), 'countersign-examples-'));
try {
  await main(folder);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
