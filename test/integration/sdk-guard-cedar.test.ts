import { generateKeyPairSync, sign } from 'node:crypto';
import { canonicalBytes, utf8 } from '@countersign/canonical';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import { cedarEngine } from '@countersign/policy-cedar';
import { guard, LedgerClient, type GuardOptions, type RunResult } from '@countersign/sdk';
import { describe, expect, it } from 'vitest';
import { FALSE_CEDAR_CASES } from '../../packages/verify/test/testing/cedar-cases.ts';
import { fileText, type EvidenceCase } from '../../packages/verify/test/testing/evidence-case.ts';
import { INTERFACE } from '../../packages/verify/test/testing/ledger-forge.ts';
import { freePort } from '../support/free-port.ts';

const { privateKey } = generateKeyPairSync('ed25519');
const key = {
  thumbprint: `sha256:${'cd'.repeat(32)}`,
  sign: (message: Uint8Array): Uint8Array => sign(null, message, privateKey),
} as const;

/** What is run on this evidence, by an executor whose ledger is away. */
async function run(each: EvidenceCase, more: Partial<GuardOptions>): Promise<RunResult> {
  const { evidence, trust } = await each.make();
  const text = fileText(evidence);
  const { content, binding } = JSON.parse(text) as {
    readonly content: { readonly action: string };
    readonly binding: { readonly entry: string };
  };
  const { at } = JSON.parse(binding.entry) as { readonly at: string };
  const guarded = guard({
    ledger: new LedgerClient({ url: `http://127.0.0.1:${await freePort()}`, reader: undefined }),
    trust: canonicalBytes(trust),
    executor: { id: 'executor:local', audience: 'local', key, interfaceDigest: INTERFACE },
    nowMs: () => Date.parse(at),
    ...more,
  });
  const order = {
    action: utf8(content.action),
    evidence: text,
    preconditions: () => Promise.resolve({}),
  };
  return guarded.run(order, () => Promise.reject(new Error('expected nothing to be run')));
}

describe('a guard that is given Cedar', () => {
  const policyEngine = cedarEngine(BUILTIN_DESCRIPTORS);

  it.each(FALSE_CEDAR_CASES)('F02: runs nothing by $name', async (each) => {
    expect(await run(each, { policyEngine })).toMatchObject({ code: 'POLICY_MISMATCH' });
    // Without it, the evidence is good, and what is missing is the ledger.
    expect(await run(each, {})).toMatchObject({ code: 'LEDGER_UNREACHABLE' });
  });
});
