import { createHash } from 'node:crypto';
import { grantDigest, signInNonce, type Membership } from '@countersign/binding';
import { canonicalText, toBase64url, utf8, type JsonObject } from '@countersign/canonical';
import {
  ISSUER,
  PLANNER,
  SIGN_IN,
  SUBJECT_SALT,
  companyKey,
  subjectOf,
  type KeyNumber,
} from './company.ts';
import { ORIGIN, TENANT, type SimulatedAgent, type SimulatedPerson } from './population.ts';
import type { SeededChoice } from './seeded-choice.ts';
import type { ChainTruth, SignedTruth } from './signed-truth.ts';
import { toyEd25519, type ToyKey } from './toy-signature.ts';

const NONCE_SALT = 'bm9uY2Utb2YtYS1zaWduLWlu';
const SCOPE = 'batch.generic.command generic.command payment.grant';
const OTHER_SCOPE = 'key.rotate';

/** How a chain is made wrong, or is not. */
const CHAINS = { good: 12, forged: 1, scope: 2, over: 1, other: 1, wider: 1, stranger: 1 };

interface Now {
  readonly nowMs: number;
  /** That the company signs with. */
  readonly key: KeyNumber;
}

/** What the company's identity provider signs: who is in which group, and on whose behalf an agent acts. */
export class CompanyTokens {
  readonly #random: SeededChoice;
  readonly #truth: SignedTruth;
  /** Who is not in the group now. */
  readonly #out = new Set<string>();
  readonly #last = new Map<string, Membership>();

  constructor(random: SeededChoice, truth: SignedTruth) {
    this.#random = random;
    this.#truth = truth;
  }

  /** Somebody leaves the group, or comes back into it; answers which. */
  move({ id }: SimulatedPerson): 'left' | 'joined' {
    const [first = id] = this.#out;
    if (this.#out.size > 0 && this.#random.chance(0.7)) {
      this.#out.delete(first);
      return 'joined';
    }
    this.#out.add(id);
    return 'left';
  }

  /** Mostly of now; or the last one once more, somebody else's, one that nobody signed, or none. */
  someSignIn(person: SimulatedPerson, others: readonly SimulatedPerson[], now: Now): Partial<Made> {
    const how = this.#random.weighted({ own: 12, last: 5, other: 1, forged: 1, none: 1 });
    if (how === 'none') return {};
    const last = this.#last.get(person.id);
    if (how === 'last' && last !== undefined) return { membership: last };
    const whose = how === 'other' ? this.#random.of(others) : person;
    const membership = this.#signIn(whose.id, now, how === 'forged' ? { isForged: true } : {});
    if (how === 'own') this.#last.set(person.id, membership);
    return { membership };
  }

  /** For the enrolment by this invitation. */
  account({ id }: SimulatedPerson, invitation: string, now: Now): Membership {
    return this.#signIn(id, now, { invitation });
  }

  #signIn(
    person: string,
    { nowMs, key }: Now,
    { invitation, isForged = false }: { invitation?: string; isForged?: boolean },
  ): Membership {
    const iat = Math.floor(nowMs / 1_000);
    const isIn = !this.#out.has(person);
    const of = { ledger: ORIGIN, salt: NONCE_SALT };
    const claims = {
      iss: ISSUER,
      sub: subjectOf(person),
      aud: SIGN_IN.client,
      iat,
      exp: iat + 300,
      nonce: signInNonce({ ...of, ...(invitation !== undefined && { invitation }) }),
      groups: ['staff', ...(isIn ? [SIGN_IN.group] : [])],
    };
    const signer = isForged ? toyEd25519('nobody at the company') : companyKey(key);
    const token = signed(claims, key, signer);
    const made = { person, isIn, madeMs: iat * 1_000, key: companyKey(key).publicKey, invitation };
    if (!isForged) this.#truth.signIns.set(token, made);
    return { token, subject_salt: SUBJECT_SALT, nonce_salt: NONCE_SALT };
  }

  /** The members of an action that an agent asks for on a person's behalf. */
  chain(agent: SimulatedAgent, persons: readonly SimulatedPerson[], { nowMs, key }: Now): Chain {
    const random = this.#random;
    const [first] = persons;
    // Mostly the owner of the agents, who is left out anyway, or few could decide.
    const person = first !== undefined && random.chance(0.7) ? first : random.of(persons);
    const how = random.weighted(CHAINS);
    const exp = Math.floor(nowMs / 1_000) + (how === 'over' ? -30 : random.between(30, 600));
    const common = {
      iss: ISSUER,
      sub: how === 'stranger' ? 'somebody' : subjectOf(person.id),
      aud: TENANT,
      scope: how === 'scope' ? OTHER_SCOPE : SCOPE,
    };
    const cnf = { jkt: thumbprintOf(agent.key) };
    const sub = how === 'other' ? `not ${agent.id}`.replace(' ', '-') : agent.id;
    const isShort = how !== 'wider' && random.chance(0.4);
    const links = isShort
      ? [{ ...common, exp, cnf, act: { sub } }]
      : [
          { ...common, exp, act: { sub: PLANNER } },
          {
            ...common,
            exp: how === 'wider' ? exp + 1 : exp,
            cnf,
            act: { sub, act: { sub: PLANNER } },
          },
        ];
    const signer = how === 'forged' ? toyEd25519('nobody at the company') : companyKey(key);
    const delegation = links.map((link) => signed(link, key, signer));
    const digests = delegation.map(grantDigest);
    const named = [
      { kind: 'person', sub: person.id },
      { kind: 'service', sub: PLANNER },
    ];
    const acting_for = digests.map((grant_digest, at) => ({ ...named[at], grant_digest }));
    const isSound = how === 'good' || how === 'scope' || how === 'over';
    return {
      members: { delegation, acting_for },
      truth: {
        ...{ person: person.id, digests, isSound, allows: how !== 'scope' },
        ...{ endsMs: exp * 1_000, key: companyKey(key).publicKey },
      },
    };
  }
}

interface Made {
  readonly membership: Membership;
}

interface Chain {
  readonly members: JsonObject;
  readonly truth: ChainTruth;
}

/** JWS in compact form: RFC 7515 §3.1. */
function signed(claims: JsonObject, key: KeyNumber, signer: ToyKey): string {
  const encoded = (json: JsonObject): string => toBase64url(utf8(canonicalText(json)));
  const text = `${encoded({ alg: 'EdDSA', kid: `key-${key}` })}.${encoded(claims)}`;
  return `${text}.${toBase64url(signer.sign(utf8(text)))}`;
}

/** RFC 7638, of an Ed25519 key: the last 32 bytes of its SPKI. */
function thumbprintOf({ spki }: ToyKey): string {
  const x = toBase64url(spki.subarray(-32));
  return createHash('sha256')
    .update(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`)
    .digest('base64url');
}
