import type { JsonObject } from '@countersign/canonical';
import type { Computation, Computed } from './computation.ts';
import { parseExactJson } from './exact-json.ts';
import { textAt } from './json-member.ts';
import { documentLines } from './text-lines.ts';

const ARGUMENTS = '/arguments';

function check(params: JsonObject): void {
  parseExactJson(textAt(params, ARGUMENTS), `/params${ARGUMENTS}`);
}

function compute(params: JsonObject): Computed {
  const args = parseExactJson(textAt(params, ARGUMENTS), `/params${ARGUMENTS}`);
  const { lines, warnings } = documentLines('Arguments', args);
  const isOpen = textAt(params, '/server/origin/url').startsWith('http:');
  return {
    lines,
    warnings: [
      ...(isOpen
        ? ['Server: is reached without encryption, so whoever is on the way can answer for it']
        : []),
      ...warnings,
    ],
  };
}

/** The arguments of a call, whole: one member or item a line, as they will be sent. */
export const TOOL_CALL: Computation = { shows: [`/params${ARGUMENTS}`], check, compute };
