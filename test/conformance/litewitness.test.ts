import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonicalBytes, utf8, type JsonObject } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import {
  consistencyProof,
  formatCheckpoint,
  formatWitnessRequest,
  signNote,
} from '@countersign/tlog';
import { createVerifier, parseTrust } from '@countersign/verify';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { edited, fileText } from '../../packages/verify/test/testing/evidence-case.ts';
import {
  ORIGIN,
  readyLedger,
  type Bound,
} from '../../packages/verify/test/testing/ledger-forge.ts';
import { buildGoVerifier } from '../support/go-verifier.ts';
import { Litewitness } from '../support/litewitness.ts';

const ledger = readyLedger();
let folder: string;
let witness: Litewitness;
let bound: Bound;
let first: { readonly size: number; readonly note: string };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'litewitness-'));
  witness = await Litewitness.start(folder, { origin: ORIGIN, vkey: ledger.noteSigner().vkey });
}, 300_000);

afterAll(() => {
  witness.stop();
  rmSync(folder, { recursive: true });
});

async function evidenceWith(note: string): Promise<{ evidence: JsonObject; trust: JsonObject }> {
  const receipt = await ledger.receipt(bound.binding.index, note);
  return {
    evidence: edited(await ledger.evidence(bound), ['binding', 'receipt'], receipt),
    trust: ledger.trust({ witness_policy: `witness lite ${witness.vkey}\nquorum lite\n` }),
  };
}

async function outcomeOf({
  evidence,
  trust,
}: {
  evidence: JsonObject;
  trust: JsonObject;
}): Promise<string> {
  const verifier = createVerifier({ trust: parseTrust(canonicalBytes(trust)), verifySignature });
  const file = utf8(fileText(evidence));
  const { outcome, code } = await verifier.verifyFile(file, { level: 'witnessed' });
  return code ?? outcome;
}

it('cosigns a head, which is then VALID at level witnessed here and for the second verifier', async () => {
  bound = ledger.bind({}, { approvers: [ledger.bob] });
  const note = await ledger.checkpoint();
  first = { size: ledger.tree.size, note };
  expect(await outcomeOf(await evidenceWith(note))).toBe('WITNESS_QUORUM');
  const { status, text } = await witness.add(
    formatWitnessRequest({ oldSize: 0, proof: [], checkpoint: note }),
  );
  expect(status).toBe(200);
  const made = await evidenceWith(note + text);
  expect(await outcomeOf(made)).toBe('VALID');
  const files = [join(folder, 'evidence.json'), join(folder, 'trust.json')] as const;
  writeFileSync(files[0], fileText(made.evidence));
  writeFileSync(files[1], fileText(made.trust));
  const args = [...files, '--level', 'witnessed'];
  expect(execFileSync(buildGoVerifier(folder), args, { encoding: 'utf8' })).toBe('VALID\n');
});

it('G02: refuses another head of a size that it has cosigned', async () => {
  const text = formatCheckpoint({ origin: ORIGIN, size: first.size, root: new Uint8Array(32) });
  const checkpoint = await signNote(text, [ledger.noteSigner()]);
  const body = formatWitnessRequest({ oldSize: first.size, proof: [], checkpoint });
  expect((await witness.add(body)).status).toBe(422);
});

it('cosigns what goes on from there, and says where it is to who asks from elsewhere', async () => {
  ledger.bind({}, { approvers: [ledger.bob] });
  const checkpoint = await ledger.checkpoint();
  const early = await witness.add(formatWitnessRequest({ oldSize: 0, proof: [], checkpoint }));
  expect(early).toMatchObject({ status: 409, text: `${first.size}\n` });
  const proof = consistencyProof(first.size, ledger.tree.size, ledger.tree.node);
  const { status } = await witness.add(
    formatWitnessRequest({ oldSize: first.size, proof, checkpoint }),
  );
  expect(status).toBe(200);
});

it('G01: refuses a head with one byte changed in any line, and a proof with one', async () => {
  const from = ledger.tree.size;
  ledger.bind({}, { approvers: [ledger.bob] });
  const checkpoint = await ledger.checkpoint();
  const proof = consistencyProof(from, ledger.tree.size, ledger.tree.node);
  const whole = { oldSize: from, proof, checkpoint };
  const [first = new Uint8Array(), ...others] = proof;
  const spoiled = [(first[0] ?? 0) ^ 1, ...first.slice(1)];
  const bad = { ...whole, proof: [Uint8Array.from(spoiled), ...others] };
  expect((await witness.add(formatWitnessRequest(bad))).status).toBe(422);
  const [origin = '', size = '', root = '', ...signed] = checkpoint.split('\n');
  const changed = [
    [`${origin}x`, size, root],
    [origin, String(ledger.tree.size + 1), root],
    [origin, size, root.replace(/^./, (letter) => (letter === 'A' ? 'B' : 'A'))],
  ].map((lines) => [...lines, ...signed].join('\n'));
  changed.push(checkpoint.replace(/.{8}\n$/, 'AAAAAAA=\n'));
  for (const each of changed) {
    const { status } = await witness.add(formatWitnessRequest({ ...whole, checkpoint: each }));
    expect([each, [400, 403, 404].includes(status)]).toEqual([each, true]);
  }
  // It has cosigned none of them: the true one still goes on from what it holds.
  expect((await witness.add(formatWitnessRequest(whole))).status).toBe(200);
});

it('G03: refuses a head from before, and one that goes on from another', async () => {
  const { size } = ledger.tree;
  const back = formatWitnessRequest({ oldSize: first.size, proof: [], checkpoint: first.note });
  expect((await witness.add(back)).status).toBe(409);
  const forked = readyLedger();
  while (forked.tree.size <= size) forked.bind({}, { approvers: [forked.bob] });
  const text = formatCheckpoint({
    origin: ORIGIN,
    size: forked.tree.size,
    root: forked.tree.root(),
  });
  const checkpoint = await signNote(text, [ledger.noteSigner()]);
  const proof = consistencyProof(size, forked.tree.size, forked.tree.node);
  expect(
    (await witness.add(formatWitnessRequest({ oldSize: size, proof, checkpoint }))).status,
  ).toBe(422);
});
