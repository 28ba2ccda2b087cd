import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { TlogError, hashLeaf, type SignatureCheck } from '@countersign/tlog';
import { describe, expect, it } from 'vitest';
import { CoseReceiptError, verifyCoseReceipt } from '../src/index.ts';
import type { CoseReceiptTrust, LogKey, VerifiedCoseReceipt } from '../src/index.ts';
import { coseReceipts, type ReceiptVector } from './vectors.ts';

const ALGORITHMS = { EdDSA: 'ed25519', ES256: 'ecdsa-p256-sha256' } as const;
const KEYS = { EdDSA: pemKey('EdDSA'), ES256: pemKey('ES256') };

function pemKey(alg: ReceiptVector['alg']): LogKey {
  return { algorithm: ALGORITHMS[alg], publicKey: spkiOf(coseReceipts.public_keys_pem[alg]) };
}

function spkiOf(key: KeyObject | string): Uint8Array {
  return new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' }));
}

function verifySignature({ algorithm, publicKey, message, signature }: SignatureCheck): boolean {
  const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
  return verify(algorithm === 'ed25519' ? null : 'sha256', message, key, signature);
}

function fromHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'));
}

function trustOf(vector: ReceiptVector): CoseReceiptTrust {
  return {
    receipt: fromHex(vector.receipt_hex),
    leafHash: hashLeaf(fromHex(vector.entry_hex)),
    key: KEYS[vector.alg],
    verifySignature,
    place: { index: vector.index, size: vector.size },
  };
}

function vectorOf(alg: ReceiptVector['alg'], size: number): ReceiptVector {
  const found = coseReceipts.receipts.find((vector) => vector.alg === alg && vector.size === size);
  if (found === undefined) throw new Error('no such vector');
  return found;
}

async function refusal(trust: CoseReceiptTrust): Promise<string | undefined> {
  try {
    await verifyCoseReceipt(trust);
  } catch (error) {
    if (error instanceof CoseReceiptError || error instanceof TlogError) return error.code;
    throw error;
  }
  return undefined;
}

describe.each(coseReceipts.receipts)('the $alg receipt of $index of $size', (vector) => {
  const trust = trustOf(vector);

  it('verifies', async () => {
    const verified = await verifyCoseReceipt(trust);
    expect(verified).toEqual<VerifiedCoseReceipt>({
      root: fromHex(vector.root_hex),
      index: vector.index,
      size: vector.size,
      keyId: new Uint8Array(Buffer.from('k1')),
      issuer: 'https://ledger.example',
      subject: 'hitl-binding',
    });
  });

  it('asks for the signature over the bytes of the vector', async () => {
    const asked: SignatureCheck[] = [];
    await verifyCoseReceipt({
      ...trust,
      verifySignature: (check) => asked.push(check) === 1 && verifySignature(check),
    });
    expect(asked.map(({ message }) => message)).toEqual([fromHex(vector.sig_structure_hex)]);
    expect(asked.map(({ algorithm }) => algorithm)).toEqual([ALGORITHMS[vector.alg]]);
  });

  it('is refused with any one byte flipped', async () => {
    const { receipt, place, ...rest } = trust;
    for (let at = 0; at < receipt.length; at += 1) {
      for (const flip of [0x01, 0x80]) {
        const changed = receipt.map((byte, position) => (position === at ? byte ^ flip : byte));
        const code = await refusal({ ...rest, receipt: changed });
        if (code !== undefined) continue;
        // Only size and index are signed by nobody, and only where they leave the path its shape.
        const { root, ...claimed } = await verifyCoseReceipt({ ...rest, receipt: changed });
        expect(root, `byte ${at}`).toEqual(fromHex(vector.root_hex));
        expect(claimed, `byte ${at}`).not.toMatchObject({ ...place });
        expect(await refusal({ ...trust, receipt: changed })).toBe('RECEIPT_PLACE');
      }
    }
  });

  it('is refused wherever it is cut short, and with a byte after it', async () => {
    const { receipt } = trust;
    for (let size = 0; size < receipt.length; size += 1) {
      expect(await refusal({ ...trust, receipt: receipt.subarray(0, size) })).toBe(
        'RECEIPT_MALFORMED',
      );
    }
    const longer = Uint8Array.of(...receipt, 0xf6);
    expect(await refusal({ ...trust, receipt: longer })).toBe('RECEIPT_MALFORMED');
  });

  it('is refused for another entry', async () => {
    for (const entry of [new Uint8Array(0), fromHex(`${vector.entry_hex}00`)]) {
      expect(await refusal({ ...trust, leafHash: hashLeaf(entry) })).toBe('RECEIPT_SIGNATURE');
    }
    expect(await refusal({ ...trust, leafHash: trust.leafHash.subarray(1) })).toBe('PROOF_LENGTH');
  });

  it('is refused at another place', async () => {
    const { index, size } = vector;
    for (const place of [
      { index: index + 1, size },
      { index, size: size + 1 },
    ]) {
      expect(await refusal({ ...trust, place })).toBe('RECEIPT_PLACE');
    }
  });

  it('is refused for another key, of its algorithm and of the other', async () => {
    const pair =
      vector.alg === 'EdDSA'
        ? generateKeyPairSync('ed25519')
        : generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = { algorithm: ALGORITHMS[vector.alg], publicKey: spkiOf(pair.privateKey) };
    expect(await refusal({ ...trust, key })).toBe('RECEIPT_SIGNATURE');
    const other = KEYS[vector.alg === 'EdDSA' ? 'ES256' : 'EdDSA'];
    expect(await refusal({ ...trust, key: other })).toBe('RECEIPT_ALGORITHM');
  });
});

