// An issuer of delegations, as small as one can be, to try them with. Yours is the token service that you have.
// node … delegation-issuer.ts WORK keys: makes WORK/issuer.pem, and WORK/jwks.json to enrol.
// node … delegation-issuer.ts WORK token SUBJECT AGENT AGENT.key: writes WORK/chain.txt, one link for an hour.
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { calculateJwkThumbprint, exportJWK, SignJWT } from 'jose';

const ISSUER = 'https://login.acme.example';
const [work = '.', command, subject = '', agent = '', agentKey = ''] = process.argv.slice(2);

function keyIn(path: string): KeyObject {
  return createPrivateKey(readFileSync(path));
}

if (command === 'keys') {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
  writeFileSync(`${work}/issuer.pem`, pem, { mode: 0o600, flag: 'wx' });
  const jwk = { ...(await exportJWK(publicKey)), kid: 'issuer-1', alg: 'ES256', use: 'sig' };
  writeFileSync(`${work}/jwks.json`, JSON.stringify({ keys: [jwk] }));
} else {
  const jkt = await calculateJwkThumbprint(await exportJWK(createPublicKey(keyIn(agentKey))));
  const token = await new SignJWT({
    scope: 'generic.command',
    authorization_details: [{ type: 'generic.command', only: { '/cwd': ['/'] } }],
    act: { sub: agent },
    cnf: { jkt },
  })
    .setProtectedHeader({ alg: 'ES256', kid: 'issuer-1' })
    .setIssuer(ISSUER)
    .setSubject(subject)
    .setAudience('default')
    .setExpirationTime('1h')
    .sign(keyIn(`${work}/issuer.pem`));
  writeFileSync(`${work}/chain.txt`, `${token}\n`);
}
