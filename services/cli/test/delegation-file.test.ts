import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestBytes, utf8, type JsonObject } from '@countersign/canonical';
import { exportJWK } from 'jose';
import { describe, expect, it } from 'vitest';
import { withDelegation } from '../src/delegation-file.ts';
import { readIssuerKeys } from '../src/issuer-keys.ts';
import { codeOf } from './refusal.ts';
import { scratchFolder } from './scratch-folder.ts';

const PERSON = { kind: 'person', sub: 'prs_01JDA5C8000000000000000002' };

async function written(name: string, content: string): Promise<string> {
  const file = join(await scratchFolder(), name);
  await writeFile(file, content);
  return file;
}

describe('the chain of a request', () => {
  it('is put into the action with the digest of each link, and changes nothing else', async () => {
    const file = await written('chain.txt', 'aa.bb.cc\n');
    const action: JsonObject = { type: 'generic.command', acting_for: [PERSON] };
    expect(await withDelegation(action, file, { cwd: '/' })).toEqual({
      type: 'generic.command',
      acting_for: [
        { ...PERSON, grant_digest: digestBytes('countersign/grant/v1', utf8('aa.bb.cc')) },
      ],
      delegation: ['aa.bb.cc'],
    });
  });

  it.each([
    ['more links than acting_for has', { acting_for: [] }],
    ['no acting_for', {}],
    ['a chain already', { acting_for: [PERSON], delegation: ['x.y.z'] }],
  ])('is USAGE with %s', async (_, action: JsonObject) => {
    const file = await written('chain.txt', 'aa.bb.cc\n');
    expect(await codeOf(() => withDelegation(action, file, { cwd: '/' }))).toBe('USAGE');
  });
});

describe('the keys of an issuer', () => {
  it('are those for signatures of its JWK set, and their public halves alone', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const ed = generateKeyPairSync('ed25519').publicKey;
    const keys = [
      { ...(await exportJWK(privateKey)), kid: 'a' },
      { ...(await exportJWK(ed)), kid: 'b', alg: 'EdDSA', use: 'sig' },
      { ...(await exportJWK(publicKey)), kid: 'c', use: 'enc' },
    ];
    const file = await written('jwks.json', JSON.stringify({ keys }));
    const spki = (key: typeof ed): string =>
      key.export({ type: 'spki', format: 'der' }).toString('base64url');
    expect(await readIssuerKeys(file, { cwd: '/' })).toEqual([
      { kid: 'a', alg: 'ES256', public_key: spki(publicKey) },
      { kid: 'b', alg: 'EdDSA', public_key: spki(ed) },
    ]);
  });

  it.each([
    ['no JSON', 'keys'],
    ['no keys', '{"keys":[]}'],
    ['a key without a kid', '{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AA"}]}'],
    ['an algorithm that no link may have', '{"keys":[{"kty":"oct","k":"AA","kid":"a"}]}'],
  ])('are USAGE with %s', async (_, content) => {
    const file = await written('jwks.json', content);
    expect(await codeOf(() => readIssuerKeys(file, { cwd: '/' }))).toBe('USAGE');
  });
});
