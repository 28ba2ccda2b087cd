import {
  canonicalBytes,
  canonicalText,
  utf8,
  type Json,
  type JsonObject,
} from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { createVerifier, parseTrust, type Verifier } from '../src/index.ts';
import { MUTATIONS } from '../../tlog/test/mutation.ts';
import { at, edited, type Path } from './testing/evidence-case.ts';
import { readyLedger } from './testing/ledger-forge.ts';
import { withDora } from './testing/valid-cases.ts';

let file: JsonObject;
let trust: JsonObject;

/** A rich bundle: a quorum of newcomers' proofs, a use, a report, a change by binding in the chain. */
beforeAll(async () => {
  const ledger = readyLedger();
  const dora = withDora(ledger);
  const bound = ledger.bind({}, { approvers: [dora] });
  const use = ledger.use(bound);
  const after = {
    uses: [use],
    reports: [ledger.report(bound, use)],
    revocations: [ledger.revoke(bound, ledger.bob)],
  };
  file = await ledger.evidence(bound, after);
  trust = ledger.trust();
});

function fresh(): Verifier {
  return createVerifier({ trust: parseTrust(canonicalBytes(trust)), verifySignature });
}

async function isValid(verifier: Verifier, bytes: Uint8Array): Promise<boolean> {
  return (await verifier.verifyFile(bytes, { level: 'human' })).outcome === 'VALID';
}

function placesOf(json: Json, path: Path = []): Path[] {
  if (typeof json !== 'object' || json === null) return [path];
  const inner = Object.entries(json).flatMap(([name, value]: [string, Json]) =>
    placesOf(value, [...path, Array.isArray(json) ? Number(name) : name]),
  );
  return [path, ...inner];
}

/** What came after the binding may be unknown: the same evidence as it was handed out earlier. */
function isEarlier(mutant: JsonObject): boolean {
  return ['reports', 'revocations'].some(
    (name) => at(mutant, [name, 0]) === undefined && Array.isArray(at(mutant, [name])),
  );
}

function otherThan(json: Json | undefined): Json {
  if (typeof json === 'string')
    return json === '' ? 'x' : `${json.slice(0, -1)}${json.endsWith('0') ? '1' : '0'}`;
  if (typeof json === 'number') return json + 1;
  if (typeof json === 'boolean') return !json;
  return json === null ? {} : null;
}

describe('evidence that was changed in one place', () => {
  it('is VALID before', async () => {
    expect(await isValid(fresh(), canonicalBytes(file))).toBe(true);
  });

  it('is never VALID with another value, a member less, or a member more', async () => {
    const places = placesOf(file).filter((path) => path.length > 0);
    expect(places.length).toBeGreaterThan(400);
    const warm = fresh();
    await isValid(warm, canonicalBytes(file));
    for (const path of places) {
      const mutants = [
        edited(file, path, otherThan),
        edited(file, path, undefined),
        edited(file, [...path.slice(0, -1), 'zz'], 1),
      ];
      for (const mutant of mutants) {
        if (canonicalText(mutant) === canonicalText(file) || isEarlier(mutant)) continue;
        expect([path, await isValid(warm, canonicalBytes(mutant))]).toEqual([path, false]);
      }
    }
  }, 60_000);

  it(`G01: is never VALID with one bit flipped, ${MUTATIONS} times, and each has a reason`, async () => {
    const text = utf8(canonicalText(file));
    const warm = fresh();
    await isValid(warm, text);
    const bit = fc.nat({ max: text.length * 8 - 1 });
    await fc.assert(
      fc.asyncProperty(bit, async (position) => {
        const flipped = text.slice();
        const at = position >> 3;
        flipped[at] = (flipped[at] ?? 0) ^ (1 << (position & 7));
        const { outcome, code } = await warm.verifyFile(flipped, { level: 'human' });
        expect(outcome).not.toBe('VALID');
        expect(code).toMatch(/^[A-Z][A-Z0-9_]+$/);
      }),
      { numRuns: MUTATIONS },
    );
  }, 600_000);

  it('is refused the same by a verifier that remembers nothing', async () => {
    const text = utf8(canonicalText(file));
    const bit = fc.nat({ max: text.length * 8 - 1 });
    await fc.assert(
      fc.asyncProperty(bit, async (position) => {
        const flipped = text.slice();
        const at = position >> 3;
        flipped[at] = (flipped[at] ?? 0) ^ (1 << (position & 7));
        expect(await isValid(fresh(), flipped)).toBe(false);
      }),
      { numRuns: 200 },
    );
  }, 60_000);
});
