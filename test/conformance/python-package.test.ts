import { spawn, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openArrival, parseArrival } from '@countersign/audit';
import { canonicalBytes, canonicalText, utf8, type JsonObject } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import { createVerifier, parseTrust, type Level } from '@countersign/verify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HttpLedger } from '../support/http-ledger.ts';
import { commandPolicy } from '../support/parties.ts';
import { sdkPython } from '../support/sdk-python.ts';
import { vectorOutcomes } from '../support/vector-outcomes.ts';
import { GRANT_PARAMS } from '../support/grant-params.ts';
import { paymentItem } from '../support/batch-params.ts';

const vectors = fileURLToPath(new URL('../vectors/', import.meta.url));
const tests = fileURLToPath(new URL('../../python/tests/', import.meta.url));

const found = sdkPython();
if (found === undefined) throw new Error('expected Python 3 with venv, and cryptography from PyPI');
const { python, env } = found;

function outcomes(folder: string, kind = folder): Record<string, string> {
  const args = [join(tests, 'run_vectors.py'), join(vectors, folder), kind];
  return vectorOutcomes(python, args, env);
}

interface Vector {
  readonly outcome?: string;
  readonly code?: string;
  readonly why?: string;
  readonly canonical_b64?: string;
  readonly facts?: { readonly proof_class: string };
  readonly needs_rendering?: boolean;
}

function expected(folder: string, say: (vector: Vector) => string): Record<string, string> {
  return Object.fromEntries(
    ['invalid', 'valid'].flatMap((kind) =>
      readdirSync(join(vectors, folder, kind))
        .filter((name) => name.endsWith('.json'))
        .map((name): [string, string] => {
          const text = readFileSync(join(vectors, folder, kind, name), 'utf8');
          return [`${kind}/${name}`, say(JSON.parse(text) as Vector)];
        }),
    ),
  );
}

function validOnly(outcomesOf: Record<string, string>): Record<string, string> {
  const valid = Object.entries(outcomesOf).filter(([name]) => name.startsWith('valid/'));
  return Object.fromEntries(valid);
}

interface EvidenceVector {
  readonly evidence: string;
  readonly trust: JsonObject;
  readonly level: Level;
  readonly allow_demo?: boolean;
  readonly now?: string;
}

/** Without reasons: those are content, and no fact of the Python package. */
async function approvalsOf(vector: EvidenceVector): Promise<string> {
  const { evidence, trust, level, allow_demo: allowDemo = false, now } = vector;
  const verifier = createVerifier({ trust: parseTrust(canonicalBytes(trust)), verifySignature });
  const { facts } = await verifier.verifyFile(utf8(evidence), {
    ...{ level, allowDemo },
    ...(now !== undefined && { nowMs: Date.parse(now) }),
  });
  const approvals = facts?.approvals.map((approval) =>
    Object.fromEntries(Object.entries(approval).filter(([name]) => name !== 'rationale')),
  );
  return canonicalText(approvals ?? null);
}

function told({ outcome = '', code }: Vector): string {
  return code === undefined ? outcome : `${outcome} ${code}`;
}

describe('the Python package', () => {
  it('has the stated outcome for every vector of evidence, but the one that has to be rendered', () => {
    const stated = expected('evidence', (vector) =>
      vector.needs_rendering === true ? 'VALID' : told(vector),
    );
    expect(Object.keys(stated).length).toBeGreaterThan(170);
    expect(outcomes('evidence')).toEqual(stated);
  });

  it('tells of every approval who gave it, for whom and of which group, as TypeScript does', async () => {
    const said = validOnly(outcomes('evidence', 'approvals'));
    const approvals = Object.keys(said).map(async (name) => {
      const vector = await readFile(join(vectors, 'evidence', name), 'utf8');
      return [name, await approvalsOf(JSON.parse(vector) as EvidenceVector)] as const;
    });
    const stated = Object.fromEntries(await Promise.all(approvals));
    expect(said).toEqual(stated);
    for (const member of ['"for":', '"second_group":true', '"claimed_dwell_ms":']) {
      expect(Object.values(stated).some((each) => each.includes(member))).toBe(true);
    }
  });

  it('has the stated outcome for every trust file', () => {
    expect(outcomes('trust')).toEqual(expected('trust', told));
  });

  it('has the stated outcome, and why, for every passkey assertion: ES256, EdDSA, RS256', () => {
    const stated = expected('human-proof', ({ facts, why }) =>
      facts === undefined ? `REFUSED ASSERTION_INVALID ${why ?? ''}` : facts.proof_class,
    );
    expect(outcomes('human-proof')).toEqual(stated);
  });

  it('has the stated outcome, and why, for every signature of ssh-keygen', () => {
    const stated = expected('sshsig', ({ facts, why }) =>
      facts === undefined ? `REFUSED ASSERTION_INVALID ${why ?? ''}` : facts.proof_class,
    );
    expect(outcomes('sshsig')).toEqual(stated);
  });

  it('has the canonical bytes, or the code, for every JSON document', () => {
    const stated = expected(
      'canonical',
      ({ canonical_b64: bytes, code }) => bytes ?? `REFUSED ${code ?? ''}`,
    );
    expect(outcomes('canonical')).toEqual(stated);
  });
});

