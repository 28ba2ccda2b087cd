// An auditor checks evidence with two files and no network; the same code runs in a browser.
// node … verify-offline.ts WORK: WORK/evidence.json against WORK/trust.json.
import { readFileSync } from 'node:fs';
import { createVerifier, parseTrust, verifySignature } from '@countersign/sdk/verify';

const [work = '.'] = process.argv.slice(2);
const read = (name: string): Uint8Array => new Uint8Array(readFileSync(`${work}/${name}`));

const verifier = createVerifier({ trust: parseTrust(read('trust.json')), verifySignature });
const { outcome, code, facts } = await verifier.verifyFile(read('evidence.json'), {
  level: 'human',
});
console.log(code === undefined ? outcome : `${outcome} ${code}`);
for (const { person, rationale } of facts?.approvals ?? []) {
  console.log(`approved by ${person}: ${JSON.stringify(rationale)}`);
}
process.exit(outcome === 'VALID' ? 0 : 1);
