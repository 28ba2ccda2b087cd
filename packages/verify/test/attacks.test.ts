import {
  canonicalBytes,
  concatBytes,
  utf8,
  type Digest,
  type Json,
  type JsonObject,
} from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import { describe, expect, it } from 'vitest';
import {
  compareHeads,
  createVerifier,
  parseEvidence,
  parseTrust,
  type Execution,
  type Outcome,
  type Verifier,
} from '../src/index.ts';
import {
  consistencyProof,
  hashLeaf,
  inclusionProof,
  verifyInclusion,
  type NoteSigner,
} from '@countersign/tlog';
import { at, edited, withAt, type Path } from './testing/evidence-case.ts';
import { INVALID_CASES } from './testing/invalid-cases.ts';
import {
  documentOf,
  INTERFACE,
  readyLedger,
  type Bound,
  type LedgerForge,
} from './testing/ledger-forge.ts';
import { POLICY_CHANGE, PRECONDITIONS } from './testing/valid-cases.ts';

const NOW_MS = Date.parse('2026-11-22T16:05:00.000Z');
const LIVE = Object.fromEntries(PRECONDITIONS.map(({ name, digest }) => [name, digest as Digest]));

function verifierOf(ledger: LedgerForge): Verifier {
  return createVerifier({ trust: parseTrust(canonicalBytes(ledger.trust())), verifySignature });
}

function execution(bound: Bound, overrides: Partial<Execution> = {}): Execution {
  return {
    nowMs: NOW_MS,
    action: utf8(bound.action),
    executor: { id: 'executor:local', interfaceDigest: INTERFACE },
    preconditions: LIVE,
    ...overrides,
  };
}

async function execute(
  ledger: LedgerForge,
  bound: Bound,
  overrides: Partial<Execution> = {},
): Promise<string> {
  const evidence = parseEvidence(canonicalBytes(await ledger.evidence(bound)));
  return told(await verifierOf(ledger).verifyForExecution(evidence, execution(bound, overrides)));
}

function told({ outcome, code }: Pick<Outcome, 'outcome' | 'code'>): string {
  return code ?? outcome;
}

function policyChange(): { ledger: LedgerForge; bound: Bound } {
  const ledger = readyLedger();
  const request = {
    type: 'iam.policy.change',
    params: POLICY_CHANGE,
    preconditions: [...PRECONDITIONS],
  };
  return { ledger, bound: ledger.bind(request, { approvers: [ledger.bob] }) };
}

