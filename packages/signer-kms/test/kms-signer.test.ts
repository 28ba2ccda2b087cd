import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KMSClient } from '@aws-sdk/client-kms';
import { verifySignature } from '@countersign/crypto-node';
import { kmsClient, openKmsSigner, type KmsClient, type KmsSigner } from '@countersign/signer-kms';
import { FakeKms, kmsException, type FakeKeySpec } from '@countersign/signer-kms/testing';
import { parseVerifierKey, SignerError, TlogError, type NoteSigner } from '@countersign/tlog';
import { noteSignerContract } from '@countersign/tlog/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const NAME = 'countersign.test/01JD3Z8Q4T0000000000000000/0';
const MESSAGE = new TextEncoder().encode('a head\n');

async function code(operation: Promise<unknown>): Promise<string> {
  try {
    await operation;
  } catch (error) {
    if (error instanceof SignerError || error instanceof TlogError) return error.code;
    throw error;
  }
  return 'resolved';
}

for (const [spec, type] of [
  ['ECC_NIST_EDWARDS25519', 1],
  ['ECC_NIST_P256', 2],
] as const) {
  noteSignerContract(`a KMS of our own, ${spec}`, () => {
    const kms = new FakeKms();
    const keyId = kms.createKey(spec);
    return Promise.resolve({
      name: NAME,
      type,
      open: () => openKmsSigner({ keyId, name: NAME, client: kms }),
      dispose: () => Promise.resolve(),
      verifySignature,
    });
  });
}

let kms: FakeKms;
let keyId: string;

beforeEach(() => {
  kms = new FakeKms();
  keyId = kms.createKey('ECC_NIST_P256');
});

function open(
  more: { keyId?: string; name?: string; timeoutMs?: number } = {},
): Promise<KmsSigner> {
  return openKmsSigner({ keyId, name: NAME, client: kms, ...more });
}

function isBy(signer: NoteSigner, signature: Uint8Array): boolean {
  const { publicKey, type } = parseVerifierKey(signer.vkey);
  const algorithm = type === 2 ? 'ecdsa-p256-sha256' : 'ed25519';
  return verifySignature({ algorithm, publicKey, message: MESSAGE, signature });
}

describe('a check', () => {
  it('says whether KMS answers for the key, without a signature', async () => {
    const signer = await open();
    expect(await code(signer.check())).toBe('resolved');
    kms.failure = () => kmsException('ThrottlingException', 400);
    expect(await code(signer.check())).toBe('SIGNER_THROTTLED');
    kms.failure = undefined;
    kms.setState(keyId, 'PendingDeletion');
    expect(await code(signer.check())).toBe('SIGNER_KEY_STATE');
    expect(kms.signRequests).toBe(0);
  });

  it('waits no longer than for a signature', async () => {
    const signer = await open({ timeoutMs: 50 });
    kms.delayMs = 5_000;
    expect(await code(signer.check())).toBe('SIGNER_TIMEOUT');
  });
});

describe('a refusal', () => {
  const saying = async (work: Promise<unknown>): Promise<string> =>
    work.then(String, (error: unknown) => String(error));

  it('names the key, what was expected of it, what it got, and what mends it', async () => {
    expect(await saying(open({ keyId: 'alias/none' }))).toMatch(
      /key alias\/none: expected an enabled key, got NotFoundException\n.*kms\.key_id and kms\.region/,
    );
    const rsa = kms.createKey('RSA_2048');
    expect(await saying(open({ keyId: rsa }))).toMatch(
      /key arn:\S+: expected ECC_NIST_EDWARDS25519 or ECC_NIST_P256, got RSA_2048\n.*deploy\/kms/,
    );
    const signer = await open();
    kms.failure = () => kmsException('AccessDeniedException', 400);
    expect(await saying(open())).toMatch(
      /expected leave for kms:GetPublicKey, got AccessDeniedException\n.*policy/,
    );
    expect(await saying(signer.sign(MESSAGE))).toMatch(/expected leave for kms:Sign, got Access/);
  });
});

