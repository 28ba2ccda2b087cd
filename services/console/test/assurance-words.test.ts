import { assuranceWords } from '@countersign/console';
import { describe, expect, it } from 'vitest';

describe('what a person reads of a deployment', () => {
  it.each(['verified', 'gateway', 'evidence-only'] as const)('H01: names its class: %s', (said) => {
    expect(assuranceWords('build-1', said)).toMatch(new RegExp(`\\(${said}\\)$`));
  });

  it('H01: says that nothing is known where the policy says nothing', () => {
    expect(assuranceWords('build-1', undefined)).toContain('not stated');
    expect(assuranceWords('ledger', undefined)).toBe('the ledger itself carries it out');
  });
});
