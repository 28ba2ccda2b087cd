import { createHash, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { type SignatureCheck, parseDigest } from '@countersign/canonical';
import { describe, expect, it } from 'vitest';
import { type RequestToCheck, signRequest, verifyRequest } from '../src/index.ts';

const NOW = Date.UTC(2026, 10, 23, 12);
const URL = 'http://localhost:7420/v1/actions/01KAQ0000000000000000000AB?wait_ms=10';
const NONCE = 'AAAAAAAAAAAAAAAAAAAAAA';

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const spki = publicKey.export({ format: 'der', type: 'spki' });
const keyId = parseDigest(`sha256:${createHash('sha256').update(spki).digest('hex')}`);

function nodeVerify(check: SignatureCheck): boolean {
  const key = createPublicKey({ key: Buffer.from(check.publicKey), format: 'der', type: 'spki' });
  return verify(null, check.message, key, check.signature);
}

async function signed(change: Partial<RequestToCheck> = {}): Promise<RequestToCheck> {
  const headers = await signRequest(
    { method: 'GET', url: URL, nowMs: NOW, nonce: NONCE },
    { keyId, sign: (message) => sign(null, message, privateKey) },
  );
  return {
    method: 'GET',
    url: URL,
    signatureInput: headers['Signature-Input'],
    signature: headers['Signature'],
    nowMs: NOW,
    ...change,
  };
}

async function check(request: RequestToCheck, seen: Set<string> = new Set()): Promise<string> {
  return verifyRequest(request, {
    publicKeyOf: (id) => (id === keyId ? spki : undefined),
    verifySignature: nodeVerify,
    isFreshNonce: (id, nonce) => {
      const fresh = !seen.has(id + nonce);
      seen.add(id + nonce);
      return fresh;
    },
  });
}

const invalid = { code: 'HTTP_SIGNATURE_INVALID' };

describe('a signed read', () => {
  it('names the key that signed it', async () => {
    expect(await check(await signed())).toBe(keyId);
  });

  it.each<[string, Partial<RequestToCheck>]>([
    ['another method', { method: 'DELETE' }],
    ['another path', { url: URL.replace('AB?', 'AC?') }],
    ['another query', { url: URL.replace('=10', '=11') }],
    ['another host', { url: URL.replace('localhost', 'localhost.example') }],
    ['an old signature', { nowMs: NOW + 61_000 }],
    ['a signature of the future', { nowMs: NOW - 61_000 }],
    ['a signature that is no base64', { signature: 'countersign=:%%%:' }],
    ['another label', { signature: 'sig=:AAAA:' }],
  ])('does not hold for %s', async (_what, change) => {
    await expect(check(await signed(change))).rejects.toMatchObject(invalid);
  });

  it('is refused without headers', async () => {
    await expect(check(await signed({ signature: undefined }))).rejects.toMatchObject({
      code: 'HTTP_SIGNATURE_MISSING',
    });
  });

  it.each(['("@method")', '("@method" "@target-uri" "x-extra")', '()'])(
    'is refused when it covers %s',
    async (covered) => {
      const request = await signed();
      const signatureInput = request.signatureInput?.replace('("@method" "@target-uri")', covered);
      await expect(check({ ...request, signatureInput })).rejects.toMatchObject(invalid);
    },
  );

  it('is refused for a key that nobody enrolled', async () => {
    const request = await signed();
    const signatureInput = request.signatureInput?.replace(keyId, `sha256:${'0'.repeat(64)}`);
    await expect(check({ ...request, signatureInput })).rejects.toMatchObject(invalid);
  });

  it('is refused the second time', async () => {
    const seen = new Set<string>();
    const request = await signed();
    await check(request, seen);
    await expect(check(request, seen)).rejects.toMatchObject(invalid);
  });

  it('does not let a false signature use up a nonce', async () => {
    const seen = new Set<string>();
    const request = await signed();
    await expect(check({ ...request, method: 'POST' }, seen)).rejects.toMatchObject(invalid);
    expect(await check(request, seen)).toBe(keyId);
  });
});
