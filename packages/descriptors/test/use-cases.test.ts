import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Display } from '../src/index.ts';

const ROOT = new URL('../../../', import.meta.url);
const VECTORS = 'test/vectors/display/valid/';
const DIGEST = /sha256:([0-9a-f]{4})[0-9a-f]{60}/g;

function text(path: string): string {
  return readFileSync(new URL(path, ROOT), 'utf8');
}

/** A display as docs/use-cases has it: the lines that are of the type alone, and digests shortened. */
function excerpt({ lines, warnings, claims }: Display): string {
  const own = lines.slice(
    0,
    lines.findIndex(({ label }) => label === 'Tenant'),
  );
  const said = claims.filter(({ label }) => !label.endsWith(' of the agent'));
  return [
    ...warnings.map((warning) => `! ${warning}`),
    ...(warnings.length === 0 ? [] : ['']),
    ...own.map(({ label, value }) => `${label}: ${value}`),
    '',
    'claims of the agent, which nobody has checked:',
    ...said.map(({ label, value }) => `  ${label}: ${value}`),
  ]
    .join('\n')
    .replace(DIGEST, 'sha256:$1…');
}

const EXCERPTS = new Set(
  readdirSync(new URL(VECTORS, ROOT)).map((name) =>
    excerpt((JSON.parse(text(`${VECTORS}${name}`)) as { display: Display }).display),
  ),
);

describe('docs/use-cases', () => {
  test.each(readdirSync(new URL('docs/use-cases/', ROOT)))('%s shows what is rendered', (name) => {
    const blocks = text(`docs/use-cases/${name}`).matchAll(
      /```text\n(! |Action: )([\s\S]*?)\n```/g,
    );
    const shown = [...blocks].map(([, start = '', rest = '']) => `${start}${rest}`);
    expect(shown.length).toBeGreaterThan(0);
    for (const block of shown) expect(EXCERPTS).toContain(block);
  });
});