/** The outcome of a forged or edited bundle, by its name among the cases. */
async function outcomeOfCase(name: string): Promise<string> {
  const found = INVALID_CASES.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no case ${name}`);
  const { evidence, trust } = await found.make();
  const verifier = createVerifier({ trust: parseTrust(canonicalBytes(trust)), verifySignature });
  const file = typeof evidence === 'string' ? utf8(evidence) : canonicalBytes(evidence);
  return told(await verifier.verifyFile(file, { level: 'human' }));
}

function leavesOf(json: Json, path: Path = []): Path[] {
  if (typeof json !== 'object' || json === null) return [path];
  const inner = Object.entries(json).flatMap(([name, value]: [string, Json]) =>
    leavesOf(value, [...path, Array.isArray(json) ? Number(name) : name]),
  );
  return [path, ...inner];
}

function otherThan(json: Json | undefined): Json {
  if (typeof json === 'string') return `${json}x`;
  if (typeof json === 'number') return json + 1;
  if (typeof json === 'boolean') return !json;
  return 'x';
}

describe('A: what runs is what was approved', () => {
  it('an executor may run what was bound', async () => {
    const { ledger, bound } = policyChange();
    expect(await execute(ledger, bound)).toBe('VALID');
  });

  it('A01: one byte of the document differs from the approved one', async () => {
    const { ledger, bound } = policyChange();
    const action = utf8(bound.action.replace('\\"Statement\\":[]', '\\"Statement\\":[ ]'));
    expect(action).not.toEqual(utf8(bound.action));
    expect(await execute(ledger, bound, { action })).toBe('ACTION_DIGEST_MISMATCH');
  });

  it('A02: every member of the action, changed, removed, added or of another type', async () => {
    const { ledger, bound } = policyChange();
    const verifier = verifierOf(ledger);
    const file = await ledger.evidence(bound);
    const evidence = parseEvidence(canonicalBytes(file));
    const original = JSON.parse(bound.action) as JsonObject;
    const paths = leavesOf(original).filter((path) => path.length > 0);
    const mutants = paths.flatMap((path) => [
      withAt(original, path, otherThan),
      withAt(original, path, undefined),
      withAt(original, [...path.slice(0, -1), 'zz'], 1),
      withAt(original, path, [null]),
    ]);
    expect(mutants.length).toBeGreaterThan(100);
    for (const mutant of mutants) {
      const action = canonicalBytes(mutant);
      const run = await verifier.verifyForExecution(evidence, execution(bound, { action }));
      expect(told(run)).toBe('ACTION_DIGEST_MISMATCH');
      const inside = edited(file, ['content', 'action'], new TextDecoder().decode(action));
      const seen = await verifier.verify(parseEvidence(canonicalBytes(inside)), { level: 'human' });
      expect(told(seen)).toBe('ACTION_DIGEST_MISMATCH');
    }
  });

  it('A04: approval of one file is not approval of another by the same tool', async () => {
    const ledger = readyLedger();
    const bound = ledger.bind({}, { approvers: [ledger.bob] });
    const action = utf8(bound.action.replace('"cwd":"/opt/app"', '"cwd":"/etc"'));
    expect(await execute(ledger, bound, { action })).toBe('ACTION_DIGEST_MISMATCH');
  });

  it('A07: the state moved under the approval', async () => {
    const { ledger, bound } = policyChange();
    const moved = { ...LIVE, 'policy.before': `sha256:${'9'.repeat(64)}` as const };
    expect(await execute(ledger, bound, { preconditions: moved })).toBe('PRECONDITION_STALE');
    expect(await execute(ledger, bound, { preconditions: {} })).toBe('PRECONDITION_STALE');
  });

  it('A09: the interface of the executor changed after the approval', async () => {
    const { ledger, bound } = policyChange();
    const changed = { id: 'executor:local', interfaceDigest: `sha256:${'8'.repeat(64)}` as const };
    expect(await execute(ledger, bound, { executor: changed })).toBe(
      'EXECUTOR_DESCRIPTOR_MISMATCH',
    );
    const another = { id: 'executor:other', interfaceDigest: INTERFACE };
    expect(await execute(ledger, bound, { executor: another })).toBe('EXECUTOR_MISMATCH');
    const elsewhere = { id: 'executor:local', interfaceDigest: INTERFACE, audience: 'prod' };
    expect(await execute(ledger, bound, { executor: elsewhere })).toBe('EXECUTOR_MISMATCH');
  });
});

describe('C: time and order', () => {
  it('C07: bound in time, executed late', async () => {
    const ledger = readyLedger();
    const bound = ledger.bind({}, { approvers: [ledger.bob] });
    const useByMs = Date.parse(bound.binding.entry.use_by);
    expect(await execute(ledger, bound, { nowMs: useByMs + 5_000 })).toBe('VALID');
    expect(await execute(ledger, bound, { nowMs: useByMs + 5_001 })).toBe('EXPIRED');
    expect(await execute(ledger, bound, { nowMs: useByMs + 1, skewMs: 0 })).toBe('EXPIRED');
  });

  it('C10: a binding that was revoked, or used up, is not run', async () => {
    const ledger = readyLedger();
    const bound = ledger.bind({}, { approvers: [ledger.bob] });
    const verifier = verifierOf(ledger);
    const run = async (after: Parameters<LedgerForge['evidence']>[1]): Promise<string> => {
      const evidence = parseEvidence(canonicalBytes(await ledger.evidence(bound, after)));
      return told(await verifier.verifyForExecution(evidence, execution(bound)));
    };
    expect(await run({ uses: [ledger.use(bound)] })).toBe('ALREADY_CONSUMED');
    expect(await run({ revocations: [ledger.revoke(bound, ledger.carol)] })).toBe('REVOKED');
  });

  it('C10: nor is it VALID for whoever asks whether it may be used', async () => {
    const ledger = readyLedger();
    const bound = ledger.bind({}, { approvers: [ledger.bob] });
    const ask = async (
      after: Parameters<LedgerForge['evidence']>[1],
      forUse: boolean,
    ): Promise<string> => {
      const file = canonicalBytes(await ledger.evidence(bound, after));
      return told(await verifierOf(ledger).verifyFile(file, { level: 'human', forUse }));
    };
    const [used, revoked] = [
      { uses: [ledger.use(bound)] },
      { revocations: [ledger.revoke(bound, ledger.carol)] },
    ];
    expect([await ask({}, true), await ask(used, true), await ask(revoked, true)]).toEqual([
      'VALID',
      'ALREADY_CONSUMED',
      'REVOKED',
    ]);
    // For an auditor both were approved, and that stays true.
    expect([await ask(used, false), await ask(revoked, false)]).toEqual(['VALID', 'VALID']);
  });
});

describe('D: who decided', () => {
  const spoiled = INVALID_CASES.filter(({ code }) => code === 'ASSERTION_INVALID');

  it.each(spoiled)('D07: $about', async ({ name }) => {
    expect(await outcomeOfCase(name)).toBe('ASSERTION_INVALID');
  });
});

describe('E: what the person saw', () => {
  it('E01: the screen showed something else than the action holds', async () => {
    expect(await outcomeOfCase('displayed-lie')).toBe('DISPLAY_MISMATCH');
    expect(await outcomeOfCase('displayed-other')).toBe('DISPLAY_MISMATCH');
  });

  it('E03: the descriptor of the admission is rendered, whatever is current now', async () => {
    const descriptor = edited(documentOf('generic.command'), ['title'], 'Run a program');
    const ledger = readyLedger({ descriptor });
    const bound = ledger.bind({}, { approvers: [ledger.bob] });
    const evidence = await ledger.evidence(bound);
    expect(evidence['display']).toMatchObject({ title: 'Run a program' });
    expect(await execute(ledger, bound)).toBe('VALID');
    const current = edited(evidence, ['descriptor'], documentOf('generic.command'));
    const outcome = await verifierOf(ledger).verifyFile(canonicalBytes(current), {
      level: 'human',
    });
    expect(told(outcome)).toBe('DESCRIPTOR_MISMATCH');
  });
});

describe('G: the log and its operator', () => {
  it('G01: an old entry was edited', async () => {
    expect(await outcomeOfCase('entry-edited')).toBe('NOT_LOGGED');
  });

  it('G05: the log key signed, but the binding was never logged', async () => {
    expect(await outcomeOfCase('off-log')).toBe('NOT_LOGGED');
    expect(await outcomeOfCase('receipt-missing')).toBe('NOT_LOGGED');
  });

  it('G06: a binding that the operator signed, with no human in it', async () => {
    expect(await outcomeOfCase('proof-none')).toBe('NO_HUMAN_PROOF');
    expect(await outcomeOfCase('proof-null')).toBe('NO_HUMAN_PROOF');
  });

  it('B14: an entry of another type in any place, and a node in the place of a leaf', async () => {
    const ledger = readyLedger();
    const bound = ledger.bind({}, { approvers: [ledger.bob] });
    const use = ledger.use(bound);
    const file = await ledger.evidence(bound, {
      uses: [use],
      reports: [ledger.report(bound, use)],
    });
    const places: Path[] = [['binding'], ['admission'], ['uses', 0], ['reports', 0]];
    const wanted = ['binding', 'admission', 'use', 'report'];
    const entries = places.map((path) => at(file, path) ?? null);
    for (const [position, path] of places.entries()) {
      for (const [other, entry] of entries.entries()) {
        if (other === position) continue;
        const swapped = edited(file, path, entry);
        const outcome = await verifierOf(ledger).verifyFile(canonicalBytes(swapped), {
          level: 'human',
        });
        expect([wanted[position], wanted[other], told(outcome)]).toEqual([
          wanted[position],
          wanted[other],
          'TYPE_CONFUSION',
        ]);
      }
    }
    // What a node hashes is no leaf: its two children in a row, as bytes of an entry, are not under the root.
    const { size } = ledger.tree;
    const children = concatBytes(ledger.tree.node(0, 0), ledger.tree.node(0, 1));
    expect(hashLeaf(children)).not.toEqual(ledger.tree.node(1, 0));
    const [, ...above] = inclusionProof(0, size, ledger.tree.node);
    const claim = { index: 0, size, root: ledger.tree.root(), proof: above };
    expect(() => {
      verifyInclusion({ ...claim, leafHash: hashLeaf(children) });
    }).toThrow(expect.objectContaining({ code: 'PROOF_LENGTH' }) as Error);
  });

  it('G16: evidence of one ledger under the trust file of another, with its key or without', async () => {
    const [ledger, other] = [readyLedger(), readyLedger()];
    const bound = ledger.bind({}, { approvers: [ledger.bob] });
    const bytes = canonicalBytes(await ledger.evidence(bound));
    const outcomeUnder = async (trust: JsonObject): Promise<string> => {
      const verifier = createVerifier({
        trust: parseTrust(canonicalBytes(trust)),
        verifySignature,
      });
      return told(await verifier.verifyFile(bytes, { level: 'human' }));
    };
    expect(await outcomeUnder(ledger.trust())).toBe('VALID');
    expect(await outcomeUnder(other.trust())).toBe('LOG_KEY_UNKNOWN');
    // Whoever has stolen the log key still has not its founders.
    expect(await outcomeUnder(other.trust({ log_keys: [ledger.vkey] }))).toBe('GENESIS_MISMATCH');
  });

  it('D10: a chain that leaves a revocation out does not lead to the authority that is cited', async () => {
    const ledger = readyLedger();
    const { credential_id } = ledger.bob.passkey.credentialKey;
    const before = ledger.bind({}, { approvers: [ledger.bob] });
    const early = await ledger.evidence(before);
    ledger.change({ kind: 'credential-revoked', credential_id }, { approvers: [ledger.carol] });
    const forged = ledger.bind({}, { approvers: [ledger.bob] });
    const file = await ledger.evidence(forged);
    const chain = at(file, ['authority', 'chain']);
    if (!Array.isArray(chain)) throw new Error('expected a chain');
    const verdictOn = async (json: JsonObject): Promise<string> =>
      told(await verifierOf(ledger).verifyFile(canonicalBytes(json), { level: 'human' }));
    expect(await verdictOn(file)).toBe('KEY_NOT_ENROLLED_AT_TIME');
    const shortened = edited(file, ['authority', 'chain'], chain.slice(0, -1));
    expect(await verdictOn(shortened)).toBe('AUTHORITY_CHAIN_INVALID');
    // What was bound before the revocation stays true history.
    expect(await verdictOn(early)).toBe('VALID');
  });

  it('G16: records swapped, the policy replaced, something added', async () => {
    expect(await outcomeOfCase('admission-other')).toBe('ADMISSION_MISMATCH');
    expect(await outcomeOfCase('policy-edited')).toBe('POLICY_MISMATCH');
    expect(await outcomeOfCase('format-unknown-member')).toBe('EVIDENCE_FORMAT');
  });

  describe('G02 and G03: another head than before', () => {
    async function compared(
      ledger: LedgerForge,
      seen: { size: number; root: Uint8Array },
      signer?: NoteSigner,
    ): Promise<string> {
      const from = Math.min(seen.size, ledger.tree.size);
      return told(
        await compareHeads({
          trust: parseTrust(canonicalBytes(ledger.trust())),
          verifySignature,
          pinned: seen,
          checkpoint: await ledger.checkpoint(signer),
          proof: consistencyProof(from, ledger.tree.size, ledger.tree.node),
        }),
      );
    }

    it('a log that only grew is VALID', async () => {
      const ledger = readyLedger();
      const seen = { size: ledger.tree.size, root: ledger.tree.root() };
      expect(await compared(ledger, seen)).toBe('VALID');
      ledger.bind({}, { approvers: [ledger.bob] });
      expect(await compared(ledger, seen)).toBe('VALID');
    });

    it('G03: a smaller head, or one grown from another, is a rollback', async () => {
      const ledger = readyLedger();
      const other = readyLedger();
      other.admit();
      const later = { size: other.tree.size, root: other.tree.root() };
      expect(await compared(ledger, later)).toBe('LOG_ROLLBACK');
      ledger.bind({}, { approvers: [ledger.bob] });
      expect(await compared(ledger, later)).toBe('LOG_ROLLBACK');
    });

    it('G02: two heads of one size are equivocation', async () => {
      const ledger = readyLedger();
      const other = readyLedger();
      const seen = { size: other.tree.size, root: other.tree.root() };
      expect(await compared(ledger, seen)).toBe('EQUIVOCATION');
    });

    it('a head that the log did not sign says nothing', async () => {
      const ledger = readyLedger();
      const seen = { size: ledger.tree.size, root: ledger.tree.root() };
      expect(await compared(ledger, seen, readyLedger().noteSigner())).toBe('LOG_KEY_UNKNOWN');
    });
  });
});

describe('H: executors', () => {
  it('H02: without evidence, or with parts of it missing, the answer is never VALID', async () => {
    const ledger = readyLedger();
    const bound = ledger.bind({}, { approvers: [ledger.bob] });
    const verifier = verifierOf(ledger);
    for (const nothing of ['', '{}', 'null', '[]', '{"outcome":"VALID"}']) {
      const outcome = await verifier.verifyFile(utf8(nothing), { level: 'human' });
      expect(told(outcome)).toBe('EVIDENCE_FORMAT');
    }
    const whole = await ledger.evidence(bound);
    for (const name of Object.keys(whole)) {
      const file = canonicalBytes(edited(whole, [name], undefined));
      expect((await verifier.verifyFile(file, { level: 'human' })).outcome).not.toBe('VALID');
    }
    const chainless = parseEvidence(canonicalBytes(edited(whole, ['authority', 'chain'], [])));
    expect(await verifier.verifyForExecution(chainless, execution(bound))).toMatchObject({
      outcome: 'INDETERMINATE',
      code: 'AUTHORITY_MISSING',
    });
  });

  it('H02: erased content cannot be run', async () => {
    const ledger = readyLedger();
    const bound = ledger.bind({}, { approvers: [ledger.bob] });
    const file = await ledger.evidence(bound, { erased: ledger.erase(bound) });
    const evidence = parseEvidence(canonicalBytes(file));
    const verifier = verifierOf(ledger);
    expect(await verifier.verifyForExecution(evidence, execution(bound))).toMatchObject({
      outcome: 'INDETERMINATE',
      code: 'CONTENT_MISSING',
    });
    const audited = await verifier.verify(evidence, { level: 'human' });
    expect(audited).toMatchObject({ outcome: 'VALID', facts: { is_content_erased: true } });
  });

  it('H04: a client that says "approved" is not believed', async () => {
    const ledger = readyLedger();
    const bound = ledger.bind({}, { approvers: [ledger.bob] });
    const file = { ...(await ledger.evidence(bound)), approved: true };
    const outcome = await verifierOf(ledger).verifyFile(canonicalBytes(file), { level: 'human' });
    expect(told(outcome)).toBe('EVIDENCE_FORMAT');
  });
});
