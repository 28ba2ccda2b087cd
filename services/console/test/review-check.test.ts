import { generateKeyPairSync } from 'node:crypto';
import { encodeEntry, leafOf, parseEntry, type RequestAdmitted } from '@countersign/binding';
import { canonicalText, fromUtf8, type Json, type JsonObject } from '@countersign/canonical';
import { displayDigest } from '@countersign/descriptors';
import { beforeAll, describe, expect, it } from 'vitest';
import { checkReview, ConsoleError, parseReview } from '@countersign/console';
import {
  admittedReview,
  pin,
  receiptOf,
  TENANT,
  type AdmittedReview,
  type ReviewJson,
} from './admitted-review.ts';

let truth: AdmittedReview;
let other: AdmittedReview;

beforeAll(async () => {
  truth = await admittedReview({ purpose: 'Restart after the fix' });
  other = await admittedReview({ argv: ['drop', 'billing'] });
});

async function check(json: JsonObject, actionId = truth.actionId): Promise<string> {
  try {
    await checkReview(parseReview(json), { actionId, tenant: TENANT, pin });
  } catch (error) {
    if (error instanceof ConsoleError) return error.code;
    throw error;
  }
  return 'agrees';
}

function replaced(more: JsonObject): JsonObject {
  return { ...truth.json, ...more };
}

/** A review whose admission says something else, in a log that this server signs, at the same place. */
async function readmitted(
  change: (entry: RequestAdmitted) => RequestAdmitted,
): Promise<JsonObject> {
  const { entry } = truth.json.admission;
  const parsed = parseEntry(Buffer.from(entry.text));
  if (parsed.type !== 'request-admitted') throw new Error('expected an admission');
  const bytes = encodeEntry(change(parsed));
  return replaced({
    admission: {
      entry: { index: 1, leaf: leafOf(bytes), text: fromUtf8(bytes) },
      receipt: await receiptOf([Buffer.of(0), bytes], 1),
    },
  });
}

const DIGEST = `sha256:${'00'.repeat(32)}` as const;

