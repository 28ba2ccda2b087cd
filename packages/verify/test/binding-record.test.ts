import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { canonicalBytes, utf8, type Json, type JsonObject } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import { parseTlogProof } from '@countersign/tlog';
import { describe, expect, it } from 'vitest';
import {
  createVerifier,
  parseTrust,
  verifySealedBinding,
  type BindingOptions,
  type BindingRecord,
  type Verifier,
} from '../src/index.ts';
import { at } from './testing/evidence-case.ts';
import { readyLedger, type LedgerForge } from './testing/ledger-forge.ts';
import { Rotation } from './testing/rotation-cases.ts';

const INVALID = fileURLToPath(new URL('../../../test/vectors/evidence/invalid/', import.meta.url));
/** Of the steps that need nothing but the binding, its receipt and the authority. */
const CODES_OF_A_BINDING: ReadonlySet<string> = new Set([
  'AGENT_UNKNOWN',
  'ASSERTION_INVALID',
  'AUTHENTICATOR_CLASS',
  'AUTHORITY_CHAIN_INVALID',
  'AUTHORITY_MISSING',
  'CREDENTIAL_UNKNOWN',
  'DECISION_REQUEST_MISMATCH',
  'DEMO_LEDGER',
  'DUPLICATE_HUMAN',
  'DUPLICATE_KEY',
  'EQUIVOCATION',
  'GENESIS_MISMATCH',
  'KEY_NOT_ENROLLED_AT_TIME',
  'NOT_A_NATURAL_PERSON',
  'NOT_ELIGIBLE',
  'NO_HUMAN_PROOF',
  'ORDER',
  'OWNER_APPROVAL',
  'PROOF_CLASS',
  'PROOF_CLASS_NOT_ACCEPTED',
  'QUORUM_NOT_MET',
  'SELF_APPROVAL',
  'SEPARATION_NOT_ACCEPTED',
  'SIGNING_KEY_NOT_VALID_AT',
  'WINDOW',
]);

type Chain = BindingOptions['authority'] & {};

function verifierOf(trust: JsonObject): Verifier {
  return createVerifier({ trust: parseTrust(canonicalBytes(trust)), verifySignature });
}

function textAt(json: Json, path: readonly string[]): string {
  const text = at(json, path);
  return typeof text === 'string' ? text : '';
}

/** What the log topic holds of the binding in an evidence file. */
function recordIn(evidence: JsonObject): BindingRecord {
  const receipt = textAt(evidence, ['binding', 'receipt']);
  const { index } = parseTlogProof(receipt);
  return { index, entry: utf8(textAt(evidence, ['binding', 'entry'])), receipt };
}

function chainIn(evidence: JsonObject): Chain {
  return (at(evidence, ['authority', 'chain']) ?? []) as unknown as Chain;
}

async function published(
  ledger: LedgerForge,
): Promise<{ record: BindingRecord; authority: Chain; evidence: JsonObject }> {
  const evidence = await ledger.evidence(ledger.bind({}, { approvers: [ledger.bob] }));
  return { record: recordIn(evidence), authority: chainIn(evidence), evidence };
}

