import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateAliasCommand,
  CreateKeyCommand,
  UpdateAliasCommand,
  type CreateKeyCommandInput,
  type KMSClient,
} from '@aws-sdk/client-kms';
import { canonicalBytes, type JsonObject } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import { kmsClient, openKmsSigner } from '@countersign/signer-kms';
import {
  parseNote,
  parseVerifierKey,
  signNote,
  verifyNote,
  type NoteSigner,
} from '@countersign/tlog';
import { noteSignerContract } from '@countersign/tlog/testing';
import { createVerifier, parseTrust } from '@countersign/verify';
import { decodeLogRecord } from '@countersign/wire';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectCoseRotation } from '../support/cose-rotation.ts';
import { FoundedLedger, type Bound } from '../support/founded-ledger.ts';
import { buildGoVerifier } from '../support/go-verifier.ts';
import { HttpLedger } from '../support/http-ledger.ts';
import { expectRotation, idOf } from '../support/log-key-rotation.ts';
import { MOTO_CLIENT, startMoto, type MotoServer } from '../support/moto-server.ts';
import { TENANT } from '../support/parties.ts';
import { ScittCose } from '../support/scitt-cose.ts';

const NAME = 'countersign.test/01JD3Z8Q4T0000000000000000/0';
/** The first start downloads moto. */
const INSTALL_TIMEOUT_MS = 300_000;

let moto: MotoServer;
let client: KMSClient;

beforeAll(async () => {
  moto = await startMoto();
  client = kmsClient({ ...MOTO_CLIENT, endpoint: moto.endpoint });
}, INSTALL_TIMEOUT_MS);

afterAll(async () => {
  client.destroy();
  await moto.stop();
});

