import { digestBytes, utf8, type Json, type JsonObject } from '@countersign/canonical';
import { calculateJwkThumbprint, SignJWT } from 'jose';
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { TENANT } from './test-documents.ts';
import type { TestAgent, TestPerson } from './test-members.ts';

type Alg = 'ES256' | 'EdDSA' | 'RS256';

export const ISSUER = 'https://login.acme.example';
export const OTHER_ISSUER = 'https://agents.acme.example';

function keyPair(alg: Alg): { privateKey: KeyObject; publicKey: KeyObject } {
  if (alg === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'P-256' });
  if (alg === 'EdDSA') return generateKeyPairSync('ed25519');
  return generateKeyPairSync('rsa', { modulusLength: 2_048 });
}

/** An issuer that signs whatever it is told to, with jose. */
export class TestIssuer {
  readonly id: string;
  readonly alg: Alg;
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;

  constructor(id: string = ISSUER, alg: Alg = 'ES256') {
    this.id = id;
    this.alg = alg;
    this.kid = `${alg}-1`;
    const { privateKey, publicKey } = keyPair(alg);
    this.privateKey = privateKey;
    this.publicKey = publicKey;
  }

  change(
    persons: readonly (readonly [sub: string, TestPerson])[],
    more: JsonObject = {},
  ): JsonObject {
    return {
      kind: 'issuer-enrolled',
      issuer: {
        id: this.id,
        keys: [{ kid: this.kid, alg: this.alg, public_key: this.spki }],
        persons: persons.map(([sub, { id: person }]) => ({ sub, person })),
        services: 'svc:',
        ...more,
      },
    };
  }

  get spki(): string {
    return this.publicKey.export({ type: 'spki', format: 'der' }).toString('base64url');
  }

  async token(claims: JsonObject, header: JsonObject = {}): Promise<string> {
    const whole = { iss: this.id, aud: TENANT, scope: 'generic.command', ...claims };
    const said = Object.entries<Json>(whole).filter(([, value]) => value !== null);
    return new SignJWT(Object.fromEntries(said))
      .setProtectedHeader({ alg: this.alg, kid: this.kid, typ: 'JWT', ...header })
      .sign(this.privateKey);
  }
}

/** `act` of whoever acts last, around those who acted before. */
export function actOf(...actors: readonly string[]): JsonObject {
  return actors.reduce<JsonObject>((act, sub) => ('sub' in act ? { sub, act } : { sub }), {});
}

/** By jose, over the key as Node reads it. */
export async function jktOf(agent: TestAgent): Promise<string> {
  const spki = Buffer.from(agent.key.publicKey, 'base64url');
  const jwk = createPublicKey({ key: spki, type: 'spki', format: 'der' }).export({ format: 'jwk' });
  return calculateJwkThumbprint(jwk);
}

/** The members of an envelope that a chain fills. */
export function delegated(
  tokens: readonly string[],
  principals: readonly { readonly sub: string; readonly kind: 'person' | 'service' }[],
): JsonObject {
  const named = principals.map((each, index) => ({
    ...each,
    grant_digest: digestBytes('countersign/grant/v1', utf8(tokens[index] ?? '')),
  }));
  return { delegation: [...tokens], acting_for: named };
}
