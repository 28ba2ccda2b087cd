// An executor that changes a policy only under verified evidence, and never twice.
// node … guarded-executor.ts WORK: runs WORK/action.json, whatever the agent put there.
import { readFileSync, writeFileSync } from 'node:fs';
import { digestOf, type Json, type JsonObject } from '@countersign/canonical';
import { guard, LedgerClient, readSigningKey } from '@countersign/sdk';
import { fileRunStore } from '@countersign/sdk/file-store';

const [work = '.'] = process.argv.slice(2);
const { COUNTERSIGN_URL: url = 'http://localhost:7420', EXECUTOR_KEY = 'executor.key' } =
  process.env;
const key = await readSigningKey(EXECUTOR_KEY);
const interfaceJson = readFileSync(new URL('../interface.json', import.meta.url), 'utf8');
const policy = `${work}/policy.json`;

const guarded = guard({
  ledger: new LedgerClient({ url, reader: { keyId: key.thumbprint, sign: key.sign } }),
  // From the people who founded the ledger, never from the ledger itself.
  trust: new Uint8Array(readFileSync(`${work}/trust.json`)),
  executor: {
    id: 'policy-file',
    audience: '111122223333',
    key,
    interfaceDigest: digestOf('countersign/executor/v1', JSON.parse(interfaceJson) as Json),
  },
  store: fileRunStore(`${work}/runs`),
});
// After a crash: reports what may have run as unknown, and runs nothing.
for (const left of await guarded.settle()) console.log('left from before:', left);

const action = JSON.parse(readFileSync(`${work}/action.json`, 'utf8')) as JsonObject;
const run = await guarded.run(
  {
    action,
    preconditions: () =>
      Promise.resolve({
        'policy.before': digestOf('countersign/precondition/v1', readFileSync(policy, 'utf8')),
      }),
  },
  ({ params, shortId }) => {
    const { after } = params as { readonly after: string };
    writeFileSync(policy, after);
    console.log(`changed the policy under ${shortId}`);
    return Promise.resolve({ result: 'succeeded', targetRef: 'policy.json' });
  },
);
if (run.outcome === 'ended') {
  console.log(`${run.result}${run.isRepeat ? ', in an earlier run' : ''}`);
} else {
  console.log(`${run.outcome}: ${run.code}`);
  process.exit(1);
}
