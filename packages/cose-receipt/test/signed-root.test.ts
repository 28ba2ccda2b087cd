import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { MemoryTree, hashLeaf, inclusionProof } from '@countersign/tlog';
import { describe, expect, it } from 'vitest';
import { signerOf, spkiOf, verifySignature } from '../../tlog/test/node-keys.ts';
import { formatCoseReceipt, signRoot, verifyCoseReceipt } from '../src/index.ts';
import { coseReceipts } from './vectors.ts';

const ORIGIN = 'ledger.example/hitl-binding';
const KEYS: readonly (readonly [string, KeyObject, 'ed25519' | 'ecdsa-p256-sha256'])[] = [
  ['Ed25519', generateKeyPairSync('ed25519').privateKey, 'ed25519'],
  ['P-256', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey, 'ecdsa-p256-sha256'],
];
const SIZE = 70;

const tree = new MemoryTree();
for (let index = 0; index < SIZE; index += 1) tree.append(hashLeaf(Uint8Array.of(index)));

function bytes(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'));
}

describe('a receipt that is written', () => {
  it.each(coseReceipts.receipts)(
    'has the bytes of the $alg vector of $index of $size',
    (vector) => {
      const { index, size } = vector;
      const signedRoot = {
        protectedHeader: bytes(vector.protected_hex),
        signature: bytes(vector.signature_hex),
      };
      // The path of the vector: its CBOR is [size, index, [hashes]], of which each hash has a head of two bytes.
      const proofCbor = bytes(vector.proof_cbor_hex);
      const count = Math.floor(proofCbor.length / 34);
      const proof = Array.from({ length: count }, (_, at) => {
        const end = proofCbor.length - (count - 1 - at) * 34;
        return proofCbor.slice(end - 32, end);
      });
      const receipt = formatCoseReceipt({ signedRoot, index, size, proof });
      expect(Buffer.from(receipt).toString('hex')).toBe(vector.receipt_hex);
    },
  );

  it.each(KEYS)('by a key of %s verifies for every entry', async (_, key, algorithm) => {
    const signer = signerOf(ORIGIN, key);
    const signedRoot = await signRoot(tree.root(), signer);
    for (let index = 0; index < SIZE; index += 1) {
      const proof = inclusionProof(index, SIZE, tree.node);
      const verified = await verifyCoseReceipt({
        receipt: formatCoseReceipt({ signedRoot, index, size: SIZE, proof }),
        leafHash: hashLeaf(Uint8Array.of(index)),
        key: { algorithm, publicKey: spkiOf(key) },
        verifySignature,
        place: { index, size: SIZE },
      });
      expect(verified).toMatchObject({ issuer: ORIGIN, root: tree.root() });
    }
  });

  it('is signed over bytes that are no text, and so no signed note', async () => {
    const seen: Uint8Array[] = [];
    const signer = signerOf(ORIGIN, KEYS[0]?.[1] as KeyObject);
    await signRoot(tree.root(), {
      ...signer,
      sign: (message) => {
        seen.push(message);
        return signer.sign(message);
      },
    });
    const [message] = seen;
    expect(() => new TextDecoder('utf-8', { fatal: true }).decode(message)).toThrow(TypeError);
  });

  it.each(KEYS)(
    'by a signer of %s that answers something else is RECEIPT_SIGNATURE',
    async (...row) => {
      const signer = {
        ...signerOf(ORIGIN, row[1]),
        sign: () => Promise.resolve(new Uint8Array(63)),
      };
      await expect(signRoot(tree.root(), signer)).rejects.toMatchObject({
        code: 'RECEIPT_SIGNATURE',
      });
    },
  );
});