describe('G07: a key that is none for a log', () => {
  it.each<FakeKeySpec>(['ECC_NIST_P384', 'RSA_2048'])(
    'G07: %s is SIGNER_KEY_SPEC',
    async (spec) => {
      expect(await code(open({ keyId: kms.createKey(spec) }))).toBe('SIGNER_KEY_SPEC');
    },
  );

  it('G07: one for KEY_AGREEMENT is SIGNER_KEY_SPEC', async () => {
    const other = kms.createKey('ECC_NIST_P256', 'KEY_AGREEMENT');
    expect(await code(open({ keyId: other }))).toBe('SIGNER_KEY_SPEC');
  });

  it('G07: one that signs pre-hashed messages alone is SIGNER_KEY_SPEC', async () => {
    const client: KmsClient = {
      send: () =>
        Promise.resolve({
          ...kms.publicHalf(kms.createKey('ECC_NIST_EDWARDS25519')),
          SigningAlgorithms: ['ED25519_PH_SHA_512'],
        }) as never,
    };
    expect(await code(openKmsSigner({ keyId, name: NAME, client }))).toBe('SIGNER_KEY_SPEC');
  });

  it.each(['Disabled', 'PendingDeletion'] as const)(
    'G07: one that is %s is SIGNER_KEY_STATE, at the start and later',
    async (state) => {
      const signer = await open();
      kms.setState(keyId, state);
      expect(await code(signer.sign(MESSAGE))).toBe('SIGNER_KEY_STATE');
      expect(await code(open())).toBe('SIGNER_KEY_STATE');
    },
  );

  it('G07: one that is not there is SIGNER_KEY_STATE', async () => {
    expect(await code(open({ keyId: 'alias/nobody' }))).toBe('SIGNER_KEY_STATE');
  });

  it('a name that no note can carry is VKEY_FORMAT', async () => {
    expect(await code(open({ name: 'with space' }))).toBe('VKEY_FORMAT');
  });
});

describe('G07: a signature by another key than the one of the start', () => {
  it('G07: behind an alias that points elsewhere by now, the key of the start signs on', async () => {
    kms.pointAlias('alias/ledger', keyId);
    const signer = await open({ keyId: 'alias/ledger' });
    kms.pointAlias('alias/ledger', kms.createKey('ECC_NIST_P256'));
    expect(isBy(signer, await signer.sign(MESSAGE))).toBe(true);
    expect((await open({ keyId: 'alias/ledger' })).vkey).not.toBe(signer.vkey);
  });

  it('G07: is SIGNER_SIGNATURE, and does not leave the signer', async () => {
    const signer = await open();
    kms.impostor = kms.createKey('ECC_NIST_P256');
    expect(await code(signer.sign(MESSAGE))).toBe('SIGNER_SIGNATURE');
  });

  it('G07: so is one that changed on its way, is missing, or is of another kind', async () => {
    const signer = await open();
    for (const tamper of [
      (signature: Uint8Array) => signature.with(-1, (signature.at(-1) ?? 0) ^ 1),
      (signature: Uint8Array) => signature.subarray(1),
      () => new Uint8Array(64),
      () => undefined,
    ]) {
      kms.tamper = tamper;
      expect(await code(signer.sign(MESSAGE))).toBe('SIGNER_SIGNATURE');
    }
    kms.tamper = undefined;
    kms.impostor = kms.createKey('ECC_NIST_P384');
    expect(await code(signer.sign(MESSAGE))).toBe('SIGNER_SIGNATURE');
  });

  it('is none of what the caller made of its bytes meanwhile', async () => {
    const signer = await open();
    const message = MESSAGE.slice();
    const signing = signer.sign(message);
    message.fill(0);
    expect(isBy(signer, await signing)).toBe(true);
  });
});

describe('what KMS answers', () => {
  it.each([
    ['ThrottlingException', 400, 'SIGNER_THROTTLED', 'retryable'],
    ['SomethingNew', 429, 'SIGNER_THROTTLED', 'retryable'],
    ['KMSInternalException', 500, 'SIGNER_UNAVAILABLE', 'retryable'],
    ['KeyUnavailableException', 500, 'SIGNER_UNAVAILABLE', 'retryable'],
    ['DependencyTimeoutException', 503, 'SIGNER_UNAVAILABLE', 'retryable'],
    ['ServiceUnavailableException', 503, 'SIGNER_UNAVAILABLE', 'retryable'],
    ['ExpiredTokenException', 400, 'SIGNER_UNAVAILABLE', 'retryable'],
    ['AccessDeniedException', 400, 'SIGNER_DENIED', 'fatal'],
    ['UnrecognizedClientException', 400, 'SIGNER_DENIED', 'fatal'],
    ['DisabledException', 400, 'SIGNER_KEY_STATE', 'fatal'],
    ['KMSInvalidStateException', 400, 'SIGNER_KEY_STATE', 'fatal'],
    ['NotFoundException', 400, 'SIGNER_KEY_STATE', 'fatal'],
    ['InvalidKeyUsageException', 400, 'SIGNER_KEY_SPEC', 'fatal'],
    ['ValidationException', 400, 'SIGNER_REFUSED', 'fatal'],
    ['constructor', 400, 'SIGNER_REFUSED', 'fatal'],
  ])('%s, %i is %s, %s', async (...[name, status, expected, kind]) => {
    const signer = await open();
    kms.failure = () => kmsException(name, status);
    await expect(signer.sign(MESSAGE)).rejects.toMatchObject({ code: expected, kind });
    expect(await code(open())).toBe(expected);
  });

  it('and what is no answer of KMS is SIGNER_UNAVAILABLE', async () => {
    const signer = await open();
    for (const error of [
      Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }),
      Object.assign(new Error('no credentials'), { name: 'CredentialsProviderError' }),
      new SyntaxError('a page of a proxy'),
    ]) {
      kms.failure = () => error;
      expect(await code(signer.sign(MESSAGE))).toBe('SIGNER_UNAVAILABLE');
    }
  });

  it('a clock that was off is set by the answer, so it is SIGNER_UNAVAILABLE and not SIGNER_DENIED', async () => {
    const signer = await open();
    kms.failure = () => kmsException('InvalidSignatureException', 400);
    expect(await code(signer.sign(MESSAGE))).toBe('SIGNER_DENIED');
    kms.failure = () => {
      const error = kmsException('InvalidSignatureException', 400);
      return Object.assign(error, { $metadata: { ...error.$metadata, clockSkewCorrected: true } });
    };
    expect(await code(signer.sign(MESSAGE))).toBe('SIGNER_UNAVAILABLE');
  });

  it('is not waited for beyond the time-out, whether the client heeds it or not', async () => {
    const signer = await open({ timeoutMs: 50 });
    kms.delayMs = 60_000;
    expect(await code(signer.sign(MESSAGE))).toBe('SIGNER_TIMEOUT');
    expect(await code(open({ timeoutMs: 50 }))).toBe('SIGNER_TIMEOUT');
    const deaf: KmsClient = { send: () => sleep(10_000, undefined, { ref: false }) as never };
    const opening = openKmsSigner({ keyId, name: NAME, client: deaf, timeoutMs: 50 });
    expect(await code(opening)).toBe('SIGNER_TIMEOUT');
  });
});

