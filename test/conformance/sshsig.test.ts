import { spawnSync } from 'node:child_process';
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { verifySignature } from '@countersign/crypto-node';
import {
  HumanProofError,
  parseSshsigProof,
  sshCredentialId,
  verifySshsig,
  type ProofFacts,
} from '@countersign/human-proof';
import {
  armoured,
  SoftwareSshKey,
  type SoftwareSshKeyType,
  type SshsigOverrides,
} from '@countersign/software-passkey';
import { afterAll, describe, expect, test } from 'vitest';

const NAMESPACE = 'countersign-decision-v1';
const TYPES: readonly SoftwareSshKeyType[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ssh-rsa',
  'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256@openssh.com',
];
/** As ssh-keygen -t calls what it makes without a token. */
const KEY_FILES = [
  ['ed25519', []],
  ['ecdsa', ['-b', '256']],
  ['rsa', ['-b', '2048']],
  ['rsa', ['-b', '4096']],
] as const;
const MUTATIONS = 60;

const folder = mkdtempSync(join(tmpdir(), 'countersign-sshsig-'));

afterAll(() => {
  rmSync(folder, { recursive: true });
});

interface Signed {
  readonly publicKey: Buffer;
  readonly signature: Buffer;
  readonly message: Buffer;
  readonly namespace: string;
}

/** What `ssh-keygen -Y verify` says, who is told that the key is allowed. */
function sshKeygenAccepts({ publicKey, signature, message, namespace }: Signed): boolean {
  const [allowed, file] = [join(folder, 'allowed'), join(folder, 'signature')];
  const type = publicKey.subarray(4, 4 + publicKey.readUInt32BE(0)).toString('latin1');
  writeFileSync(allowed, `person ${type} ${publicKey.toString('base64')}\n`);
  writeFileSync(file, armoured(signature));
  const args = ['-Y', 'verify', '-f', allowed, '-I', 'person', '-n', namespace, '-s', file];
  return spawnSync('ssh-keygen', args, { input: message }).status === 0;
}

async function ourAnswer(signed: Signed): Promise<ProofFacts | HumanProofError> {
  const { publicKey, signature, message, namespace } = signed;
  const credential_id = sshCredentialId(publicKey);
  const credential = { credential_id, public_key: publicKey.toString('base64url') };
  try {
    const proof = { kind: 'sshsig', credential_id, signature: signature.toString('base64url') };
    return await verifySshsig(
      parseSshsigProof(proof),
      { namespace, message, credential },
      verifySignature,
    );
  } catch (error) {
    if (error instanceof HumanProofError) return error;
    throw error;
  }
}

function softwareSigned(key: SoftwareSshKey, overrides: SshsigOverrides = {}): Signed {
  const message = randomBytes(randomInt(0, 400));
  const signature = key.sign(NAMESPACE, message, overrides);
  return { publicKey: key.publicKey, signature, message, namespace: NAMESPACE };
}

function sshKeygen(...args: string[]): void {
  const { status, stderr } = spawnSync('ssh-keygen', args);
  if (status !== 0) throw new Error(stderr.toString());
}

describe('what ssh-keygen signs', () => {
  test.each(KEY_FILES)('%s %j, with both hashes', async (type, options) => {
    const name = join(folder, [type, ...options].join(''));
    sshKeygen('-q', '-t', type, ...options, '-N', '', '-C', 'a test', '-f', name);
    const publicKey = Buffer.from(
      readFileSync(`${name}.pub`, 'utf8').split(' ')[1] ?? '',
      'base64',
    );
    for (const hash of ['sha256', 'sha512']) {
      const message = randomBytes(300);
      writeFileSync(join(folder, 'message'), message);
      rmSync(join(folder, 'message.sig'), { force: true });
      const how = ['-n', NAMESPACE, '-O', `hashalg=${hash}`];
      sshKeygen('-Y', 'sign', '-q', '-f', name, ...how, join(folder, 'message'));
      const armour = readFileSync(join(folder, 'message.sig'), 'utf8');
      const signature = Buffer.from(armour.replaceAll(/-----.*-----|\s/g, ''), 'base64');
      const signed = { publicKey, signature, message, namespace: NAMESPACE };
      expect(await ourAnswer(signed)).toEqual({ proofClass: 'possession', counter: 0 });
      expect(armoured(signature)).toBe(armour);
    }
    const shown = spawnSync('ssh-keygen', ['-l', '-f', `${name}.pub`]).stdout.toString();
    const digest = createHash('sha256').update(publicKey).digest('base64').replace('=', '');
    expect(shown).toContain(` SHA256:${digest} `);
    expect(Buffer.from(sshCredentialId(publicKey), 'base64url')).toEqual(
      Buffer.from(digest, 'base64'),
    );
  });
});

test.each(TYPES)('both accept what a software %s signs', async (type) => {
  const key = new SoftwareSshKey(type, { application: 'ssh:countersign' });
  const signed = softwareSigned(key, { hash: 'sha256' });
  expect(sshKeygenAccepts(signed)).toBe(true);
  expect(await ourAnswer(signed)).toEqual(
    key.isHardware ? { proofClass: 'uv', counter: 1 } : { proofClass: 'possession', counter: 0 },
  );
});

