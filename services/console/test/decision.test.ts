import { decisionChallenge, parseDecisionMade, rationaleDigest } from '@countersign/binding';
import { canonicalBytes, type Json } from '@countersign/canonical';
import { SoftwarePasskey } from '@countersign/software-passkey';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  checkReview,
  decisionFrame,
  decisionStatement,
  parseReview,
  saltedRationale,
  type CheckedReview,
} from '@countersign/console';
import { admittedReview, facts, OWNER, pin, TENANT } from './admitted-review.ts';

const passkey = SoftwarePasskey.create({
  algorithm: 'ES256',
  rpId: 'localhost',
  origin: 'http://localhost:7420',
});
const signer = { person: OWNER, credential: passkey.credentialId };
const rationale = saltedRationale('It fixes the incident.', new Uint8Array(16).fill(7));

let checked: CheckedReview;

beforeAll(async () => {
  const { actionId, json } = await admittedReview();
  checked = await checkReview(parseReview(json), { actionId, tenant: TENANT, pin });
});

function statement(verdict: 'approve' | 'deny' | 'revoke'): ReturnType<typeof decisionStatement> {
  const shownMs = 12_345.6;
  return decisionStatement({ checked, ledger: facts.origin, signer, verdict, rationale, shownMs });
}

describe('a decision', () => {
  it.each(['approve', 'deny', 'revoke'] as const)(
    'to %s names exactly what was checked',
    (verdict) => {
      const { admission } = checked;
      expect(statement(verdict)).toEqual({
        v: 'countersign.decision.v1',
        ledger: facts.origin,
        tenant: TENANT,
        action_id: admission.action_id,
        admission: checked.admissionLeaf,
        action_digest: checked.action.digest,
        display_digest: admission.display_digest,
        verdict,
        rationale_digest: rationaleDigest(rationale),
        ...signer,
        // A quarter of an hour to decide, and another one to use it.
        not_after: '2026-11-23T12:30:00.000Z',
        claimed_dwell_ms: 12_345,
      });
    },
  );

  it('never outlives the action', () => {
    const short = { ...checked.admission, not_after: '2026-11-23T12:20:00.000Z' };
    const bound = { ...checked, admission: short } as CheckedReview;
    const { not_after } = decisionStatement({
      checked: bound,
      ledger: facts.origin,
      signer,
      verdict: 'approve',
      rationale,
      shownMs: 0,
    });
    expect(not_after).toBe(short.not_after);
  });

  it.each([
    [-5, 0],
    [90_000_000, 86_400_000],
  ])('claims to have been shown for %i ms as %i ms', (shownMs, claimed) => {
    const parts = { checked, ledger: facts.origin, signer, rationale, shownMs };
    const { claimed_dwell_ms } = decisionStatement({ ...parts, verdict: 'approve' });
    expect(claimed_dwell_ms).toBe(claimed);
  });

  it('is signed under another challenge for each verdict', () => {
    const challenges = (['approve', 'deny', 'revoke'] as const).map((verdict) =>
      Buffer.from(decisionChallenge(statement(verdict))).toString('hex'),
    );
    expect(new Set(challenges).size).toBe(3);
  });

  it('hides its reason behind a salt', () => {
    const salted = saltedRationale(rationale.text, new Uint8Array(16).fill(8));
    expect(rationaleDigest(salted)).not.toBe(rationaleDigest(rationale));
  });

  it('travels in the frame that the ledger reads', () => {
    const made = statement('approve');
    const frame = decisionFrame(made, passkey.assert(decisionChallenge(made)), rationale);
    const read = parseDecisionMade(canonicalBytes(frame as unknown as Json));
    expect(read.statement).toEqual(made);
    expect(rationaleDigest(read.rationale)).toBe(made.rationale_digest);
  });
});
