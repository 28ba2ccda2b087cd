import fc from 'fast-check';
import type { AssertionOverrides } from '@countersign/software-passkey';
import { describe, expect, test } from 'vitest';
import type { AssertionWhy, ExpectedAssertion, WebauthnProof } from '../src/index.ts';
import {
  ALGORITHMS,
  ORIGIN,
  RP_ID,
  expectedOf,
  libraryAccepts,
  makePasskey,
  ourAnswer,
} from './ceremony.ts';

interface Ceremony {
  proof: WebauthnProof;
  expected: ExpectedAssertion;
}

/** A spoiling with the reasons for which we may refuse what the library accepts; vectors.test.ts names each alone. */
interface Spoiling {
  overrides: AssertionOverrides;
  mayBeStricter: AssertionWhy[];
}

const PASSKEYS = ALGORITHMS.map((algorithm) => makePasskey(algorithm));
const STRANGERS = ALGORITHMS.map((algorithm) => makePasskey(algorithm));

/** Well-formed and broken structures that may follow the counter. */
const COUNTER_FOLLOWERS = ['', 'a0', 'a1617801', 'a1617803ff', 'a16178', 'bfff', '00', 'f6'].map(
  (text) => Buffer.from(text, 'hex'),
);
const ATTESTED = Buffer.concat([
  Buffer.alloc(16),
  Buffer.of(0, 4),
  Buffer.from('id00a10102', 'latin1'),
]);
const ATTESTED_OK = Buffer.concat([ATTESTED.subarray(0, 22), Buffer.from('a10102', 'hex')]);

const overrides: fc.Arbitrary<AssertionOverrides> = fc.record(
  {
    type: fc.constantFrom('webauthn.get', 'webauthn.create', 'webauthn.GET', ''),
    challenge: fc.base64String({ maxLength: 48 }),
    origin: fc.constantFrom(ORIGIN, `${ORIGIN}/`, 'https://evil.example', 'null', ''),
    rpId: fc.constantFrom(RP_ID, 'evil.example', ''),
    flags: fc.integer({ min: 0, max: 255 }),
    counter: fc.integer({ min: 0, max: 0xffff_ffff }),
    crossOrigin: fc.constantFrom(true, false, null, undefined, 'false', 0),
    extraMembers: fc.dictionary(
      fc.constantFrom('topOrigin', 'tokenBinding', 'other', '__proto__', 'androidPackageName'),
      fc.oneof(fc.constantFrom('', 'https://evil.example', null), fc.integer(), fc.object()),
    ),
    afterCounter: fc.oneof(
      fc.constantFrom(...COUNTER_FOLLOWERS, ATTESTED, ATTESTED_OK),
      fc.constantFrom(...COUNTER_FOLLOWERS).map((more) => Buffer.concat([ATTESTED_OK, more])),
      fc.uint8Array({ maxLength: 60 }),
    ),
    signer: fc.constantFrom(...STRANGERS),
    signature: fc.uint8Array({ maxLength: 300 }),
  },
  { requiredKeys: [] },
);

/** One or two members at a time: a case with everything spoiled at once would only ever test the first check. */
const spoiling: fc.Arbitrary<Spoiling> = fc
  .tuple(overrides, fc.integer({ min: 0, max: 10 }), fc.integer({ min: 0, max: 10 }))
  .map(([all, first, second]) => {
    const entries = Object.entries(all);
    const kept = entries.filter((_, i) => i === first || i === second);
    return {
      overrides: Object.fromEntries(kept),
      mayBeStricter: ['client-data', 'cross-origin', 'authenticator-data'],
    };
  });

async function compare(ceremony: Ceremony, mayBeStricter: AssertionWhy[]): Promise<boolean> {
  const ours = await ourAnswer(ceremony.proof, ceremony.expected);
  const theirs = await libraryAccepts(ceremony.proof, ceremony.expected);
  if (ours === 'accepted') expect(theirs).toBe(true);
  else if (ours === 'size') expect(sizeOf(ceremony)).toBeGreaterThan(PROOF_BYTES_MAX);
  else if (theirs) expect(mayBeStricter).toContain(ours);
  return ours === 'accepted';
}

/** The library has no bound; ours is the one of schemas/formats/human-proof.md. */
const PROOF_BYTES_MAX = 3_000;

function sizeOf({ proof }: Ceremony): number {
  return JSON.stringify(proof).length;
}