type Spoiled = readonly [
  what: string,
  type: SoftwareSshKeyType,
  how: { readonly overrides: SshsigOverrides; readonly why: string },
];

/** Refused by us and not by ssh-keygen; schemas/formats/sshsig-proof.md §7 gives the reasons. */
const STRICTER: readonly Spoiled[] = [
  [
    'something in the reserved field',
    'ssh-ed25519',
    { overrides: { reserved: Buffer.of(1) }, why: 'sshsig' },
  ],
  ['no touch', 'sk-ssh-ed25519@openssh.com', { overrides: { flags: 0x04 }, why: 'user-present' }],
  [
    'no touch',
    'sk-ecdsa-sha2-nistp256@openssh.com',
    { overrides: { flags: 0 }, why: 'user-present' },
  ],
];

test.each(STRICTER)('we alone refuse %s (%s)', async (_what, type, { overrides, why }) => {
  const signed = softwareSigned(new SoftwareSshKey(type), overrides);
  expect(sshKeygenAccepts(signed)).toBe(true);
  expect(await ourAnswer(signed)).toMatchObject({ code: 'ASSERTION_INVALID', why });
});

const REFUSED: readonly Spoiled[] = [
  ['version 2', 'ssh-ed25519', { overrides: { version: 2 }, why: 'sshsig' }],
  ['a byte more', 'ssh-ed25519', { overrides: { after: Buffer.of(0) }, why: 'sshsig' }],
  ['SHA-384', 'ssh-ed25519', { overrides: { hash: 'sha384' }, why: 'hash-algorithm' }],
  [
    'ssh-rsa',
    'ssh-rsa',
    { overrides: { rsaHash: 'sha1', algorithm: 'ssh-rsa' }, why: 'algorithm' },
  ],
  [
    'another algorithm',
    'ssh-rsa',
    { overrides: { rsaHash: 'sha1', algorithm: 'rsa-sha2-256' }, why: 'signature' },
  ],
  [
    'another application',
    'sk-ssh-ed25519@openssh.com',
    { overrides: { application: 'ssh:x' }, why: 'signature' },
  ],
  [
    'an algorithm without its token',
    'sk-ssh-ed25519@openssh.com',
    { overrides: { algorithm: 'ssh-ed25519' }, why: 'algorithm' },
  ],
];

test.each(REFUSED)('both refuse %s (%s)', async (_what, type, { overrides, why }) => {
  const signed = softwareSigned(new SoftwareSshKey(type), overrides);
  expect(sshKeygenAccepts(signed)).toBe(false);
  expect(await ourAnswer(signed)).toMatchObject({ code: 'ASSERTION_INVALID', why });
});

test('both refuse another namespace, another message and another key', async () => {
  for (const type of TYPES) {
    const signed = softwareSigned(new SoftwareSshKey(type));
    for (const [why, other] of [
      ['namespace', { ...signed, namespace: 'countersign-session-v1' }],
      ['namespace', { ...signed, namespace: `${NAMESPACE} ` }],
      ['signature', { ...signed, message: Buffer.concat([signed.message, Buffer.of(0)]) }],
      ['key', { ...signed, publicKey: new SoftwareSshKey(type).publicKey }],
    ] as const) {
      expect(sshKeygenAccepts(other)).toBe(false);
      expect(await ourAnswer(other)).toMatchObject({ why });
    }
  }
});

test(`whatever byte is spoiled, what we accept ssh-keygen accepts (${MUTATIONS} of each kind)`, async () => {
  const keys = TYPES.map((type) => new SoftwareSshKey(type));
  const stricter = new Map<string, number>();
  for (let round = 0; round < MUTATIONS; round += 1) {
    for (const key of keys) {
      const signed = softwareSigned(key, { flags: 0x01 });
      const spoiled = { ...signed, signature: mutated(signed.signature) };
      const ours = await ourAnswer(spoiled);
      const isRefused = ours instanceof HumanProofError;
      if (sshKeygenAccepts(spoiled) !== isRefused) continue;
      expect(isRefused, spoiled.signature.toString('hex')).toBe(true);
      const why = isRefused ? ours.why : '';
      stricter.set(why, (stricter.get(why) ?? 0) + 1);
    }
  }
  // Only for what the format page names: a filled reserved field, numbers that are not in their shortest form.
  for (const why of stricter.keys()) expect(['sshsig', 'signature']).toContain(why);
}, 600_000);

function mutated(signature: Buffer): Buffer {
  const at = randomInt(0, signature.length);
  const [before, after] = [signature.subarray(0, at), signature.subarray(at)];
  switch (randomInt(0, 4)) {
    case 0:
      return Buffer.concat([before, after.subarray(1)]);
    case 1:
      return Buffer.concat([before, randomBytes(1), after]);
    case 2:
      return before;
    default: {
      const flipped = Buffer.from(signature);
      flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << randomInt(0, 8)), at);
      return flipped;
    }
  }
}