/** CBOR of what a test needs, and no more: it may be as wrong as the test wants. */
function head(major: number, length: number): Buffer {
  if (length < 24) return Buffer.of((major << 5) | length);
  if (length < 0x100) return Buffer.of((major << 5) | 24, length);
  return Buffer.of((major << 5) | 25, length >> 8, length & 0xff);
}

function bstr(bytes: Uint8Array | string): string {
  const content = typeof bytes === 'string' ? Buffer.from(bytes, 'hex') : bytes;
  return Buffer.concat([head(2, content.length), content]).toString('hex');
}

function array(...items: string[]): string {
  return head(4, items.length).toString('hex') + items.join('');
}

function map(...pairs: [string, string][]): string {
  return head(5, pairs.length).toString('hex') + pairs.flat().join('');
}

const ALG_EDDSA: [string, string] = ['01', '27'];
const VDS_RFC9162: [string, string] = ['19018b', '01'];
const PROTECTED = map(ALG_EDDSA, VDS_RFC9162);
// Ed25519, 32 bytes of 0x01: the key of the vectors.
const privateKey = createPrivateKey({
  key: fromHexBuffer(`302e020100300506032b657004220420${'01'.repeat(32)}`),
  format: 'der',
  type: 'pkcs8',
});

function fromHexBuffer(hex: string): Buffer {
  return Buffer.from(hex, 'hex');
}

const one = vectorOf('EdDSA', 1);
const seven = vectorOf('EdDSA', 7);

interface Parts {
  tag?: string;
  protectedHeader?: string;
  unprotected?: string;
  payload?: string;
  signature?: string;
  root?: string;
  more?: string[];
}

/** A receipt that the key of the vectors has really signed, however strange it is. */
function signed(parts: Parts = {}): Uint8Array {
  const { tag = 'd2', protectedHeader = PROTECTED, payload = 'f6', root = one.root_hex } = parts;
  const { unprotected = map(['19018c', inclusion(one.proof_cbor_hex)]), more = [] } = parts;
  const message = array(
    `6a${Buffer.from('Signature1').toString('hex')}`,
    bstr(protectedHeader),
    bstr(''),
    bstr(root),
  );
  const signature = bstr(
    parts.signature ?? new Uint8Array(sign(null, fromHex(message), privateKey)),
  );
  return fromHex(tag + array(bstr(protectedHeader), unprotected, payload, signature, ...more));
}

function inclusion(proof: string): string {
  return map(['20', array(bstr(proof))]);
}

function unprotectedOf(proof: string): string {
  return map(['19018c', inclusion(proof)]);
}

