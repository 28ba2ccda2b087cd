import { describe, expect, it } from 'vitest';
import { GateError } from '../src/gate-error.ts';
import { parseGateConfig, ruleOf, type GateConfig } from '../src/gate-config.ts';

const V = 'countersign.mcp-gate.v1';

function rules(tools: GateConfig['tools']): (tool: string) => string {
  const config = parseGateConfig({ v: V, tools });
  return (tool) => ruleOf(config, tool);
}

describe('which tools need a human', () => {
  it('all of which nobody wrote', () => {
    const rule = rules({ read: 'pass' });
    expect(['read', 'READ', 'read_', 'toString', '__proto__', ''].map(rule)).toEqual([
      'pass',
      'approve',
      'approve',
      'approve',
      'approve',
      'approve',
    ]);
  });

  it('by its own name first, then by the strictest of the patterns', () => {
    const rule = rules({ 'get_*': 'pass', '*_secret': 'approve', get_own_secret: 'pass' });
    expect(['get_file', 'get_secret', 'get_own_secret', 'set_file'].map(rule)).toEqual([
      'pass',
      'approve',
      'pass',
      'approve',
    ]);
  });

  it.each([
    ['a*b', 'ab', true],
    ['a*b', 'axxb', true],
    ['a*b', 'axxbc', false],
    ['ab*ba', 'aba', false],
    ['a*b*c', 'a-b-c', true],
    ['a*b*c', 'ac', false],
    ['a*bc*c', 'abc', false],
    ['*', '', true],
    ['a.b*', 'axb1', false],
  ])('the pattern %s and the tool %j: %s', (pattern, tool, matches) => {
    expect(rules({ [pattern]: 'pass' })(tool)).toBe(matches ? 'pass' : 'approve');
  });

  it.each([
    null,
    [],
    {},
    { v: 'countersign.mcp-gate.v2' },
    { v: V, tool: {} },
    { v: V, tools: [] },
    { v: V, tools: { read: 'allow' } },
    { v: V, tools: { read: { rule: 'pass' } } },
    { v: V, pins: { read: 'sha256:0' } },
  ])('CONFIG_INVALID: %j', (json) => {
    expect(() => parseGateConfig(json)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }) as GateError,
    );
  });
});
