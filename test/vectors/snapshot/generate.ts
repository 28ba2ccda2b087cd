import { mkdir, rm, writeFile } from 'node:fs/promises';
import { encodeEntry, type CommittedState } from '@countersign/binding';
import { fromUtf8, parseStrict, type Json, type JsonObject } from '@countersign/canonical';
import { CompactRange, hashLeaf } from '@countersign/tlog';
import { TestLedger } from '../../../packages/binding/test/test-ledger.ts';
import { encodeSnapshotHead } from '../../../services/ledger/src/snapshot-head.ts';

/** Writes the vectors of schemas/formats/snapshot.md anew, with other keys: `npx tsx` this file. */
const FOLDER = new URL('./', import.meta.url);
const LIMITS = { maxBytes: 1_000_000, maxDepth: 12, maxMembers: 100_000 };

interface Vector extends JsonObject {
  readonly head: JsonObject;
  readonly actions: readonly string[];
  readonly state_digest: string;
}

async function committed(): Promise<Vector> {
  const ledger = new TestLedger({ limits: { stateCommitEvery: 10 } });
  const bound = await ledger.bound();
  const claim = ledger.useClaim(bound);
  await ledger.use(claim);
  await ledger.submitReport(ledger.report(claim));
  const denied = await ledger.request();
  await ledger.decide(ledger.alice, denied, { verdict: 'deny' });
  await ledger.request();
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

const whole = await committed();
const { head } = whole;
const state = head['state'] as JsonObject;
const resume = head['resume'] as JsonObject;
const [first = '', ...others] = whole.actions;
const members = state['members'] as readonly Json[];

const otherHead = (change: JsonObject): JsonObject => ({ ...whole, head: { ...head, ...change } });
const otherState = (change: JsonObject): JsonObject =>
  otherHead({ state: { ...state, ...change } });
const otherAction = (from: string, to: string): JsonObject => ({
  ...whole,
  actions: whole.actions.map((text) => text.replace(from, to)),
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
  'other-digest': { ...whole, state_digest: `sha256:${'0'.repeat(64)}` },
};

async function write(name: string, vector: JsonObject): Promise<void> {
  await writeFile(new URL(name, FOLDER), `${JSON.stringify(vector, null, 2)}\n`);
}

for (const folder of ['valid', 'invalid']) {
  await rm(new URL(folder, FOLDER), { recursive: true, force: true });
  await mkdir(new URL(folder, FOLDER));
}
await write('valid/used-denied-open.json', whole);
for (const [name, vector] of Object.entries(MALFORMED)) {
  await write(`invalid/${name}.json`, { code: 'SNAPSHOT_MALFORMED', ...vector });
}
for (const [name, vector] of Object.entries(MISMATCH)) {
  await write(`invalid/${name}.json`, { code: 'SNAPSHOT_MISMATCH', ...vector });
}