describe('a receipt that the log has signed', () => {
  const trust = trustOf(one);

  it('verifies with the two headers that it needs', async () => {
    const verified = await verifyCoseReceipt({ ...trust, receipt: signed() });
    expect(verified).toEqual({ root: fromHex(one.root_hex), index: 0, size: 1 });
  });

  it('verifies with a header of more than 255 bytes', async () => {
    const protectedHeader = map(ALG_EDDSA, VDS_RFC9162, ['04', bstr(new Uint8Array(300))]);
    const verified = await verifyCoseReceipt({ ...trust, receipt: signed({ protectedHeader }) });
    expect(verified.keyId).toHaveLength(300);
  });

  it.each([
    ['crit', ['02', array('19018b')]],
    ['a content type', ['03', '00']],
    ['an IV', ['05', bstr('00')]],
    ['proofs that belong in the other header', ['19018c', map()]],
    ['a header named by text', ['6161', '00']],
  ] as [string, [string, string]][])('is refused with %s', async (_why, pair) => {
    const protectedHeader = map(ALG_EDDSA, VDS_RFC9162, pair);
    expect(await refusal({ ...trust, receipt: signed({ protectedHeader }) })).toBe(
      'RECEIPT_HEADER',
    );
  });

  it.each([
    ['an expiry', map(['04', '1a7fffffff']), 'RECEIPT_HEADER'],
    ['a time before which it does not hold', map(['05', '1affffffff']), 'RECEIPT_HEADER'],
    ['an issuer that is no text', map(['01', '00']), 'RECEIPT_MALFORMED'],
    ['a subject that is null', map(['02', 'f6']), 'RECEIPT_MALFORMED'],
    ['claims that are no map', array(), 'RECEIPT_MALFORMED'],
  ])('is refused with %s', async (_why, claims, code) => {
    const protectedHeader = map(ALG_EDDSA, VDS_RFC9162, ['0f', claims]);
    expect(await refusal({ ...trust, receipt: signed({ protectedHeader }) })).toBe(code);
  });

  it.each([
    ['no algorithm', map(VDS_RFC9162), 'RECEIPT_ALGORITHM'],
    ['ES256 for an Ed25519 key', map(['01', '26'], VDS_RFC9162), 'RECEIPT_ALGORITHM'],
    ['ES384', map(['01', '3822'], VDS_RFC9162), 'RECEIPT_ALGORITHM'],
    ['an HMAC', map(['01', '05'], VDS_RFC9162), 'RECEIPT_ALGORITHM'],
    ['an algorithm by its name', map(['01', '654564445341'], VDS_RFC9162), 'RECEIPT_ALGORITHM'],
    ['no tree', map(ALG_EDDSA), 'RECEIPT_TREE'],
    ['the tree of CCF', map(ALG_EDDSA, ['19018b', '02']), 'RECEIPT_TREE'],
    ['a tree by its name', map(ALG_EDDSA, ['19018b', '6131']), 'RECEIPT_TREE'],
    ['a key name that is no bytes', map(ALG_EDDSA, VDS_RFC9162, ['04', '00']), 'RECEIPT_MALFORMED'],
    [
      'a header twice',
      `a3${ALG_EDDSA.join('').repeat(2)}${VDS_RFC9162.join('')}`,
      'RECEIPT_MALFORMED',
    ],
    ['a label in more bytes than it needs', map(['1801', '27'], VDS_RFC9162), 'RECEIPT_MALFORMED'],
    ['a byte after the header', `${PROTECTED}00`, 'RECEIPT_MALFORMED'],
    ['no header', '', 'RECEIPT_MALFORMED'],
    ['a header that is no map', array(), 'RECEIPT_MALFORMED'],
  ])('is refused with %s', async (_why, protectedHeader, code) => {
    expect(await refusal({ ...trust, receipt: signed({ protectedHeader }) })).toBe(code);
  });

  const proof = one.proof_cbor_hex;
  it.each([
    ['an empty header', map(), 'RECEIPT_MALFORMED'],
    [
      'another header beside the proof',
      map(['19018c', inclusion(proof)], ['04', bstr('00')]),
      'RECEIPT_HEADER',
    ],
    [
      'an algorithm that nobody has signed',
      map(['01', '27'], ['19018c', inclusion(proof)]),
      'RECEIPT_HEADER',
    ],
    [
      'a proof of consistency only',
      map(['19018c', map(['21', array(bstr(proof))])]),
      'RECEIPT_HEADER',
    ],
    [
      'a proof of consistency too',
      map(['19018c', map(['20', array(bstr(proof))], ['21', array(bstr(proof))])]),
      'RECEIPT_HEADER',
    ],
    ['no proof', map(['19018c', map(['20', array()])]), 'RECEIPT_MALFORMED'],
    [
      'two proofs',
      map(['19018c', map(['20', array(bstr(proof), bstr(proof))])]),
      'RECEIPT_MALFORMED',
    ],
    [
      'a proof that is not wrapped in bytes',
      map(['19018c', map(['20', array(proof)])]),
      'RECEIPT_MALFORMED',
    ],
    ['a byte after the proof', unprotectedOf(`${proof}00`), 'RECEIPT_MALFORMED'],
    ['a proof of two members', unprotectedOf('820100'), 'RECEIPT_MALFORMED'],
    ['a proof of four members', unprotectedOf('8401008000'), 'RECEIPT_MALFORMED'],
    ['a size in more bytes than it needs', unprotectedOf('831801' + '0080'), 'RECEIPT_MALFORMED'],
    ['a path of indefinite length', unprotectedOf('8301009fff'), 'RECEIPT_MALFORMED'],
    ['a path that is no array', unprotectedOf('830100f6'), 'RECEIPT_MALFORMED'],
    ['a size that is no number', unprotectedOf('83413100' + '80'), 'RECEIPT_MALFORMED'],
    ['an index that is no number', unprotectedOf('8301413080'), 'RECEIPT_MALFORMED'],
    [
      'a hash of 31 bytes',
      unprotectedOf(array('02', '00', array(bstr(new Uint8Array(31))))),
      'RECEIPT_MALFORMED',
    ],
    [
      '64 hashes',
      unprotectedOf(array('02', '00', array(...Array<string>(64).fill(bstr(new Uint8Array(32)))))),
      'RECEIPT_MALFORMED',
    ],
    ['an index that is not below the size', unprotectedOf('83010180'), 'PROOF_INDEX'],
    ['a size of 0', unprotectedOf('83000080'), 'PROOF_INDEX'],
    ['an index below zero', unprotectedOf('83012080'), 'PROOF_INDEX'],
    [
      'a surplus hash',
      unprotectedOf(array('01', '00', array(bstr(new Uint8Array(32))))),
      'PROOF_LENGTH',
    ],
    ['a hash missing', unprotectedOf('83020080'), 'PROOF_LENGTH'],
  ])('is refused with %s', async (_why, unprotected, code) => {
    const { place, ...anywhere } = trust;
    expect(place).toBeDefined();
    expect(await refusal({ ...anywhere, receipt: signed({ unprotected }) })).toBe(code);
  });

  it.each([
    ['no tag', { tag: '' }],
    ['the tag of COSE_Mac0', { tag: 'd1' }],
    ['the tag in more bytes than it needs', { tag: 'd812' }],
    ['the tag twice', { tag: 'd2d2' }],
    ['the root as its payload', { payload: bstr(one.root_hex) }],
    ['an empty payload', { payload: bstr('') }],
    ['false as its payload', { payload: 'f4' }],
    ['a fifth member', { more: ['f6'] }],
    ['a signature of 63 bytes', { signature: '00'.repeat(63) }],
    ['a signature of 65 bytes', { signature: '00'.repeat(65) }],
    ['above 65,535 bytes', { protectedHeader: map(['04', bstr(new Uint8Array(65_500))]) }],
  ])('is refused with %s', async (_why, parts) => {
    expect(await refusal({ ...trust, receipt: signed(parts) })).toBe('RECEIPT_MALFORMED');
  });

  it('is refused when it has signed another root', async () => {
    const receipt = signed({ root: seven.root_hex });
    expect(await refusal({ ...trust, receipt })).toBe('RECEIPT_SIGNATURE');
  });

  it('is passed on when nobody can decide', async () => {
    const broken = (): never => {
      throw new RangeError('no verifier');
    };
    await expect(verifyCoseReceipt({ ...trust, verifySignature: broken })).rejects.toThrow(
      RangeError,
    );
  });
});