describe('a message that KMS does not take', () => {
  it.each([0, 4_097])('of %i bytes is SIGNER_LIMIT, and KMS is not asked', async (size) => {
    const signer = await open();
    expect(await code(signer.sign(new Uint8Array(size)))).toBe('SIGNER_LIMIT');
    expect(kms.signRequests).toBe(0);
  });
});

describe('the client of the SDK', () => {
  let server: Server;
  let client: KMSClient;
  let requests = 0;
  let answer: { status: number; body: string } = { status: 503, body: '<html>' };

  beforeEach(async () => {
    requests = 0;
    server = createServer((request, response) => {
      requests += 1;
      request.resume();
      const type = 'application/x-amz-json-1.1';
      response.writeHead(answer.status, { 'content-type': type }).end(answer.body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    client = kmsClient({
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    });
  });

  afterEach(async () => {
    client.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  it.each([
    [400, 'ThrottlingException', 'SIGNER_THROTTLED'],
    [500, 'KMSInternalException', 'SIGNER_UNAVAILABLE'],
    [400, 'AccessDeniedException', 'SIGNER_DENIED'],
    [400, 'DisabledException', 'SIGNER_KEY_STATE'],
    [400, 'KMSInvalidStateException', 'SIGNER_KEY_STATE'],
  ])('asks once and makes of %i %s: %s', async (status, name, expected) => {
    answer = { status, body: JSON.stringify({ __type: name, message: 'no' }) };
    expect(await code(openKmsSigner({ keyId, name: NAME, client }))).toBe(expected);
    expect(requests).toBe(1);
  });

  it.each([503, 502, 200])('asks once and makes of a page with %i: no answer', async (status) => {
    answer = { status, body: '<html>' };
    expect(await code(openKmsSigner({ keyId, name: NAME, client }))).toBe('SIGNER_UNAVAILABLE');
    expect(requests).toBe(1);
  });

  it('that reaches nobody is SIGNER_UNAVAILABLE', async () => {
    await new Promise((resolve) => server.close(resolve));
    expect(await code(openKmsSigner({ keyId, name: NAME, client }))).toBe('SIGNER_UNAVAILABLE');
    server = createServer().listen(0, '127.0.0.1');
  });
});

describe('deploy/kms/key-policy.json', () => {
  interface Statement {
    Effect: string;
    Principal: { AWS: string };
    Action: string | string[];
    Condition?: object;
  }
  const file = new URL('../../../deploy/kms/key-policy.json', import.meta.url);
  const { Statement: statements } = JSON.parse(readFileSync(file, 'utf8')) as {
    Statement: Statement[];
  };
  const ledgers = statements.filter(({ Principal }) => Principal.AWS.endsWith('-ledger'));

  it('lets the ledger read the public key, and sign as this signer does', () => {
    expect(ledgers.map(({ Action }) => Action)).toEqual(['kms:GetPublicKey', 'kms:Sign']);
    expect(ledgers[1]?.Condition).toEqual({
      StringEquals: {
        'kms:MessageType': 'RAW',
        'kms:SigningAlgorithm': ['ED25519_SHA_512', 'ECDSA_SHA_256'],
      },
    });
  });

  it('lets nobody else sign, and no policy elsewhere say so', () => {
    const others = statements.filter((each) => !ledgers.includes(each));
    expect(
      others.flatMap(({ Action }) => Action).filter((one) => /Sign|\*|Grant/.test(one)),
    ).toEqual([]);
    expect(
      statements.map(({ Principal }) => Principal.AWS).filter((who) => /:root$|\*/.test(who)),
    ).toEqual([]);
  });
});
