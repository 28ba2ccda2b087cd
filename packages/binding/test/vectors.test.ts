import { readFileSync, readdirSync } from 'node:fs';
import {
  canonicalText,
  fromBase64url,
  toBase64url,
  utf8,
  type Digest,
  type Json,
} from '@countersign/canonical';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  AuthorityState,
  authorityRoot,
  decisionChallenge,
  decisionDigest,
  encodeEntry,
  leafOf,
  membershipProof,
  parseDecisionMade,
  parseEntry,
  isCedarPolicy,
  parsePolicy,
  policyDigest,
  rationaleDigest,
  verifyMembership,
  type DecisionStatement,
  type Member,
  type MembershipProof,
  type Policy,
  type Rationale,
} from '@countersign/binding';
import { POLICY_ENGINE } from './test-ledger.ts';

const VECTORS = new URL('../../../test/vectors/', import.meta.url);

/** The files of one folder, by name. Their form is what schemas/formats says, so a cast names it. */
function vectors<T>(folder: string): [string, T][] {
  const files = readdirSync(new URL(`${folder}/`, VECTORS)).sort();
  return files.map((name) => [
    name,
    JSON.parse(readFileSync(new URL(`${folder}/${name}`, VECTORS), 'utf8')) as T,
  ]);
}

function withCode(code: string): Error {
  return expect.objectContaining({ code }) as Error;
}

interface EntryVector {
  readonly text: string;
  readonly leaf: Digest;
}

describe('vectors of entries', () => {
  const valid = vectors<EntryVector>('entries/valid');

  it.each(valid)('%s parses, hashes to its leaf, and is written the same', (_, { text, leaf }) => {
    const entry = parseEntry(utf8(text));
    expect(encodeEntry(entry)).toEqual(utf8(text));
    expect(leafOf(utf8(text))).toBe(leaf);
  });

  it('there is one of each type', () => {
    const types = new Set(valid.map(([, { text }]) => parseEntry(utf8(text)).type));
    expect(types.size).toBe(16);
  });

  it.each(vectors<{ text: string; code: string }>('entries/invalid'))(
    '%s is refused',
    (_, { text, code }) => {
      expect(() => parseEntry(utf8(text))).toThrow(withCode(code));
    },
  );

  it('B14: no entry becomes one of another type by a change of one member', () => {
    const cases = valid.flatMap(([name, { text }]) => {
      const entry = JSON.parse(text) as Record<string, Json>;
      return Object.keys(entry).map((member) => ({ name, entry, member }));
    });
    const junk = fc.oneof(
      fc.constantFrom(...valid.map(([, { text }]) => parseEntry(utf8(text)).type)),
      fc.jsonValue({ maxDepth: 2 }).filter((v) => !JSON.stringify(v).includes('.')),
    );
    fc.assert(
      fc.property(fc.constantFrom(...cases), junk, ({ entry, member }, value) => {
        const type = entry['type'];
        let parsed;
        try {
          parsed = parseEntry(utf8(canonicalText({ ...entry, [member]: value as Json })));
        } catch (error) {
          expect(error).toHaveProperty('code');
          return;
        }
        expect(parsed.type).toBe(type);
      }),
      { numRuns: 2_000 },
    );
  });

  it('no entry parses with a member taken away, but for the optional ones', () => {
    const optional = new Set([
      'input',
      'action_id',
      'admission',
      'supersedes',
      'first_use',
      'action',
      'bounds',
      'constraint',
      'escalates_at',
      'from',
      'load',
      'open',
      'permits',
      'until',
    ]);
    for (const [name, { text }] of valid) {
      const entry = JSON.parse(text) as Record<string, Json>;
      if (entry['type'] === 'request-admitted') optional.add('epoch');
      else optional.delete('epoch');
      for (const gone of Object.keys(entry).filter((member) => !optional.has(member))) {
        const rest = Object.fromEntries(Object.entries(entry).filter(([m]) => m !== gone));
        expect(() => parseEntry(utf8(canonicalText(rest))), `${name} ${gone}`).toThrow();
      }
    }
  });
});

interface DecisionVector {
  readonly statement: DecisionStatement;
  readonly canonical: string;
  readonly digest: Digest;
  readonly challenge: string;
  readonly rationale: Rationale;
}

describe('vectors of decisions', () => {
  it.each(vectors<DecisionVector>('decision/valid'))('%s', (_, vector) => {
    const { statement, rationale } = vector;
    expect(canonicalText(statement as unknown as Json)).toBe(vector.canonical);
    expect(decisionDigest(statement)).toBe(vector.digest);
    expect(toBase64url(decisionChallenge(statement))).toBe(vector.challenge);
    expect(fromBase64url(vector.challenge)).toHaveLength(32);
    expect(rationaleDigest(rationale)).toBe(statement.rationale_digest);
  });

  it.each(vectors<{ frame: string }>('decision/valid-frames'))('%s parses', (_, { frame }) => {
    expect(parseDecisionMade(utf8(frame)).statement.v).toBe('countersign.decision.v1');
  });

  it.each(vectors<{ frame: string; code: string }>('decision/invalid'))(
    '%s is refused',
    (_, { frame, code }) => {
      expect(() => parseDecisionMade(utf8(frame))).toThrow(withCode(code));
    },
  );
});

describe('vectors of policies', () => {
  it.each(vectors<{ policy: Policy; digest: Digest }>('policy/valid'))('%s', (_, vector) => {
    const policy = parsePolicy(vector.policy as unknown as Json);
    expect(policyDigest(policy)).toBe(vector.digest);
  });

  it.each(vectors<{ policy: Json; code: string }>('policy/invalid'))(
    '%s is refused',
    (_, { policy, code }) => {
      expect(() => parsePolicy(policy)).toThrow(withCode(code));
    },
  );
});

describe('vectors of policies that have the form, and cannot be applied', () => {
  interface Unfit {
    readonly policy: Json;
    readonly id?: string;
    readonly line: number;
  }

  it.each(vectors<Unfit>('policy/unfit'))('%s', (_, { policy, id, line }) => {
    const parsed = parsePolicy(policy);
    const [fault] = isCedarPolicy(parsed) ? POLICY_ENGINE.faults(parsed) : [];
    expect(fault).toMatchObject({ line, ...(id !== undefined && { id }) });
  });

  it.each(vectors<{ policy: Json }>('policy/valid'))('%s is none of them', (_, { policy }) => {
    const parsed = parsePolicy(policy);
    expect(isCedarPolicy(parsed) ? POLICY_ENGINE.faults(parsed) : []).toEqual([]);
  });
});

interface AuthorityVector {
  readonly members: readonly Member[];
  readonly size: number;
  readonly root: Digest;
  readonly proofs: readonly MembershipProof[];
}

describe('vectors of the authority', () => {
  it.each(vectors<AuthorityVector>('authority/valid'))('%s', (_, vector) => {
    const { members, root, size, proofs } = vector;
    expect(authorityRoot(members)).toBe(root);
    const state = AuthorityState.of(members);
    expect(state.members).toEqual(members);
    expect(state.size).toBe(size);
    for (const proof of proofs) {
      expect(membershipProof(state, proof.member.kind, proof.member.id)).toEqual(proof);
      verifyMembership(proof, { root, size });
    }
  });

  it.each(
    vectors<{ proof: MembershipProof; root: Digest; size: number; code: string }>(
      'authority/invalid',
    ),
  )('%s is refused', (_, { proof, root, size, code }) => {
    expect(() => {
      verifyMembership(proof, { root, size });
    }).toThrow(withCode(code));
  });
});