describe('a published binding alone', () => {
  it('is sealed by its receipt, with the trust file only', async () => {
    const ledger = readyLedger();
    const { record } = await published(ledger);
    const outcome = await verifierOf(ledger.trust()).verifyBinding(record, { level: 'sealed' });
    expect(outcome.outcome).toBe('VALID');
    expect(outcome.steps.map(({ name }) => name)).toEqual([
      'binding receipt',
      'demo',
      'separation',
    ]);
    expect(outcome.facts).toMatchObject({ tenant: 'acme', binding: { index: record.index } });
    // The same by the little that this needs.
    const trust = parseTrust(canonicalBytes(ledger.trust()));
    expect(await verifySealedBinding(record, { trust, verifySignature })).toEqual(outcome);
  });

  it('is refused alike by the verifier of little code', async () => {
    const ledger = readyLedger();
    const { record } = await published(ledger);
    const other = await published(ledger);
    const trust = parseTrust(canonicalBytes(ledger.trust()));
    const wrong: readonly [string, BindingRecord][] = [
      ['NOT_LOGGED', { ...record, index: record.index + 1 }],
      ['NOT_LOGGED', { ...record, entry: other.record.entry }],
      [
        'TYPE_CONFUSION',
        { ...record, entry: utf8(textAt(other.evidence, ['admission', 'entry'])) },
      ],
      ['EVIDENCE_FORMAT', { ...record, entry: Uint8Array.of(0xff) }],
    ];
    for (const [code, each] of wrong) {
      const outcome = await verifySealedBinding(each, { trust, verifySignature });
      expect(outcome).toMatchObject({ outcome: 'REFUSED', code });
      expect(outcome).toEqual(
        await verifierOf(ledger.trust()).verifyBinding(each, { level: 'sealed' }),
      );
    }
  });

  it('is human with the authority of earlier evidence, or one that the verifier has seen', async () => {
    const ledger = readyLedger();
    const { authority, evidence } = await published(ledger);
    const { record } = await published(ledger);
    const verifier = verifierOf(ledger.trust());
    const unknown = await verifier.verifyBinding(record, { level: 'human' });
    expect(unknown).toMatchObject({ outcome: 'INDETERMINATE', code: 'AUTHORITY_MISSING' });
    const outcome = await verifierOf(ledger.trust()).verifyBinding(record, {
      level: 'human',
      authority,
    });
    expect(outcome.outcome).toBe('VALID');
    expect(outcome.steps.map(({ name }) => name)).toEqual([
      'binding receipt',
      'demo',
      'separation',
      'authority chain',
      'registration',
      'quorum',
      'decision 1',
    ]);
    expect(outcome.facts?.approvals).toMatchObject([{ person: ledger.bob.id, proof_class: 'uv' }]);
    await verifier.verifyFile(canonicalBytes(evidence), { level: 'human' });
    expect(await verifier.verifyBinding(record, { level: 'human' })).toMatchObject({
      outcome: 'VALID',
    });
  });

  it('is refused with another entry, another index or another receipt', async () => {
    const ledger = readyLedger();
    const { record } = await published(ledger);
    const { record: other } = await published(ledger);
    const verifier = verifierOf(ledger.trust());
    const codes = await Promise.all(
      [
        { ...record, index: record.index + 1 },
        { ...record, entry: other.entry },
        { ...record, receipt: other.receipt, index: other.index },
        { ...record, receipt: '' },
        { ...record, entry: utf8('{}') },
        { ...record, entry: new Uint8Array([0xff]) },
      ].map(async (changed) => (await verifier.verifyBinding(changed, { level: 'sealed' })).code),
    );
    expect(codes).toEqual([
      'NOT_LOGGED',
      'NOT_LOGGED',
      'NOT_LOGGED',
      'NOT_LOGGED',
      'TYPE_CONFUSION',
      'EVIDENCE_FORMAT',
    ]);
  });
});

describe('a published binding of a log whose key was rotated', () => {
  it('is verified with the key that its own chain, or evidence before it, leads to', async () => {
    const rotation = new Rotation();
    rotation.complete();
    const { record, authority } = await published(rotation.ledger);
    const trust = rotation.ledger.trust();
    const sealed = { level: 'sealed' } as const;
    expect(await verifierOf(trust).verifyBinding(record, sealed)).toMatchObject({
      code: 'LOG_KEY_UNKNOWN',
    });
    const human = { level: 'human', authority } as const;
    expect(await verifierOf(trust).verifyBinding(record, human)).toMatchObject({
      outcome: 'VALID',
    });
    const { evidence } = await rotation.file(rotation.bind());
    const verifier = verifierOf(trust);
    await verifier.verifyFile(canonicalBytes(evidence), { level: 'human' });
    expect(await verifier.verifyBinding(record, sealed)).toMatchObject({ outcome: 'VALID' });
  });

  it('is refused under a key that was removed before', async () => {
    const rotation = new Rotation();
    rotation.complete();
    rotation.ledger.signing = [rotation.oldKey];
    const { record, authority } = await published(rotation.ledger);
    const verifier = verifierOf(rotation.ledger.trust());
    expect(await verifier.verifyBinding(record, { level: 'human', authority })).toMatchObject({
      code: 'SIGNING_KEY_NOT_VALID_AT',
    });
  });
});

interface Vector {
  readonly evidence: string;
  readonly trust: JsonObject;
  readonly code: string;
  readonly level: string;
}

describe('what is refused in evidence because of its binding', () => {
  const vectors = readdirSync(INVALID).map((name) => ({
    name,
    vector: JSON.parse(readFileSync(`${INVALID}${name}`, 'utf8')) as Vector,
  }));
  // What came of the log's keys later is told by evidence alone.
  const hasLater = ({ evidence }: Vector): boolean => evidence.includes('"later":{');
  // Who had a part in what is reviewed, or is recovered, is told by the action, which a record does not hold.
  const isOfAction = ({ name }: { readonly name: string }): boolean =>
    ['break-glass-review-approver.json', 'recovery-by-itself.json'].includes(name);
  const ofBinding = vectors.filter(
    (each) =>
      CODES_OF_A_BINDING.has(each.vector.code) && !hasLater(each.vector) && !isOfAction(each),
  );
  it.each(ofBinding)('$name is refused alike in the record', async ({ vector }) => {
    const evidence = JSON.parse(vector.evidence) as JsonObject;
    const outcome = await verifierOf(vector.trust).verifyBinding(recordIn(evidence), {
      level: 'human',
      authority: chainIn(evidence),
    });
    expect(outcome.code).toBe(vector.code);
  });
});
