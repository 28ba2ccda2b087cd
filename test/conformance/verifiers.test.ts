import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { canonicalBytes, utf8, type JsonObject } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import {
  checkDelegationTokens,
  createVerifier,
  parseTrust,
  VerifyError,
  type Level,
  type Outcome,
  type Trust,
} from '@countersign/verify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildGoVerifier, testGoVerifier } from '../support/go-verifier.ts';
import { vectorOutcomes } from '../support/vector-outcomes.ts';

interface EvidenceVector {
  readonly about: string;
  readonly evidence: string;
  readonly trust: JsonObject;
  readonly level: Level;
  readonly now?: string;
  readonly allow_demo?: boolean;
  readonly outcome: string;
  readonly code?: string;
}

interface TrustVector {
  readonly trust: string;
  readonly outcome: string;
  readonly code?: string;
}

const vectors = fileURLToPath(new URL('../vectors/', import.meta.url));

function load<Vector>(folder: string): [name: string, vector: Vector][] {
  return ['invalid', 'valid'].flatMap((kind) =>
    readdirSync(join(vectors, folder, kind))
      .filter((name) => name.endsWith('.json'))
      .map((name): [string, Vector] => [
        `${kind}/${name}`,
        JSON.parse(readFileSync(join(vectors, folder, kind, name), 'utf8')) as Vector,
      ]),
  );
}

function told({ outcome, code }: { outcome: string; code?: string }): string {
  return code === undefined ? outcome : `${outcome} ${code}`;
}

const evidence = load<EvidenceVector>('evidence');
const trust = load<TrustVector>('trust');

let folder: string;
let goVerifier: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'go-verifier-'));
  goVerifier = buildGoVerifier(folder);
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

function verifyHere(vector: EvidenceVector): Promise<Outcome> {
  const verifier = createVerifier({
    trust: parseTrust(canonicalBytes(vector.trust)),
    verifySignature,
    delegationCheck: checkDelegationTokens,
  });
  return verifier.verifyFile(utf8(vector.evidence), {
    level: vector.level,
    allowDemo: vector.allow_demo ?? false,
    ...(vector.now !== undefined && { nowMs: Date.parse(vector.now) }),
  });
}

describe('evidence vectors', () => {
  it('cover at least 25 refusals, in codes and in files', () => {
    const codes = new Set(evidence.flatMap(([, { code }]) => code ?? []));
    expect(codes.size).toBeGreaterThanOrEqual(25);
  });

  it.each(evidence)('%s has the stated outcome in TypeScript', async (_, vector) => {
    expect(told(await verifyHere(vector))).toBe(told(vector));
  });

  it('have the stated outcomes in Go', () => {
    const expected = evidence.map(([name, vector]): [string, string] => [name, told(vector)]);
    expect(vectorOutcomes(goVerifier, ['--vectors', join(vectors, 'evidence')])).toEqual(
      Object.fromEntries(expected),
    );
  });
});

interface SshsigVector {
  readonly facts?: { readonly proof_class: string };
}

it('signatures of ssh-keygen have the stated class in Go, or are refused', () => {
  const expected = load<SshsigVector>('sshsig').map(([name, { facts }]): [string, string] => [
    name,
    facts === undefined ? 'REFUSED ASSERTION_INVALID' : `VALID ${facts.proof_class}`,
  ]);
  expect(vectorOutcomes(goVerifier, ['--vectors', join(vectors, 'sshsig')])).toEqual(
    Object.fromEntries(expected),
  );
});

it('attestations of passkeys are judged by the tests of the second verifier', () => {
  const said = testGoVerifier();
  expect(said).toContain('--- PASS: TestAttestationIsRefused');
  expect(said).not.toContain('--- FAIL');
});

describe('trust vectors', () => {
  it.each(trust)('%s has the stated outcome in TypeScript', (_, vector) => {
    let said: Trust | VerifyError;
    try {
      said = parseTrust(utf8(vector.trust));
    } catch (error) {
      if (!(error instanceof VerifyError)) throw error;
      said = error;
    }
    expect(said instanceof VerifyError ? `REFUSED ${said.code}` : 'VALID').toBe(told(vector));
  });

  it('have the stated outcomes in Go', () => {
    const expected = trust.map(([name, vector]): [string, string] => [name, told(vector)]);
    expect(vectorOutcomes(goVerifier, ['--vectors', join(vectors, 'trust')])).toEqual(
      Object.fromEntries(expected),
    );
  });
});

describe('the command of the second verifier', () => {
  it('reads two files and tells the outcome by its exit status', () => {
    const [, vector] = evidence.find(([name]) => name === 'valid/in-time.json') ?? [];
    if (vector === undefined) throw new Error('expected the vector in-time');
    const files = { evidence: join(folder, 'evidence.json'), trust: join(folder, 'trust.json') };
    writeFileSync(files.evidence, vector.evidence);
    writeFileSync(files.trust, JSON.stringify(vector.trust));
    const args = [files.evidence, files.trust, '--level', 'human', '--now'];
    const run = (now: string): string =>
      execFileSync(goVerifier, [...args, now], { encoding: 'utf8' });
    expect(run('2026-11-22T16:05:00.000Z')).toBe('VALID\n');
    expect(() => run('2026-11-23T16:05:00.000Z')).toThrow(
      expect.objectContaining({ status: 1, stdout: 'REFUSED EXPIRED\n' }),
    );
    expect(() => run('2026-11-21T16:05:00.000Z')).toThrow(
      expect.objectContaining({ status: 3, stdout: 'INDETERMINATE CLOCK_UNKNOWN\n' }),
    );
  });
});