describe('a review', () => {
  it('agrees when everything computed here is what the ledger admitted', async () => {
    const checked = await checkReview(parseReview(truth.json), {
      actionId: truth.actionId,
      tenant: TENANT,
      pin,
    });
    expect(checked.action.envelope.action_id).toBe(truth.actionId);
    expect(displayDigest(checked.display)).toBe(checked.admission.display_digest);
    expect(checked.admissionLeaf).toBe(truth.json.admission.entry.leaf);
  });

  it('refuses another action text', async () => {
    const action = truth.json.action.replace('billing', 'payroll');
    expect(await check(replaced({ action }))).toBe('ACTION_DIGEST_MISMATCH');
    expect(await check(replaced({ action: other.json.action }))).toBe('ACTION_DIGEST_MISMATCH');
    expect(await check(replaced({ action: ` ${truth.json.action}` }))).toBe(
      'ACTION_DIGEST_MISMATCH',
    );
    expect(await check(replaced({ action: '{}' }))).toBe('ACTION_DIGEST_MISMATCH');
  });

  it('refuses another display, to the last line and letter (E01)', async () => {
    const { display } = truth.json;
    const lines = [...(display['lines'] as readonly Json[])];
    for (const changed of [
      { ...display, title: 'Something harmless' },
      { ...display, lines: lines.slice(1) },
      { ...display, lines: lines.toReversed() },
      { ...display, warnings: ['all is well'] },
      { ...display, claims: [] },
      { ...display, not_covered: [] },
      {},
    ]) {
      expect(await check(replaced({ display: changed }))).toBe('DISPLAY_MISMATCH');
    }
  });

  it('refuses another descriptor', async () => {
    const { descriptor } = truth.json;
    expect(await check(replaced({ descriptor: { ...descriptor, title: 'Read a file' } }))).toBe(
      'DESCRIPTOR_MISMATCH',
    );
    expect(await check(replaced({ descriptor: {} }))).toBe('DESCRIPTOR_MISMATCH');
  });

  it('refuses another policy, and none', async () => {
    const policy = { v: 'countersign.policy.v1', rules: [] };
    expect(await check(replaced({ policy }))).toBe('POLICY_MISMATCH');
    expect(await check(replaced({ policy: {} }))).toBe('POLICY_MISMATCH');
    expect(await check(replaced({ policy: null }))).toBe('POLICY_MISMATCH');
  });

  it('refuses the admission of another action, however true it is', async () => {
    expect(await check(replaced({ admission: other.json.admission }))).toBe('ADMISSION_MISMATCH');
    expect(await check(other.json)).toBe('ADMISSION_MISMATCH');
    expect(await check(truth.json, other.actionId)).toBe('ADMISSION_MISMATCH');
  });

  it('refuses an admission that was edited', async () => {
    const { entry, receipt } = truth.json.admission;
    const text = entry.text.replace('"approvals":1', '"approvals":2');
    expect(await check(replaced({ admission: { entry: { ...entry, text }, receipt } }))).toBe(
      'ADMISSION_MISMATCH',
    );
    const leaf = leafOf(Buffer.from(text));
    expect(await check(replaced({ admission: { entry: { ...entry, text, leaf }, receipt } }))).toBe(
      'NOT_LOGGED',
    );
  });

  it('refuses a receipt of another place, of another log key, or none', async () => {
    const { entry } = truth.json.admission;
    const bytes = Buffer.from(entry.text);
    const stranger = generateKeyPairSync('ed25519').privateKey;
    const receipts = {
      NOT_LOGGED: await receiptOf([bytes], 0),
      LOG_KEY_UNKNOWN: await receiptOf([Buffer.of(0), bytes], 1, stranger),
      CHECKPOINT_INVALID: truth.json.admission.receipt.replace(/.{8}\n$/, 'AAAAAAA=\n'),
    };
    for (const [code, receipt] of Object.entries(receipts)) {
      expect(await check(replaced({ admission: { entry, receipt } }))).toBe(code);
    }
    expect(await check(replaced({ admission: { entry, receipt: '' } }))).toBe('NOT_LOGGED');
  });

  it.each([
    ['ACTION_DIGEST_MISMATCH', { action_digest: DIGEST }],
    ['DISPLAY_MISMATCH', { display_digest: DIGEST }],
    ['DESCRIPTOR_MISMATCH', { descriptor_digest: DIGEST }],
    ['DESCRIPTOR_MISMATCH', { reversibility: 'reversible' }],
    ['POLICY_MISMATCH', { policy_digest: DIGEST }],
    ['POLICY_MISMATCH', { use_within_s: 901 }],
    ['POLICY_MISMATCH', { start_within_s: 61 }],
    ['ADMISSION_MISMATCH', { not_after: '2030-01-01T00:00:00.000Z' }],
    ['ADMISSION_MISMATCH', { max_uses: 2 }],
    ['ADMISSION_MISMATCH', { acting_for: ['somebody'] }],
    ['ADMISSION_MISMATCH', { executor: { id: 'x', audience: 'host', descriptor_digest: DIGEST } }],
    ['ADMISSION_MISMATCH', { action_type: { name: 'generic.command', version: 2 } }],
    ['ADMISSION_MISMATCH', { tenant: 'other' }],
  ] as const)('refuses with %s a ledger that admitted %o', async (code, change) => {
    expect(await check(await readmitted((entry) => ({ ...entry, ...change })))).toBe(code);
  });

  it('refuses a rule that is not the one of the policy', async () => {
    const json = await readmitted((entry) => ({
      ...entry,
      requirement: { ...entry.requirement, rationale: 'optional' },
    }));
    expect(await check(json)).toBe('POLICY_MISMATCH');
  });

  it('refuses an answer of another shape', () => {
    for (const name of [
      'action',
      'admission',
      'descriptor',
      'display',
      'rp',
      'decisions',
      'status',
    ]) {
      const rest = Object.entries(truth.json).filter(([member]) => member !== name);
      expect(() => parseReview(Object.fromEntries(rest))).toThrow(
        expect.objectContaining({ code: 'ANSWER_FORMAT' }),
      );
    }
  });

  it('takes nothing from the texts that the server sends for people', async () => {
    const spoiled: ReviewJson = { ...truth.json, status: 'bound' };
    expect(canonicalText(spoiled)).not.toBe(canonicalText(truth.json));
    expect(await check(spoiled)).toBe('agrees');
  });
});
