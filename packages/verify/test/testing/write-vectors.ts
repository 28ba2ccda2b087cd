import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileText, type EvidenceCase } from './evidence-case.ts';
import { INVALID_CASES } from './invalid-cases.ts';
import { TRUST_CASES } from './trust-cases.ts';
import { VALID_CASES } from './valid-cases.ts';

/**
 * Writes test/vectors/evidence and test/vectors/trust anew, with fresh keys:
 * `node --conditions=@countersign/source --import tsx packages/verify/test/testing/write-vectors.ts`
 *
 * The outcomes come from the cases, which say what the format asks for. No verifier is run here.
 */
const vectors = new URL('../../../../test/vectors/', import.meta.url);

const INDETERMINATE = ['AUTHORITY_MISSING', 'CLOCK_UNKNOWN', 'CONTENT_MISSING'];

function emptied(folder: string): URL {
  const url = new URL(`${folder}/`, vectors);
  mkdirSync(url, { recursive: true });
  for (const name of readdirSync(url)) {
    if (name.endsWith('.json')) rmSync(new URL(name, url));
  }
  return url;
}

function write(folder: URL, name: string, vector: object): void {
  writeFileSync(new URL(`${name}.json`, folder), `${JSON.stringify(vector, null, 2)}\n`);
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

const folders = { valid: emptied('evidence/valid'), invalid: emptied('evidence/invalid') };
for (const each of VALID_CASES) write(folders.valid, each.name, await vectorOf(each));
for (const each of INVALID_CASES) write(folders.invalid, each.name, await vectorOf(each));

const trustFolders = { valid: emptied('trust/valid'), invalid: emptied('trust/invalid') };
for (const { name, about, trust, isValid } of TRUST_CASES) {
  write(isValid ? trustFolders.valid : trustFolders.invalid, name, {
    about,
    trust,
    outcome: isValid ? 'VALID' : 'REFUSED',
    ...(!isValid && { code: 'TRUST_FORMAT' }),
  });
}
