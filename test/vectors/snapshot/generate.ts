import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { encodeEntry, type CommittedState } from '@countersign/binding';
import { fromUtf8, parseStrict, type Json, type JsonObject } from '@countersign/canonical';
import { CompactRange, hashLeaf } from '@countersign/tlog';
import { policyOf } from '../../../packages/binding/test/test-documents.ts';
import { TestLedger } from '../../../packages/binding/test/test-ledger.ts';
import { encodeSnapshotHead } from '../../../services/ledger/src/snapshot-head.ts';
import { GRANT_PARAMS } from '../../support/grant-params.ts';

/**
 * Writes the vectors of schemas/formats/snapshot.md that are not there yet, with fresh keys: `npx tsx` this file. One that is
 * there stays as it is.
 */
const FOLDER = new URL('./', import.meta.url);
const LIMITS = { maxBytes: 1_000_000, maxDepth: 12, maxMembers: 100_000 };

interface Vector extends JsonObject {
  readonly head: JsonObject;
  readonly actions: readonly string[];
  readonly state_digest: string;
}

async function usedDeniedOpen(): Promise<Vector> {
  const ledger = new TestLedger({ limits: { stateCommitEvery: 10 } });
  const bound = await ledger.bound();
  const claim = ledger.useClaim(bound);
  await ledger.use(claim);
  await ledger.submitReport(ledger.report(claim));
  const denied = await ledger.request();
  await ledger.decide(ledger.alice, denied, { verdict: 'deny' });
  await ledger.request();
  return committed(ledger);
}

/** A grant that was used twice, of which nobody knows what came of the second time. */
async function grantUnknown(): Promise<Vector> {
  const ledger = new TestLedger({
    limits: { stateCommitEvery: 10 },
    policy: policyOf(1, { types: ['payment.grant'], max_uses: 3 }),
  });
  const grant = (): JsonObject =>
    ledger.envelope({ type: 'payment.grant', params: GRANT_PARAMS, max_uses: 3 });
  const bound = await ledger.bound(grant());
  for (const [amount, result] of [
    ['500.00', 'succeeded'],
    ['0.01', 'unknown'],
  ] as const) {
    const claim = ledger.useClaim(bound, { v: 'countersign.use.v2', chosen: { amount } });
    await ledger.use(claim);
    await ledger.submitReport(ledger.report(claim, { result }));
  }
  await ledger.request(grant());
  await ledger.request(grant());
  return committed(ledger);
}

function committed(ledger: TestLedger): Vector {
  const commit = ledger.last('state-committed').entry;
  const state = ledger.state.takeCommitted();
  if (state === undefined) throw new Error('expected a fold that is committed to');
  const range = CompactRange.empty();
  for (const { bytes } of ledger.log.slice(0, 3)) range.append(hashLeaf(bytes));
  const head = encodeSnapshotHead({
    state: state.parts,
    genesis: fromUtf8(encodeEntry(ledger.founding())),
    resume: { size: 3, hashes: range.hashes, batchOffset: 7 },
  });
  return {
    head: parseStrict(head, LIMITS) as JsonObject,
    actions: textsOf(state),
    state_digest: commit.state_digest,
  };
}

function textsOf({ changes }: CommittedState): string[] {
  return [...changes.values()].flatMap((kept) => (kept === undefined ? [] : [fromUtf8(kept.bytes())]));
}

const whole = await usedDeniedOpen();
const granted = await grantUnknown();
const { head } = whole;
const state = head['state'] as JsonObject;
const resume = head['resume'] as JsonObject;
const [first = '', ...others] = whole.actions;
const members = state['members'] as readonly Json[];

const otherHead = (change: JsonObject): JsonObject => ({ ...whole, head: { ...head, ...change } });
const otherState = (change: JsonObject): JsonObject =>
  otherHead({ state: { ...state, ...change } });
const otherAction = (from: string, to: string, of = whole): JsonObject => ({
  ...of,
  actions: of.actions.map((text) => text.replace(from, to)),
});
const without = (object: JsonObject, name: string): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([each]) => each !== name));

const MALFORMED: Readonly<Record<string, JsonObject>> = {
  'other-version': otherHead({ v: 'countersign.snapshot.v2' }),
  'unknown-member': otherHead({ more: 1 }),
  'without-genesis': { ...whole, head: without(head, 'genesis') },
  'size-negative': otherState({ size: -1 }),
  'member-of-no-kind': otherState({ members: [{ kind: 'robot', id: 'x' }, ...members] }),
  'hash-of-31-bytes': otherHead({ resume: { ...resume, hashes: ['A'.repeat(42) + '==', 'A'] } }),
  'action-without-its-beginning': { ...whole, actions: [first.slice(1), ...others] },
};

const MISMATCH: Readonly<Record<string, JsonObject>> = {
  'action-missing': { ...whole, actions: others },
  'action-twice': { ...whole, actions: [first, first, ...others] },
  'use-forgotten': otherAction('"use_id"', '"use_ix"'),
  'denial-forgotten': otherAction('"status":"denied"', '"status":"bound"'),
  'index-moved': otherAction('"admission_index":1,', '"admission_index":2,'),
  'more-uses': otherAction('"max_uses":1,', '"max_uses":9,'),
  'later-deadline': otherAction('"decide_by_ms":1', '"decide_by_ms":2'),
  'member-missing': otherState({ members: members.slice(1) }),
  'other-time': otherState({ at_ms: Number(state['at_ms']) + 1 }),
  'other-policy': otherState({ policy: { v: 'countersign.policy.v1', rules: [] } }),
  'bound-raised': otherAction('"max":"500.00"', '"max":"900.00"', granted),
  'bounds-forgotten': otherAction('"bounds":', '"limits":', granted),
  'unknown-forgotten': otherAction(',"unknown":true', '', granted),
  'other-digest': { ...whole, state_digest: `sha256:${'0'.repeat(64)}` },
};

function write(name: string, vector: JsonObject): void {
  const file = new URL(name, FOLDER);
  if (!existsSync(file)) writeFileSync(file, `${JSON.stringify(vector, null, 2)}\n`);
}

for (const folder of ['valid', 'invalid']) mkdirSync(new URL(folder, FOLDER), { recursive: true });
write('valid/used-denied-open.json', whole);
write('valid/grant-used-unknown.json', granted);
for (const [name, vector] of Object.entries(MALFORMED)) {
  write(`invalid/${name}.json`, { code: 'SNAPSHOT_MALFORMED', ...vector });
}
for (const [name, vector] of Object.entries(MISMATCH)) {
  write(`invalid/${name}.json`, { code: 'SNAPSHOT_MISMATCH', ...vector });
}
