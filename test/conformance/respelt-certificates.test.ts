import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatTimestamp } from '@countersign/canonical';
import { verifySignature as verifyOnNode } from '@countersign/crypto-node';
import { verifySignature as verifyOnWeb } from '@countersign/crypto-web';
import {
  attestedModel,
  HumanProofError,
  verifyAttestation,
  type Attestation,
  type ExpectedAttestation,
} from '@countersign/human-proof';
import {
  SoftwareMaker,
  SoftwarePasskey,
  type CertificateParts,
  type SoftwareMakerOptions,
} from '@countersign/software-passkey';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MUTATIONS, randomOf, SEED, type Random } from '../../packages/tlog/test/mutation.ts';
import { buildGoVerifier } from '../support/go-verifier.ts';
import { respelt } from '../support/respelt-certificate.ts';
import { sdkPython } from '../support/sdk-python.ts';
import { vectorOutcomes } from '../support/vector-outcomes.ts';

const CASES = MUTATIONS / 10;
const PLACE = { rpId: 'localhost', origin: 'http://localhost:7420' } as const;
const MODEL = Buffer.from('cb69481e8ff7403993ec0a2729a154a8', 'hex');
const AT_MS = Date.parse('2026-11-30T00:00:00Z');
/** Making a key of RSA takes a third of a second. */
const RSA_ONE_IN = 50;

/** Key usage of one that signs certificates and lists of those that were revoked. */
const ISSUER = {
  extensions: [{ id: '551d0f', critical: true, value: Buffer.from('03020106', 'hex') }],
} as const;

interface Case {
  readonly told: Attestation;
  readonly expected: ExpectedAttestation;
  readonly how: string;
}

function caseOf(random: Random): Case {
  const hasIntermediate = random(2) === 0;
  const sent = hasIntermediate
    ? (['batch', 'between', 'rootParts'] as const)
    : (['batch', 'rootParts'] as const);
  const which = sent[random(sent.length)] ?? 'batch';
  let how = '';
  const spelling: Partial<CertificateParts> = {
    respelt: (parts) => {
      const other = respelt(parts, random);
      how = `${which}: ${other.how}`;
      return other.parts;
    },
  };
  const limits = random(2) === 0 ? { between: ISSUER, rootParts: { ...ISSUER, issues: 1 } } : {};
  const algorithm = random(RSA_ONE_IN) === 0 ? 'RS256' : 'ES256';
  const plain: SoftwareMakerOptions = { model: MODEL, hasIntermediate, algorithm, ...limits };
  const maker = new SoftwareMaker({ ...plain, [which]: { ...plain[which], ...spelling } });
  const passkey = SoftwarePasskey.create({ algorithm: 'ES256', ...PLACE, maker });
  return {
    how,
    told: passkey.attestation(maker.root),
    expected: {
      ...passkey.credentialKey,
      rp_id: PLACE.rpId,
      backup_eligible: false,
      atMs: AT_MS,
    },
  };
}

async function saidHere(
  { told, expected }: Case,
  verify: Parameters<typeof verifyAttestation>[1],
): Promise<string> {
  try {
    const { model, root } = attestedModel(told, expected);
    await verifyAttestation(told, verify);
    return `VALID ${model} ${root}`;
  } catch (error) {
    if (error instanceof HumanProofError) return 'REFUSED ASSERTION_INVALID';
    throw error;
  }
}

describe(`${CASES} certificates written in another way and signed again, seed ${SEED}`, () => {
  const random = randomOf(SEED);
  const cases: Case[] = [];
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'respelt-'));
    await mkdir(join(folder, 'respelt'));
    while (cases.length < CASES) {
      const one = caseOf(random);
      const { atMs, ...statement } = one.expected;
      const vector = { attestation: one.told, statement, at: formatTimestamp(atMs) };
      await writeFile(join(folder, nameOf(cases.length)), JSON.stringify(vector));
      cases.push(one);
    }
  }, 600_000);

  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  it('are read in one way on Node, by WebCrypto, in Go and in Python', async () => {
    const here: string[] = [];
    const web: string[] = [];
    for (const one of cases) {
      here.push(await saidHere(one, (check) => Promise.resolve(verifyOnNode(check))));
      web.push(await saidHere(one, verifyOnWeb));
    }
    const go = vectorOutcomes(buildGoVerifier(folder), ['--vectors', folder]);
    const python = outcomesOfPython(folder);
    const differing = cases.flatMap(({ how, told }, at) => {
      const said = [here[at], web[at], go[nameOf(at)], python[nameOf(at)]];
      return new Set(said).size === 1 ? [] : [{ how, said, told }];
    });
    expect(differing).toEqual([]);
    // What is refused for another reason, or taken whatever it says, would agree as well.
    const valid = here.filter((said) => said.startsWith('VALID')).length;
    expect(valid).toBeGreaterThan(CASES / 20);
    expect(CASES - valid).toBeGreaterThan(CASES / 4);
  }, 600_000);
});

/** Below the folder of all of them. */
function nameOf(at: number): string {
  return `respelt/${at}.json`;
}

function outcomesOfPython(folder: string): Readonly<Record<string, string>> {
  const found = sdkPython();
  if (found === undefined)
    throw new Error('expected Python 3 with venv, and cryptography from PyPI');
  const script = fileURLToPath(new URL('../../python/tests/run_vectors.py', import.meta.url));
  return vectorOutcomes(found.python, [script, folder, 'attestation'], found.env);
}
