import { canonicalBytes, type JsonObject } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import { describe, expect, it } from 'vitest';
import { createVerifier, parseEvidence, parseTrust, type Evidence } from '../src/index.ts';
import { edited } from './testing/evidence-case.ts';
import { readyLedger, type Bound, type LedgerForge } from './testing/ledger-forge.ts';
import { withDora } from './testing/valid-cases.ts';

async function parsed(ledger: LedgerForge, bound: Bound): Promise<Evidence> {
  return parseEvidence(canonicalBytes(await ledger.evidence(bound)));
}

function trustOf(ledger: LedgerForge): ReturnType<typeof parseTrust> {
  return parseTrust(canonicalBytes(ledger.trust()));
}

describe('what a verifier tells', () => {
  it('names each step, and the facts that they have proven', async () => {
    const ledger = readyLedger();
    const bound = ledger.bind({}, { approvers: [ledger.bob] });
    const use = ledger.use(bound);
    const file = await ledger.evidence(bound, {
      uses: [use],
      reports: [ledger.report(bound, use)],
    });
    const verifier = createVerifier({ trust: trustOf(ledger), verifySignature });
    const outcome = await verifier.verifyFile(canonicalBytes(file), {
      level: 'human',
      nowMs: 0 + Date.parse('2026-11-22T16:01:00.000Z'),
    });
    expect(outcome.steps.map(({ name }) => name)).toEqual([
      'log',
      'binding receipt',
      'admission receipt',
      'admission',
      'descriptor',
      'action',
      'display',
      'rationales',
      'policy',
      'demo',
      'separation',
      'authority chain',
      'membership',
      'registration',
      'request signature',
      'quorum',
      'decision 1',
      'use 1',
      'use 1',
      'report 1',
      'report 1',
      'expiry',
      'expectation',
    ]);
    expect(new Set(outcome.steps.map(({ result }) => result))).toEqual(new Set(['ok']));
    expect(outcome.facts).toEqual({
      tenant: 'acme',
      action_id: bound.binding.entry.action_id,
      action_digest: bound.binding.entry.action_digest,
      action_type: 'generic.command/1',
      agent: 'agent:fixer/1',
      executor: 'executor:local',
      binding: { leaf: bound.binding.leaf, index: bound.binding.index },
      approvals: [
        {
          person: ledger.bob.id,
          credential: ledger.bob.passkey.credentialId,
          proof_class: 'uv',
          rationale: 'checked the plan with the on-call',
        },
      ],
      bound_at: bound.binding.entry.at,
      use_by: bound.binding.entry.use_by,
      max_uses: 1,
      separation: 'full',
      demo: false,
      is_content_erased: false,
      uses: [{ use_id: use.entry.use_id, used_at: use.entry.at, start_by: use.entry.start_by }],
    });
  });

  it('ends at the first step that fails, and tells no facts then', async () => {
    const ledger = readyLedger();
    const bound = ledger.bind({}, { approvers: [ledger.alice] });
    const verifier = createVerifier({ trust: trustOf(ledger), verifySignature });
    const outcome = await verifier.verify(await parsed(ledger, bound), { level: 'human' });
    expect(outcome.steps.at(-1)).toMatchObject({ name: 'decision 1', result: 'refused' });
    expect(outcome.facts).toBeUndefined();
  });

  it('compares what the caller expects', async () => {
    const ledger = readyLedger();
    const bound = ledger.bind({}, { approvers: [ledger.bob] });
    const verifier = createVerifier({ trust: trustOf(ledger), verifySignature });
    const evidence = await parsed(ledger, bound);
    const actionDigest = bound.binding.entry.action_digest;
    const digest = `sha256:${'ab'.repeat(32)}` as const;
    const codeOf = async (expected: object): Promise<string | undefined> =>
      (await verifier.verify(evidence, { level: 'human', expect: expected })).code;
    expect(await codeOf({ actionDigest, executor: 'executor:local' })).toBeUndefined();
    expect(await codeOf({ actionDigest: digest })).toBe('ACTION_DIGEST_MISMATCH');
    expect(await codeOf({ executor: 'executor:other' })).toBe('EXECUTOR_MISMATCH');
  });

  it('does not turn a check that could not be made into a refusal', async () => {
    const ledger = readyLedger();
    const evidence = await parsed(ledger, ledger.bind({}, { approvers: [ledger.bob] }));
    const broken = (): never => {
      throw new Error('no cryptography here');
    };
    const verifier = createVerifier({ trust: trustOf(ledger), verifySignature: broken });
    await expect(verifier.verify(evidence, { level: 'human' })).rejects.toThrow('no cryptography');
  });

  it('takes asynchronous signature checks', async () => {
    const ledger = readyLedger();
    const evidence = await parsed(ledger, ledger.bind({}, { approvers: [ledger.bob] }));
    const verifier = createVerifier({
      trust: trustOf(ledger),
      verifySignature: (check) => Promise.resolve(verifySignature(check)),
    });
    expect((await verifier.verify(evidence, { level: 'human' })).outcome).toBe('VALID');
  });
});