it('attestations of passkeys are judged by the tests of the Python package', () => {
  const told = spawnSync(python, ['-m', 'unittest', 'discover', '-s', tests], {
    env,
    encoding: 'utf8',
  });
  expect(told.stderr).toMatch(/Ran [1-9][0-9]* tests in [0-9.]+s\n\nOK\n$/);
});

describe('the record of a run', () => {
  it('is read and refused in Python as it is in TypeScript', () => {
    const said = outcomes('run-record');
    expect(Object.keys(said).length).toBeGreaterThan(10);
    for (const [name, outcome] of Object.entries(said)) {
      expect([name, outcome.startsWith('countersign.run-')]).toEqual([
        name,
        name.startsWith('valid/'),
      ]);
      if (name.startsWith('invalid/')) expect(outcome).toBe('REFUSED RECORD_DAMAGED');
    }
  });
});

describe('the Python package at a ledger', () => {
  let at: HttpLedger;
  let folder: string;
  let serial = 0;

  beforeAll(async () => {
    const types = [
      'generic.command',
      'payment.grant',
      'payment.transfer',
      'batch.payment.transfer',
    ];
    at = await HttpLedger.start({ policy: commandPolicy({ types, max_uses: 3 }) });
    folder = await mkdtemp(join(tmpdir(), 'sdk-python-'));
  });
  afterAll(async () => {
    await at.discard();
    await rm(folder, { recursive: true, force: true });
  });

  /** A bound action, and what an executor in Python needs. */
  async function prepared(
    uses: number,
    more: JsonObject = {},
  ): Promise<{ work: string; actionId: string }> {
    const bound = await at.ledger.bind(at.ledger.parties.action({ max_uses: uses, ...more }));
    const work = join(folder, String((serial += 1)));
    await mkdir(work);
    await writeFile(join(work, 'action.json'), JSON.stringify(bound.action));
    await writeFile(join(work, 'trust.json'), at.trustFile());
    const { privateKeyPem } = at.ledger.parties.executor;
    await writeFile(join(work, 'executor.key'), privateKeyPem, { mode: 0o600 });
    return { work, actionId: bound.actionId };
  }

  async function play(story: string, work: string): Promise<string[]> {
    const child = spawn(python, [join(tests, 'guard_stories.py'), story, work], {
      env: { ...env, COUNTERSIGN_URL: at.url },
    });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await new Promise((resolve) => child.once('close', resolve));
    return said.trimEnd().split('\n');
  }

  it('verifies its evidence at level human, and none of 400 in which a bit was flipped', async () => {
    const { work, actionId } = await prepared(1);
    const evidence = await at.client(at.ledger.parties.executor).evidence(actionId);
    await writeFile(join(work, 'evidence.json'), evidence);
    const files = ['evidence.json', 'trust.json'].map((name) => join(work, name));
    const said = spawnSync(python, [join(tests, 'spoil.py'), ...files], { env, encoding: 'utf8' });
    expect(said.stdout + said.stderr).toBe('0 []\n');
  });

  it('runs once, and refuses what was not approved (A01, A09, C01)', async () => {
    const { work } = await prepared(1);
    expect(await play('other', work)).toEqual([
      'refused ACTION_DIGEST_MISMATCH 0',
      'refused EXECUTOR_MISMATCH 0',
    ]);
    expect(await play('once', work)).toEqual([
      'ended succeeded 1',
      'ended succeeded 1 repeat',
      'refused ALREADY_CONSUMED 1',
    ]);
  });

  it('C16: reports what it does not know as unknown, and never runs it again', async () => {
    const raised = await prepared(2);
    expect(await play('raises', raised.work)).toEqual([
      'unknown OUTCOME_UNKNOWN 1',
      'unknown OUTCOME_UNKNOWN 1 repeat',
      'refused OUTCOME_UNKNOWN 1',
    ]);
    const lost = await prepared(2);
    expect(await play('lost', lost.work)).toEqual([
      'ended succeeded 1',
      'ended succeeded 1 repeat',
    ]);
    // Of a binding without a use left the ledger's word of an earlier one is no proof of how it ended: never NOT_STARTED.
    const closed = await prepared(1);
    expect(await play('lost', closed.work)).toEqual([
      'ended succeeded 1',
      'unknown OUTCOME_UNKNOWN 1 repeat',
    ]);
    const died = await prepared(1);
    expect(await play('dies', died.work)).toEqual(['']);
    expect(await play('settles', died.work)).toEqual([
      'unknown OUTCOME_UNKNOWN 0 repeat',
      'unknown OUTCOME_UNKNOWN 0 repeat',
    ]);
  });

  it('G10: keeps what proves that a request arrived, and the entry of a refusal', async () => {
    const { work } = await prepared(1);
    const { agent } = at.ledger.parties;
    await writeFile(join(work, 'agent.key'), agent.privateKeyPem, { mode: 0o600 });
    expect(await play('arrival', work)).toEqual([
      'REQUEST_ID_REUSED request-refused c2sp.org/tlog-proof@v1',
      'ended succeeded 1',
      // Evidence that shows the use is refused by the guard, before the ledger is asked.
      'ALREADY_CONSUMED None',
    ]);
    const { origin, logKeys } = parseTrust(at.trustFile());
    const file = parseArrival(await readFile(join(work, 'arrival.json')));
    const promise = await openArrival(file, { origin, logKeys, verifySignature });
    expect(promise).toMatchObject({ kind: 'request', sender: `agent ${agent.id}` });
  });

  const GRANT: JsonObject = {
    type: 'payment.grant',
    params: GRANT_PARAMS,
  };

  it('A13: chooses within a grant, in its claim, and nothing beyond it', async () => {
    const { work, actionId } = await prepared(3, GRANT);
    expect(await play('grant', work)).toEqual([
      ...Array<string>(5).fill('refused CONSTRAINT_VIOLATED 0'),
      'refused LEDGER_UNREACHABLE 0',
      'ended succeeded 1',
      'ended succeeded 2',
      'unknown OUTCOME_UNKNOWN 3',
      "['0.01', '500.00', 'raised']",
    ]);
    const evidence = await at.client(at.ledger.parties.executor).evidence(actionId);
    const { uses } = JSON.parse(evidence) as { uses: { entry: string }[] };
    const claims = uses.map(({ entry }) => (JSON.parse(entry) as { claim: string }).claim);
    expect(claims.map((claim) => JSON.parse(claim) as unknown)).toMatchObject(
      ['0.01', '500.00', '1.00'].map((amount) => ({ v: 'countersign.use.v2', chosen: { amount } })),
    );
    const plain = await prepared(1);
    expect(await play('plain-chosen', plain.work)).toEqual(['refused CONSTRAINT_VIOLATED 0']);
  });

  const batch = (order: string): JsonObject => ({
    type: 'batch.payment.transfer',
    params: { order, items: ['12.50', '999.00', '0.01'].map((amount) => paymentItem(amount)) },
  });

  it('A12: runs each item of a batch once, and none that was not approved', async () => {
    const { work } = await prepared(3, batch('any'));
    expect(await play('batch', work)).toEqual([
      ...Array<string>(3).fill('refused NOT_IN_BATCH 0'),
      'ended succeeded 1',
      'ended succeeded 2',
      'ended succeeded 2 repeat',
      'refused ALREADY_CONSUMED 2',
      "['payment.transfer 0.01', 'payment.transfer 12.50']",
    ]);
  });

  it('A16: runs the steps of a plan in their order alone', async () => {
    const { work } = await prepared(3, batch('listed'));
    expect(await play('plan', work)).toEqual([
      'refused PLAN_ORDER 0',
      'ended succeeded 1',
      'ended succeeded 2',
    ]);
  });

  it('C16: chooses nothing more while nobody knows what came of one use', async () => {
    const { work } = await prepared(3, GRANT);
    expect(await play('grant-unknown', work)).toEqual([
      'unknown OUTCOME_UNKNOWN 1',
      'refused OUTCOME_UNKNOWN 1',
    ]);
  });

  it('H02: runs nothing with the network cut, and sends a report again that was not delivered', async () => {
    const { work } = await prepared(1);
    expect(await play('cut', work)).toEqual([
      'refused LEDGER_UNREACHABLE 0',
      'refused LEDGER_UNREACHABLE 0',
      'unknown OUTCOME_UNKNOWN 1',
      'ended succeeded 1 repeat',
    ]);
  });
});
