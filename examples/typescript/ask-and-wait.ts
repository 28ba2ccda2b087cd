// An agent asks for a change of an access policy, and waits until a person has decided.
// node … ask-and-wait.ts WORK: reads WORK/policy.json, leaves WORK/action.json and WORK/evidence.json.
import { readFileSync, writeFileSync } from 'node:fs';
import { digestOf, type Json } from '@countersign/canonical';
import {
  draftAction,
  LedgerClient,
  readSigningKey,
  requestBinding,
  waitForBinding,
} from '@countersign/sdk';

const [work = '.'] = process.argv.slice(2);
const { COUNTERSIGN_URL: url = 'http://localhost:7420', AGENT_KEY = 'agent.key' } = process.env;
const key = await readSigningKey(AGENT_KEY);
const ledger = new LedgerClient({ url, reader: { keyId: key.thumbprint, sign: key.sign } });

const before = readFileSync(`${work}/policy.json`, 'utf8');
const after = before.replace(',"s3:DeleteObject"', '');
const interfaceJson = readFileSync(new URL('../interface.json', import.meta.url), 'utf8');
const action = draftAction(
  {
    tenant: 'default',
    agent: { id: 'local-agent', key_thumbprint: key.thumbprint },
    executor: {
      id: 'policy-file',
      audience: '111122223333',
      descriptor_digest: digestOf('countersign/executor/v1', JSON.parse(interfaceJson) as Json),
    },
  },
  {
    type: 'iam.policy.change',
    typeVersion: 1,
    params: {
      provider: 'aws',
      account: '111122223333',
      target: { kind: 'managed-policy', ref: 'arn:aws:iam::111122223333:policy/deploy-agent' },
      before,
      after,
      change_ref: 'CHG-1042',
    },
    // What must still be so when it runs.
    preconditions: [
      { name: 'policy.before', digest: digestOf('countersign/precondition/v1', before) },
    ],
    lifeS: 3_600,
  },
);
// Kept before it is sent: whoever asks again with the same action asks for the same thing.
writeFileSync(`${work}/action.json`, JSON.stringify(action));

const requested = await requestBinding(ledger, { key, action });
if (requested.status === 'refused') throw new Error(requested.code);
console.log(`asked: ${requested.pageUrl}`);

// Goes on by itself when the connection breaks or the ledger is started again.
const result = await waitForBinding(ledger, requested.actionId);
console.log(`ended: ${result.status}`);
if (result.status !== 'bound') process.exit(1);
writeFileSync(`${work}/evidence.json`, result.evidence);
