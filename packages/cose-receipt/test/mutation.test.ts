import { MemoryTree, TlogError, hashLeaf, inclusionProof } from '@countersign/tlog';
import { expect, it } from 'vitest';
import { MUTATIONS, SEED, mutated, randomOf } from '../../tlog/test/mutation.ts';
import { ed25519Key, signerOf, spkiOf, verifySignature } from '../../tlog/test/node-keys.ts';
import { CoseReceiptError, formatCoseReceipt, signRoot, verifyCoseReceipt } from '../src/index.ts';
import type { CoseReceiptTrust } from '../src/index.ts';

const SIZE = 300;
const KEY = ed25519Key(1);
const tree = new MemoryTree();
for (let index = 0; index < SIZE; index += 1) tree.append(hashLeaf(Buffer.from(`entry-${index}`)));

async function codeOf(trust: CoseReceiptTrust): Promise<string> {
  try {
    await verifyCoseReceipt(trust);
  } catch (error) {
    if (error instanceof CoseReceiptError || error instanceof TlogError) return error.code;
    throw error;
  }
  return 'accepted';
}

const title = `G01: of ${MUTATIONS} wrong copies of COSE receipts none is accepted, each with a reason`;
it(title, { timeout: 600_000 }, async () => {
  const random = randomOf(SEED);
  const signedRoot = await signRoot(tree.root(), signerOf('ledger.example/hitl-binding', KEY));
  const codes = new Set<string>();
  for (let count = 0; count < MUTATIONS; count += 1) {
    const index = random(SIZE);
    const proof = inclusionProof(index, SIZE, tree.node);
    const receipt = formatCoseReceipt({ signedRoot, index, size: SIZE, proof });
    const { how, bytes } = mutated(receipt, random);
    const code = await codeOf({
      receipt: bytes,
      leafHash: tree.node(0, index),
      key: { algorithm: 'ed25519', publicKey: spkiOf(KEY) },
      verifySignature,
      place: { index, size: SIZE },
    });
    expect([SEED, count, how, code]).not.toEqual([SEED, count, how, 'accepted']);
    codes.add(code);
  }
  for (const code of codes) {
    expect(code).toMatch(
      /^(?:RECEIPT_(?:MALFORMED|HEADER|ALGORITHM|TREE|PLACE|SIGNATURE)|PROOF_(?:INDEX|LENGTH))$/,
    );
  }
});