async function createKey(more: CreateKeyCommandInput = {}): Promise<string> {
  const made = await client.send(
    new CreateKeyCommand({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY', ...more }),
  );
  const arn = made.KeyMetadata?.Arn;
  if (arn === undefined) throw new Error('expected moto to name the key it made');
  return arn;
}

function open(keyId: string, name = NAME): Promise<NoteSigner> {
  return openKmsSigner({ keyId, name, client });
}

noteSignerContract('AWS KMS as moto has it, ECC_NIST_P256', async () => {
  const keyId = await createKey();
  return {
    name: NAME,
    type: 2,
    open: () => open(keyId),
    dispose: () => Promise.resolve(),
    verifySignature,
  };
});

describe('a key of KMS', () => {
  it.each<CreateKeyCommandInput>([
    { KeySpec: 'RSA_2048' },
    { KeySpec: 'ECC_NIST_P384' },
    { KeySpec: 'ECC_SECG_P256K1' },
  ])('G07: of $KeySpec is SIGNER_KEY_SPEC', async (input) => {
    await expect(open(await createKey(input))).rejects.toMatchObject({ code: 'SIGNER_KEY_SPEC' });
  });

  it('G07: that is not there is SIGNER_KEY_STATE', async () => {
    await expect(open('alias/nobody')).rejects.toMatchObject({ code: 'SIGNER_KEY_STATE' });
  });

  it('G07: signs on when its alias points to another one, which only a new start takes', async () => {
    const keys = [await createKey(), await createKey()];
    const AliasName = 'alias/ledger';
    await client.send(new CreateAliasCommand({ AliasName, TargetKeyId: keys[0] }));
    const signer = await open(AliasName);
    await client.send(new UpdateAliasCommand({ AliasName, TargetKeyId: keys[1] }));
    const message = Uint8Array.of(1, 2, 3);
    const { publicKey } = parseVerifierKey(signer.vkey);
    const signature = await signer.sign(message);
    expect(verifySignature({ algorithm: 'ecdsa-p256-sha256', publicKey, message, signature })).toBe(
      true,
    );
    expect((await open(AliasName)).vkey).not.toBe(signer.vkey);
  });
});

describe('a ledger whose heads KMS signs with P-256', () => {
  let ledger: FoundedLedger;
  let bound: Bound;
  let folder: string;

  beforeAll(async () => {
    const keyId = await createKey();
    folder = mkdtempSync(join(tmpdir(), 'kms-ledger-'));
    ledger = await FoundedLedger.create({
      tier: 'sqlite',
      openSigner: (origin) => open(keyId, origin),
    });
    ledger.start();
    bound = await ledger.bind();
    await ledger.use(bound);
  });

  afterAll(async () => {
    await ledger.discard();
    rmSync(folder, { recursive: true });
  });

  async function notes(): Promise<string[]> {
    const records = await ledger.broker.read({ topic: 'log', partition: 0 }, 0, 1_000);
    return records.flatMap(({ value }) => {
      const record = value === null ? undefined : decodeLogRecord(value);
      return record?.kind === 'checkpoint' ? [record.note] : [];
    });
  }

  async function files(): Promise<{ evidence: JsonObject; trust: JsonObject }> {
    const evidence = await ledger.projector.evidence(TENANT, bound.actionId);
    const trust = {
      v: 'countersign.trust.v1',
      origin: ledger.origin,
      log_keys: [ledger.signer.vkey],
      genesis: ledger.genesis,
      accept: { proof_classes: ['uv'], separation: ['full'], demo: false },
    };
    return { evidence, trust };
  }

  it('signs each head with that key and no other', async () => {
    const verifier = parseVerifierKey(ledger.signer.vkey);
    expect(verifier.type).toBe(2);
    const signed = await notes();
    expect(signed.length).toBeGreaterThan(1);
    for (const note of signed) {
      expect(parseNote(note).signatures).toHaveLength(1);
      expect((await verifyNote(note, [verifier], verifySignature)).verified).toHaveLength(1);
    }
  });

  it('gives evidence that both verifiers find VALID without it', async () => {
    const { evidence, trust } = await files();
    const verifier = createVerifier({ trust: parseTrust(canonicalBytes(trust)), verifySignature });
    const outcome = await verifier.verifyFile(canonicalBytes(evidence), { level: 'human' });
    expect(outcome.outcome).toBe('VALID');
    const paths = { evidence: join(folder, 'evidence.json'), trust: join(folder, 'trust.json') };
    writeFileSync(paths.evidence, canonicalBytes(evidence));
    writeFileSync(paths.trust, canonicalBytes(trust));
    const args = [paths.evidence, paths.trust, '--level', 'human'];
    expect(execFileSync(buildGoVerifier(folder), args, { encoding: 'utf8' })).toBe('VALID\n');
  });

  it('goes on after a restart with the same key, though no two ECDSA signatures are equal', async () => {
    const before = await notes();
    await ledger.restart();
    await ledger.bind();
    const after = await notes();
    expect(after.slice(0, before.length)).toEqual(before);
    expect(after.length).toBeGreaterThan(before.length);
    expect(ledger.writer.status.code).toBeUndefined();
  });
});

describe('the key of a ledger that is rotated to another one of KMS', () => {
  let ledger: FoundedLedger;

  beforeAll(async () => {
    const keyId = await createKey();
    ledger = await FoundedLedger.create({
      tier: 'sqlite',
      openSigner: (origin) => open(keyId, origin),
    });
    ledger.start();
  });

  afterAll(async () => {
    await ledger.discard();
  });

  it('G07: both sign, then the new one alone; a head or evidence with the old one is refused', async () => {
    const newKey = await open(await createKey(), ledger.origin);
    await expectRotation(ledger, newKey);
    const bound = await ledger.bind();
    await ledger.projector.waitForStored(bound.binding.index + 1, 5_000);
    const evidence = await ledger.projector.evidence(TENANT, bound.actionId);
    const { entry, receipt } = evidence['binding'] as { entry: string; receipt: string };
    const [proof = '', text = ''] = receipt.split('\n\n');
    const note = await signNote(`${text}\n`, [ledger.signer]);
    const forged = { ...evidence, binding: { entry, receipt: `${proof}\n\n${note}` } };
    const trust = parseTrust(
      canonicalBytes({
        v: 'countersign.trust.v1',
        origin: ledger.origin,
        log_keys: [ledger.signer.vkey],
        genesis: ledger.genesis,
        accept: { proof_classes: ['uv'], separation: ['full'], demo: false },
      }),
    );
    const verifier = createVerifier({ trust, verifySignature });
    const level = 'human';
    expect(await verifier.verifyFile(canonicalBytes(evidence), { level })).toMatchObject({
      outcome: 'VALID',
    });
    expect(await verifier.verifyFile(canonicalBytes(forged), { level })).toMatchObject({
      code: 'SIGNING_KEY_NOT_VALID_AT',
    });
    expect(parseVerifierKey(newKey.vkey).type).toBe(2);
    expect(idOf(newKey)).not.toBe(idOf(ledger.signer));
  });
});

describe('COSE receipts whose roots KMS signs', () => {
  it('G07: are good under the key of KMS that was one at their size, over a rotation', async () => {
    const keys = [await createKey(), await createKey()] as const;
    const http = await HttpLedger.start({ openSigner: (origin) => open(keys[0], origin) });
    try {
      await expectCoseRotation(http, await open(keys[1], http.ledger.origin), ScittCose.open());
    } finally {
      await http.discard();
    }
  });
});