describe('what a verifier remembers', () => {
  it('needs the chain of an authority once', async () => {
    const ledger = readyLedger();
    const verifier = createVerifier({ trust: trustOf(ledger), verifySignature });
    const first = ledger.bind({}, { approvers: [ledger.bob] });
    const bare = edited(await ledger.evidence(first), ['authority', 'chain'], []);
    const codeOf = async (file: JsonObject): Promise<string | undefined> =>
      (await verifier.verifyFile(canonicalBytes(file), { level: 'human' })).code;
    expect(await codeOf(bare)).toBe('AUTHORITY_MISSING');
    expect(await codeOf(await ledger.evidence(first))).toBeUndefined();
    expect(await codeOf(bare)).toBeUndefined();
    const second = ledger.bind({}, { approvers: [ledger.carol] });
    expect(
      await codeOf(edited(await ledger.evidence(second), ['authority', 'chain'], [])),
    ).toBeUndefined();
    const dora = withDora(ledger);
    const third = ledger.bind({}, { approvers: [dora] });
    expect(await codeOf(edited(await ledger.evidence(third), ['authority', 'chain'], []))).toBe(
      'AUTHORITY_MISSING',
    );
  });

  it('does not let another chain ride on a remembered one', async () => {
    const ledger = readyLedger();
    const verifier = createVerifier({ trust: trustOf(ledger), verifySignature });
    const file = await ledger.evidence(ledger.bind({}, { approvers: [ledger.bob] }));
    expect((await verifier.verifyFile(canonicalBytes(file), { level: 'human' })).outcome).toBe(
      'VALID',
    );
    const shorter = edited(file, ['authority', 'chain', 1], undefined);
    expect((await verifier.verifyFile(canonicalBytes(shorter), { level: 'human' })).code).toBe(
      'AUTHORITY_CHAIN_INVALID',
    );
  });

  it('checks no checkpoint and no chain twice', async () => {
    const ledger = readyLedger();
    let checks = 0;
    const counting = (check: Parameters<typeof verifySignature>[0]): boolean => {
      checks += 1;
      return verifySignature(check);
    };
    const verifier = createVerifier({ trust: trustOf(ledger), verifySignature: counting });
    const evidence = await parsed(ledger, ledger.bind({}, { approvers: [ledger.bob] }));
    await verifier.verify(evidence, { level: 'human' });
    // The head, three enrolments, the request and the decision.
    expect(checks).toBe(6);
    checks = 0;
    await verifier.verify(evidence, { level: 'human' });
    expect(checks).toBe(2);
  });
});

describe('a use that was claimed', () => {
  it('may be started until start_by', async () => {
    const ledger = readyLedger();
    const verifier = createVerifier({ trust: trustOf(ledger), verifySignature });
    const bound = ledger.bind({}, { approvers: [ledger.bob] });
    const used = ledger.use(bound);
    const startByMs = Date.parse(used.entry.start_by);
    const claimed = {
      entry: used.text,
      receipt: await ledger.receipt(used.index),
      binding: bound.binding,
      useId: used.entry.use_id,
      nowMs: startByMs,
    };
    expect(await verifier.verifyUse(claimed)).toEqual({
      outcome: 'VALID',
      startBy: used.entry.start_by,
      shortId: used.entry.short_id,
    });
    const codeOf = async (other: Partial<typeof claimed>): Promise<string | undefined> =>
      (await verifier.verifyUse({ ...claimed, ...other })).code;
    expect(await codeOf({ nowMs: startByMs + 1 })).toBe('EXPIRED');
    expect(await codeOf({ useId: ledger.ulid() })).toBe('ALREADY_CONSUMED');
    expect(await codeOf({ receipt: '' })).toBe('NOT_LOGGED');
    expect(await codeOf({ entry: bound.binding.text })).toBe('TYPE_CONFUSION');
    const other = ledger.bind({}, { approvers: [ledger.bob] });
    expect(await codeOf({ binding: other.binding })).toBe('NOT_BOUND');
  });
});
