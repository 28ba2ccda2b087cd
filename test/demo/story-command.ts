import { appendFileSync, chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { draftUse, readSigningKey } from '@countersign/sdk';
import { parseEvidence } from '@countersign/verify';
import { SoftwarePasskey } from '@countersign/software-passkey';
import { decisionChallenge } from '@countersign/binding';
import { post, rationaleOf, type HttpPerson } from '../support/http-person.ts';
import { countersign, launch, type Finished, type DemoLedger } from './countersign.ts';
import { showDisplay } from './review-text.ts';
import { expectEqual, stage } from './stage.ts';

const SCRIPT = `#!/bin/sh
echo "rotating the access key of $1"
echo "old key disabled, new key handed to $1"
`;

export interface Cast {
  readonly ledger: DemoLedger;
  readonly founder: HttpPerson;
  /** Where the demo keeps its own files. */
  readonly work: string;
}

/** Asks by the real command, waits until the request is in the inbox, hands it to `decide`, returns how it ended. */
async function execAndDecide(
  { ledger, founder, work }: Cast,
  decide: (actionId: string) => Promise<void>,
): Promise<{ actionId: string; ended: Finished }> {
  const running = launch(
    [
      'exec',
      '--data',
      ledger.data,
      '--purpose',
      'quarterly rotation',
      '--',
      './rotate-key.sh',
      'svc-billing',
    ],
    { cwd: work },
  );
  const actionId = await nextInInbox(founder);
  await decide(actionId);
  return { actionId, ended: await running.finished };
}

export async function nextInInbox(person: HttpPerson, timeoutMs = 60_000): Promise<string> {
  const deadline = Date.now() + timeoutMs;
  while (Date.now() < deadline) {
    const first = (await person.inbox())[0];
    if (first !== undefined) return first.action_id;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('expected a request in the inbox');
}

export async function playCommand(cast: Cast): Promise<void> {
  const { founder, work } = cast;
  mkdirSync(work, { recursive: true });
  const script = join(work, 'rotate-key.sh');
  writeFileSync(script, SCRIPT);
  chmodSync(script, 0o755);

  stage.title('1  A command: rotate a key, but only when a human has signed for exactly this');
  const { actionId, ended } = await execAndDecide(cast, async (id) => {
    stage.step('agent', 'countersign exec -- ./rotate-key.sh svc-billing');
    stage.step('person', 'sees what would run, rendered from the exact action:');
    showDisplay((await founder.review(id)).action, 12);
    stage.step('person', 'approves with a passkey: "key is 90 days old, change CHG-1042"');
    const answer = await founder.decide(id, 'approve', 'key is 90 days old, change CHG-1042');
    expectEqual(answer.status, 201, 'status of the decision');
  });
  expectEqual(ended.code, 0, `exit code of exec (${ended.stderr})`);
  stage.step(
    'executor',
    'verified the evidence, claimed the use, ran a private copy of the verified file:',
  );
  stage.detail(ended.stdout);
  const evidence = await proveOffline(cast, actionId, 'command');
  await attackCommand(cast, evidence);
}

/** Saves the evidence and has a process that knows nothing but two files judge it. */
export async function proveOffline(
  { ledger, work }: Cast,
  actionId: string,
  name: string,
): Promise<string> {
  const file = join(work, `${name}.evidence.json`);
  const saved = await countersign(['evidence', actionId, '--data', ledger.data, '-o', file]);
  expectEqual(saved.code, 0, `exit code of evidence (${saved.stderr})`);
  const trust = ['--trust', ledger.trustFile];
  const verified = await countersign(['verify', file, ...trust, '--allow-demo']);
  expectEqual(verified.code, 0, `exit code of verify (${verified.stdout}${verified.stderr})`);
  stage.proven('countersign verify, a separate process with two files and no network:');
  stage.detail(verified.stdout.trim().split('\n').slice(-12).join('\n'));
  const strict = await countersign(['verify', file, ...trust, '--json']);
  expectEqual(strict.code, 1, 'exit code of verify without --allow-demo');
  expectEqual(strict.stdout.includes('DEMO_LEDGER'), true, 'DEMO_LEDGER in the answer');
  stage.held(
    'the same file without --allow-demo: REFUSED DEMO_LEDGER, because this ledger is a demonstration',
  );
  return file;
}

async function attackCommand(cast: Cast, evidenceFile: string): Promise<void> {
  const { ledger, founder, work } = cast;
  const changed = await execAndDecide(cast, async (id) => {
    appendFileSync(join(work, 'rotate-key.sh'), '#');
    await founder.decide(id, 'approve', 'same as before');
  });
  expectEqual(
    changed.ended.code,
    1,
    `exit code after the script changed (${changed.ended.stderr})`,
  );
  expectEqual(codeIn(changed.ended), 'ACTION_DIGEST_MISMATCH', 'code after the script changed');
  stage.refused('one byte of the script changes after the approval', 'ACTION_DIGEST_MISMATCH');

  const { binding } = parseEvidence(readFileSync(evidenceFile));
  const key = await readSigningKey(join(ledger.data, 'keys', 'executor.key'));
  const { frame } = await draftUse({ binding }, { id: binding.entry.executor.id, key }, Date.now());
  const replay = await post({ url: ledger.url, path: '/v1/uses' }, JSON.parse(frame));
  expectEqual(replay.body['code'], 'ALREADY_CONSUMED', 'code of the second use');
  stage.refused('the executor runs the approved command once more', 'ALREADY_CONSUMED');
  await forgeApproval(cast);
}

/** The agent writes a decision in the founder's name: without a proof, then with a passkey of its own. */
async function forgeApproval(cast: Cast): Promise<void> {
  const { founder } = cast;
  const { ended } = await execAndDecide(cast, async (id) => {
    const rationale = rationaleOf('yes, go ahead');
    const statement = founder.statement(await founder.review(id), 'approve', rationale);
    const bare = await founder.decideWith(statement, rationale, null);
    expectEqual(bare.body['code'], 'NO_HUMAN_PROOF', 'code of a decision without a proof');
    stage.refused('a decision in the founder’s name, without an assertion', 'NO_HUMAN_PROOF');
    const own = SoftwarePasskey.create({
      algorithm: 'ES256',
      rpId: 'localhost',
      origin: founder.url,
    });
    const forged = own.assert(decisionChallenge(statement), {
      credentialId: founder.passkey.credentialId,
    });
    const signed = await founder.decideWith(statement, rationale, forged);
    expectEqual(signed.body['code'], 'ASSERTION_INVALID', 'code of a stranger’s assertion');
    stage.refused('the same, signed with a passkey that is not the founder’s', 'ASSERTION_INVALID');
    await founder.decide(id, 'deny', 'nobody asked for this');
  });
  expectEqual(ended.code, 1, 'exit code of a denied command');
}

function codeIn({ stdout, stderr }: Finished): string {
  return /\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b/.exec(`${stderr}\n${stdout}`)?.[0] ?? 'none';
}