test('we never accept what the library refuses, and refuse more only for the named reasons', async () => {
  const seen = { accepted: 0, refused: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...PASSKEYS),
      spoiling,
      fc.boolean(),
      async (passkey, spoiled, requireUserVerification) => {
        const expected = expectedOf(passkey, { requireUserVerification });
        const proof = passkey.assert(expected.challenge, spoiled.overrides);
        const isAccepted = await compare({ proof, expected }, spoiled.mayBeStricter);
        seen[isAccepted ? 'accepted' : 'refused'] += 1;
      },
    ),
    { numRuns: 500 },
  );
  // Else the generator spoils everything or nothing, and the property says little.
  expect(seen.accepted).toBeGreaterThan(50);
  expect(seen.refused).toBeGreaterThan(120);
});

test('every flags byte gets the same answer from both', async () => {
  const passkey = makePasskey('EdDSA');
  for (let flags = 0; flags < 256; flags += 1) {
    for (const requireUserVerification of [true, false]) {
      const afterCounter = Buffer.concat([
        flags & 0x40 ? ATTESTED_OK : Buffer.alloc(0),
        flags & 0x80 ? Buffer.from('a0', 'hex') : Buffer.alloc(0),
      ]);
      const expected = expectedOf(passkey, { requireUserVerification });
      const proof = passkey.assert(expected.challenge, { flags, afterCounter });
      const isAccepted = (await ourAnswer(proof, expected)) === 'accepted';
      expect([flags, isAccepted]).toEqual([flags, await libraryAccepts(proof, expected)]);
    }
  }
});

function flipped(base64url: string, bit: number): string {
  const bytes = Buffer.from(base64url, 'base64url');
  const index = bit >> 3;
  bytes[index] = (bytes[index] ?? 0) ^ (1 << (bit & 7));
  return bytes.toString('base64url');
}

function bitsOf(base64url: string): number[] {
  return Array.from({ length: Buffer.from(base64url, 'base64url').length * 8 }, (_, bit) => bit);
}

describe.each(PASSKEYS.map((passkey, i) => [ALGORITHMS[i] ?? '', passkey] as const))(
  'single-bit flips of %s',
  (_algorithm, passkey) => {
    const expected = expectedOf(passkey);
    const proof = passkey.assert(expected.challenge);
    const members = [
      'credential_id',
      'authenticator_data',
      'client_data_json',
      'signature',
    ] as const;

    test('the unflipped proof is accepted', async () => {
      expect(await ourAnswer(proof, expected)).toBe('accepted');
    });

    test.each(members)('%s: no flip is accepted', async (member) => {
      for (const bit of bitsOf(proof[member])) {
        const spoiled = { ...proof, [member]: flipped(proof[member], bit) };
        expect([bit, await ourAnswer(spoiled, expected)]).not.toEqual([bit, 'accepted']);
      }
    });

    test('public key: no flip is accepted', async () => {
      const { credential } = expected;
      for (const bit of bitsOf(credential.public_key)) {
        const public_key = flipped(credential.public_key, bit);
        const answer = await ourAnswer(proof, {
          ...expected,
          credential: { ...credential, public_key },
        });
        expect([bit, answer]).not.toEqual([bit, 'accepted']);
      }
    });

    test('challenge: no flip is accepted', async () => {
      const challenge = Buffer.from(expected.challenge).toString('base64url');
      for (const bit of bitsOf(challenge)) {
        const other = Buffer.from(flipped(challenge, bit), 'base64url');
        expect(await ourAnswer(proof, { ...expected, challenge: other })).toBe('challenge');
      }
    });
  },
);

test('flips of key, signature and signed bytes: the library accepts none but differently spelt ones', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...PASSKEYS),
      fc.constantFrom('authenticator_data', 'client_data_json', 'signature', 'public_key'),
      fc.nat(),
      async (passkey, member, position) => {
        const expected = expectedOf(passkey);
        const proof = passkey.assert(expected.challenge);
        const { credential } = expected;
        const text = member === 'public_key' ? credential.public_key : proof[member];
        const spoiled = flipped(text, position % bitsOf(text).length);
        const isAccepted =
          member === 'public_key'
            ? await compare(
                {
                  proof,
                  expected: { ...expected, credential: { ...credential, public_key: spoiled } },
                },
                ['algorithm', 'key'],
              )
            : await compare({ proof: { ...proof, [member]: spoiled }, expected }, ['signature']);
        expect(isAccepted).toBe(false);
      },
    ),
    { numRuns: 400 },
  );
});

test('the one place where the library refuses well-formed data: it miscounts extension text beyond ASCII', async () => {
  const passkey = makePasskey('EdDSA');
  const expected = expectedOf(passkey);
  const text = Buffer.from('é'.repeat(12));
  const afterCounter = Buffer.concat([Buffer.from('a161787818', 'hex'), text]);
  const proof = passkey.assert(expected.challenge, { flags: 0x85, afterCounter });
  expect(await ourAnswer(proof, expected)).toBe('accepted');
  expect(await libraryAccepts(proof, expected)).toBe(false);
});