describe('index and size', () => {
  const { place, ...anywhere } = trustOf(seven);
  const moved = (index: number, size: number): Uint8Array =>
    fromHex(seven.receipt_hex.replace('83' + '0704', Buffer.of(0x83, size, index).toString('hex')));

  it('are refused where the path has another shape', async () => {
    for (const [index, size] of [
      [5, 7],
      [3, 7],
      [6, 7],
      [4, 6],
      [4, 5],
      [4, 9],
    ] as const) {
      expect(await refusal({ ...anywhere, receipt: moved(index, size) })).toBeDefined();
    }
  });

  // The root does not commit to the size of its tree: leaf 4 has the same path in trees of 7 and of 8.
  it('are no evidence where the path has the same shape, unless the caller knows them', async () => {
    const receipt = moved(4, 8);
    const verified = await verifyCoseReceipt({ ...anywhere, receipt });
    expect(verified).toMatchObject({ size: 8, root: fromHex(seven.root_hex) });
    expect(await refusal({ ...anywhere, receipt, ...(place && { place }) })).toBe('RECEIPT_PLACE');
  });
});

describe('signatures of ES256', () => {
  it('reach the check in the one DER form that each has', async () => {
    const vector = vectorOf('ES256', 1);
    const raws = ['00'.repeat(64), 'ff'.repeat(64), `${'00'.repeat(31)}80${'00'.repeat(31)}7f`];
    const seen: string[] = [];
    for (const raw of raws) {
      const receipt = fromHex(vector.receipt_hex.replace(vector.signature_hex, raw));
      const code = await refusal({
        ...trustOf(vector),
        receipt,
        verifySignature: (check) => {
          seen.push(Buffer.from(check.signature).toString('hex'));
          return verifySignature(check);
        },
      });
      expect(code).toBe('RECEIPT_SIGNATURE');
    }
    expect(seen).toEqual([
      '3006020100020100',
      `3046022100${'ff'.repeat(32)}022100${'ff'.repeat(32)}`,
      '30070202008002017f',
    ]);
  });
});
