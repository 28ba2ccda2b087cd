import { readFileSync, readdirSync } from 'node:fs';
import { canonicalBytes, utf8, type JsonObject } from '@countersign/canonical';
import { describe, expect, it } from 'vitest';
import { parseSubmittedFinding } from '@countersign/binding';
import { frame } from './test-keys.ts';
import { TENANT } from './test-documents.ts';
import { TestLedger, type Bound } from './test-ledger.ts';

const RECORD = { source: 'cloudtrail', digest: `sha256:${'5a'.repeat(32)}` };
const MINUTE_MS = 60_000;
const PER_MINUTE = 120;

function unbound(more: JsonObject = {}): JsonObject {
  return {
    v: 'countersign.finding.v1',
    tenant: TENANT,
    finding: 'UNBOUND_EXECUTION',
    kind: 'policy-written',
    record: RECORD,
    ...more,
  };
}

function differing(bound: Bound, useId: string): JsonObject {
  return {
    ...unbound({ finding: 'EFFECT_DIFFERS', differs: ['document', 'target'] }),
    use: { action_id: bound.action.envelope.action_id, use_id: useId },
  };
}

describe('a finding', () => {
  it('G12: of an operator is an entry that holds what was signed', async () => {
    const ledger = new TestLedger();
    expect(await ledger.raise(unbound())).toEqual({ status: 'accepted' });
    const { entry } = ledger.last('finding-raised');
    expect(entry).toMatchObject({
      finding: 'UNBOUND_EXECUTION',
      about: { agent: 'deployer' },
      submission: { key_thumbprint: ledger.agent.key.thumbprint },
    });
    expect(parseSubmittedFinding(utf8(entry.submission?.payload ?? ''))).toEqual(unbound());
    expect(await ledger.raise(unbound())).toMatchObject({ status: 'repeated' });
    expect(ledger.entries('finding-raised')).toHaveLength(1);
  });

  it('G13: about a use names it, and changes nothing of the action', async () => {
    const ledger = new TestLedger();
    const bound = await ledger.bound();
    const claim = ledger.useClaim(bound);
    await ledger.use(claim);
    const { action_id } = bound.action.envelope;
    const before = ledger.state.action(action_id);
    const useId = claim['use_id'] as string;
    expect(await ledger.raise(differing(bound, useId))).toEqual({ status: 'accepted' });
    expect(ledger.last('finding-raised').entry).toMatchObject({
      finding: 'EFFECT_DIFFERS',
      about: { agent: 'deployer', action_id, use_id: useId },
    });
    expect(ledger.state.action(action_id)).toEqual(before);
  });

  it('of another agent is NOT_ELIGIBLE, beside no action', async () => {
    const ledger = new TestLedger();
    const bound = await ledger.bound();
    const finding = differing(bound, ledger.newUlid());
    const refused = { status: 'refused', code: 'NOT_ELIGIBLE' };
    expect(await ledger.raise(finding, ledger.other)).toEqual(refused);
    const { entry } = ledger.last('finding-raised');
    expect(entry.about).toEqual({ agent: 'janitor' });
    expect(entry.submission).toBeUndefined();
  });

  it('of another tenant is refused, of another key or kind quarantined', async () => {
    const ledger = new TestLedger();
    expect(await ledger.raise(unbound({ tenant: 'elsewhere' }))).toEqual({
      status: 'refused',
      code: 'TENANT_UNKNOWN',
    });
    const payload = canonicalBytes(unbound());
    const asExecutor = frame(ledger.executor.key, 'finding', payload);
    expect(await ledger.submit('finding', asExecutor)).toMatchObject({ code: 'AGENT_UNKNOWN' });
    const asErasure = frame(ledger.agent.key, 'erasure', payload);
    expect(await ledger.submit('finding', asErasure)).toMatchObject({ code: 'SIGNATURE_INVALID' });
    expect(await ledger.raise(unbound({ use: 'none' }))).toMatchObject({
      status: 'quarantined',
      code: 'UNKNOWN_MEMBER',
    });
  });

  it('counts as a refusal does: one key has 120 in a minute', async () => {
    const ledger = new TestLedger();
    const raise = (n: number): ReturnType<TestLedger['raise']> =>
      ledger.raise(unbound({ kind: `kind-${n}` }));
    for (let n = 0; n < PER_MINUTE; n += 1) {
      expect(await raise(n)).toEqual({ status: 'accepted' });
    }
    const over = { status: 'quarantined', code: 'QUOTA_EXCEEDED' };
    expect(await raise(PER_MINUTE)).toEqual(over);
    ledger.nowMs += MINUTE_MS;
    expect(await raise(PER_MINUTE)).toEqual({ status: 'accepted' });
  });
});

const VECTORS = new URL('../../../test/vectors/finding/', import.meta.url);

function vectors(folder: 'invalid' | 'valid'): { name: string; text: string; code?: string }[] {
  return readdirSync(new URL(`${folder}/`, VECTORS)).map((name) => ({
    name,
    ...(JSON.parse(readFileSync(new URL(`${folder}/${name}`, VECTORS), 'utf8')) as {
      text: string;
    }),
  }));
}

describe('vectors of findings', () => {
  it.each(vectors('valid'))('$name is one', ({ text }) => {
    expect(parseSubmittedFinding(utf8(text))).toEqual(JSON.parse(text));
  });

  it.each(vectors('invalid'))('$name is $code', ({ text, code }) => {
    expect(() => parseSubmittedFinding(utf8(text))).toThrow(
      expect.objectContaining({ code }) as Error,
    );
  });
});
