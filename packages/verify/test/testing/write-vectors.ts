import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { ACCEPTED_CASES } from './accepted-cases.ts';
import { fileText, type EvidenceCase } from './evidence-case.ts';
import { INVALID_CASES } from './invalid-cases.ts';
import { TRUST_CASES } from './trust-cases.ts';

/**
 * Writes the vectors of test/vectors/evidence and test/vectors/trust that are not there yet, with fresh keys:
 * `node --conditions=@countersign/source --import tsx packages/verify/test/testing/write-vectors.ts`
 * One that is there stays as it is: every later verifier reads it, too.
 *
 * The outcomes come from the cases, which say what the format asks for. No verifier is run here.
 */
const vectors = new URL('../../../../test/vectors/', import.meta.url);

const INDETERMINATE = ['AUTHORITY_MISSING', 'CLOCK_UNKNOWN', 'CONTENT_MISSING'];

function made(folder: string): URL {
  const url = new URL(`${folder}/`, vectors);
  mkdirSync(url, { recursive: true });
  return url;
}

async function write(
  folder: URL,
  name: string,
  vector: () => object | Promise<object>,
): Promise<void> {
  const file = new URL(`${name}.json`, folder);
  if (existsSync(file)) return;
  writeFileSync(file, `${JSON.stringify(await vector(), null, 2)}\n`);
}

async function vectorOf(each: EvidenceCase): Promise<object> {
  const { evidence, trust } = await each.make();
  const { about, code, level = 'human', now, allowDemo, needsRendering } = each;
  const refused = INDETERMINATE.includes(code ?? '') ? 'INDETERMINATE' : 'REFUSED';
  return {
    about,
    evidence: fileText(evidence),
    trust,
    level,
    ...(now !== undefined && { now }),
    ...(allowDemo !== undefined && { allow_demo: allowDemo }),
    ...(needsRendering !== undefined && { needs_rendering: needsRendering }),
    outcome: code === undefined ? 'VALID' : refused,
    ...(code !== undefined && { code }),
  };
}

const folders = { valid: made('evidence/valid'), invalid: made('evidence/invalid') };
for (const each of ACCEPTED_CASES) {
  await write(folders.valid, each.name, () => vectorOf(each));
}
for (const each of INVALID_CASES) await write(folders.invalid, each.name, () => vectorOf(each));

const trustFolders = { valid: made('trust/valid'), invalid: made('trust/invalid') };
for (const { name, about, trust, isValid } of TRUST_CASES) {
  await write(isValid ? trustFolders.valid : trustFolders.invalid, name, () => ({
    about,
    trust,
    outcome: isValid ? 'VALID' : 'REFUSED',
    ...(!isValid && { code: 'TRUST_FORMAT' }),
  }));
}
