import { isDigest, type Digest } from '@countersign/canonical';
import { isObject } from './client-message.ts';
import { GateError } from './gate-error.ts';

export type ToolRule = 'approve' | 'pass';

/** docs/mcp-gate.md, "Which tools need a human". */
export interface GateConfig {
  readonly v: 'countersign.mcp-gate.v1';
  /** Name of a tool, or a pattern with `*`, to what happens with its calls. */
  readonly tools: Readonly<Record<string, ToolRule>>;
  /** Digests of tools as somebody has looked at them. */
  readonly pins: Readonly<Record<string, Digest>>;
}

/** Everything needs a human. */
export const DEFAULT_CONFIG: GateConfig = { v: 'countersign.mcp-gate.v1', tools: {}, pins: {} };

const MEMBERS = new Set(['v', 'tools', 'pins']);
const ENTRIES_MAX = 1_000;

/** @throws GateError CONFIG_INVALID */
export function parseGateConfig(json: unknown): GateConfig {
  if (!isObject(json)) throw invalid('an object');
  const foreign = Object.keys(json).filter((name) => !MEMBERS.has(name));
  if (foreign.length > 0) throw invalid('no members but v, tools and pins');
  if (json['v'] !== DEFAULT_CONFIG.v) throw invalid(`v to be ${DEFAULT_CONFIG.v}`);
  return {
    v: DEFAULT_CONFIG.v,
    tools: entriesOf(json['tools'], {
      is: (value) => value === 'approve' || value === 'pass',
      words: 'each tool to be "approve" or "pass"',
    }),
    pins: entriesOf(json['pins'], {
      is: (value) => typeof value === 'string' && isDigest(value),
      words: 'each pin to be a digest',
    }),
  };
}

function entriesOf<T>(
  json: unknown,
  expected: { readonly is: (value: unknown) => boolean; readonly words: string },
): Readonly<Record<string, T>> {
  if (json === undefined) return {};
  const isRight =
    isObject(json) &&
    Object.keys(json).length <= ENTRIES_MAX &&
    Object.values(json).every((value) => expected.is(value));
  if (!isRight) throw invalid(`${expected.words}, and at most ${ENTRIES_MAX}`);
  return json as Readonly<Record<string, T>>;
}

function invalid(expected: string): GateError {
  return new GateError('CONFIG_INVALID', `countersign.mcp.json: expected ${expected}`);
}

/**
 * What happens with the calls of a tool. Its own name counts before patterns, and among patterns the strictest; a tool
 * of which nobody wrote needs a human. What a server says of its tools, such as `readOnlyHint`, changes nothing.
 */
export function ruleOf(config: GateConfig, tool: string): ToolRule {
  if (Object.hasOwn(config.tools, tool)) return config.tools[tool] ?? 'approve';
  const rules = Object.entries(config.tools)
    .filter(([pattern]) => pattern.includes('*') && matches(pattern, tool))
    .map(([, rule]) => rule);
  return rules.length > 0 && rules.every((rule) => rule === 'pass') ? 'pass' : 'approve';
}

function matches(pattern: string, tool: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop() ?? '';
  if (!tool.startsWith(first) || tool.length < first.length + last.length) return false;
  if (!tool.endsWith(last)) return false;
  const end = tool.length - last.length;
  let at = first.length;
  for (const part of rest) {
    const found = tool.indexOf(part, at);
    if (found === -1 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}
