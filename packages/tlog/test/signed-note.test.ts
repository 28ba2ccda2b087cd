import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseNote, parseVerifierKey, signNote, verifyNote } from '../src/index.ts';
import { ed25519Key, signerOf, verifySignature } from './node-keys.ts';
import { refusalOf, refusalOfAsync } from './refusal.ts';
import { checkpoints, fromBase64, notes, toBase64 } from './vectors.ts';

const own = parseVerifierKey(notes.keys.ed25519.vkey);
const ownEcdsa = parseVerifierKey(notes.keys.ecdsa_p256.vkey);
const witness = parseVerifierKey(notes.keys.cosigner_ed25519.vkey);
const known = [own, ownEcdsa];
const mustRefuse = notes.cases.filter(({ ok }) => !ok);
const signer = signerOf(own.name, ed25519Key(1));
const line = parseLine(notes.signed_by_both);

function parseLine(note: string): string {
  const found = note.split('\n').find((text) => text.startsWith('\u2014 '));
  return `${found ?? ''}\n`;
}

function lineOf(name: string, bytes: Uint8Array): string {
  return `\u2014 ${name} ${toBase64(bytes)}\n`;
}

describe('opening a note', () => {
  it.each(notes.cases.filter(({ ok }) => ok))('accepts: $why', async (vector) => {
    const opened = await verifyNote(vector.note, known, verifySignature);
    expect(opened.verified).toHaveLength(vector.verified ?? -1);
    expect(opened.unverified).toHaveLength(vector.unverified ?? -1);
    expect(vector.note.startsWith(`${opened.text}\n\u2014`)).toBe(true);
  });

  it.each(mustRefuse)('refuses: $why', async (vector) => {
    const code = await refusalOfAsync(() => verifyNote(vector.note, known, verifySignature));
    expect(code).toBe(expectedCode(vector.why));
  });

  it('takes bytes as it takes text', async () => {
    const bytes = new Uint8Array(Buffer.from(notes.signed_by_both));
    const opened = await verifyNote(bytes, known, verifySignature);
    expect(opened).toEqual(await verifyNote(notes.signed_by_both, known, verifySignature));
    expect(opened.verified.map(({ verifier }) => verifier.type)).toEqual([1, 2]);
    expect(opened.verified.map(({ signature }) => toBase64(signature))).toEqual([
      notes.ed25519_signature,
      notes.ecdsa_signature,
    ]);
  });

  it('refuses when any one bit is changed', async () => {
    const bytes = new Uint8Array(Buffer.from(`hello\n\n${line}`));
    const signed = new Uint8Array(Buffer.from(await signNote('hello\n', [signer])));
    expect(bytes).toHaveLength(signed.length);
    for (let bit = 0; bit < signed.length * 8; bit += 1) {
      const changed = signed.slice();
      const position = Math.floor(bit / 8);
      changed[position] = (changed[position] ?? 0) ^ (1 << (bit % 8));
      const code = await refusalOfAsync(() => verifyNote(changed, known, verifySignature));
      expect(code, `bit ${bit}`).toMatch(/^NOTE_(MALFORMED|SIGNATURE|UNSIGNED)$/);
    }
  });

  it('tells the time of a cosignature', async () => {
    const { checkpoint, body } = checkpoints.cosigned;
    const opened = await verifyNote(checkpoint, [witness], verifySignature);
    expect(opened.text).toBe(body);
    expect(opened.verified.map(({ name, time }) => [name, time])).toEqual([
      [witness.name, checkpoints.timestamp],
    ]);
    expect(opened.unverified).toHaveLength(2);
    const byLog = await verifyNote(checkpoint, [own], verifySignature);
    expect(byLog.verified[0]).not.toHaveProperty('time');
  });

  it('refuses a cosignature with another time', async () => {
    const { checkpoint } = checkpoints.cosigned;
    const { text, signatures } = parseNote(checkpoint);
    const cosigned = signatures.find(({ name }) => name === witness.name);
    for (const position of [0, 7]) {
      const bytes = Uint8Array.from([...witness.keyId, ...(cosigned?.signature ?? [])]);
      bytes[4 + position] = 0xfe;
      const note = `${text}\n${lineOf(witness.name, bytes)}`;
      expect(await refusalOfAsync(() => verifyNote(note, [witness], verifySignature))).toBe(
        'NOTE_SIGNATURE',
      );
    }
  });

  it('does not take a cosignature for a plain signature, nor the other way', async () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    const plain = parseVerifierKey(signerOf(witness.name, privateKey).vkey);
    const message = Buffer.from('hello\n');
    const signature = sign(
      null,
      message,
      createPrivateKey(privateKey.export({ format: 'pem', type: 'pkcs8' })),
    );
    const timed = Uint8Array.from([...plain.keyId, ...new Uint8Array(8), ...signature]);
    const bare = Uint8Array.from([...witness.keyId, ...signature]);
    const verifiers = [plain, witness];
    for (const bytes of [timed, bare]) {
      const note = `hello\n\n${lineOf(witness.name, bytes)}`;
      expect(await refusalOfAsync(() => verifyNote(note, verifiers, verifySignature))).toBe(
        'NOTE_SIGNATURE',
      );
    }
  });

  it('skips an ML-DSA cosignature as one of an unknown key', async () => {
    const note = checkpoints.cosigned.checkpoint_with_mldsa44;
    const opened = await verifyNote(note, [...known, witness], verifySignature);
    expect(opened.verified).toHaveLength(3);
    expect(opened.unverified.map(({ name }) => name)).toEqual([notes.keys.cosigner_mldsa44.name]);
  });

  it('does not open for no keys, or for a key of another name', async () => {
    const note = notes.signed_by_both;
    const other = parseVerifierKey(signerOf('other.example/log', ed25519Key(1)).vkey);
    for (const verifiers of [[], [other]]) {
      expect(await refusalOfAsync(() => verifyNote(note, verifiers, verifySignature))).toBe(
        'NOTE_UNSIGNED',
      );
    }
  });

  it('cannot tell two keys of one name and key id apart, but takes one key twice', async () => {
    const twin = { ...own, vkey: `${own.vkey}=`, publicKey: witness.publicKey };
    const note = notes.signed_by_both;
    expect(await refusalOfAsync(() => verifyNote(note, [own, twin], verifySignature))).toBe(
      'VKEY_FORMAT',
    );
    const opened = await verifyNote(note, [own, own], verifySignature);
    expect(opened.verified).toHaveLength(1);
  });

  it('reads the first of several signatures by one key', async () => {
    const bad = lineOf(own.name, Uint8Array.from([...own.keyId, ...new Uint8Array(64)]));
    const note = await signNote('hello\n', [signer]);
    const opened = await verifyNote(note + bad, known, verifySignature);
    expect(opened.verified).toHaveLength(1);
    const reversed = `hello\n\n${bad}${note.slice('hello\n\n'.length)}`;
    expect(await refusalOfAsync(() => verifyNote(reversed, known, verifySignature))).toBe(
      'NOTE_SIGNATURE',
    );
  });

  it('lists each different signature of an unknown key', async () => {
    const note = await signNote('hello\n', [signer]);
    const unknown = [1, 2, 2].map((last) => lineOf('x.example', Uint8Array.of(9, 9, 9, 9, last)));
    const opened = await verifyNote(note + unknown.join(''), known, verifySignature);
    expect(opened.unverified.map(({ signature }) => [...signature])).toEqual([[1], [2]]);
  });

  it.each([
    ['an Ed25519 signature of 63 bytes', own, new Uint8Array(63)],
    ['an Ed25519 signature of 65 bytes', own, new Uint8Array(65)],
    ['an ECDSA signature of 73 bytes', ownEcdsa, new Uint8Array(73)],
    ['a cosignature of 71 bytes', witness, new Uint8Array(71)],
    ['a cosignature of a time above 2^53-1', witness, new Uint8Array(72).fill(0x20, 1, 2)],
  ])('refuses %s without asking the verifier', async (_why, verifier, bytes) => {
    const note = `hello\n\n${lineOf(verifier.name, Uint8Array.from([...verifier.keyId, ...bytes]))}`;
    expect(await refusalOfAsync(() => verifyNote(note, [verifier], () => true))).toBe(
      'NOTE_SIGNATURE',
    );
  });

  it('lets the failure of a verifier that cannot decide through', async () => {
    const outage = new Error('no crypto here');
    const broken = (): boolean => {
      throw outage;
    };
    await expect(verifyNote(notes.signed_by_both, known, broken)).rejects.toBe(outage);
  });
});

describe('parsing a note', () => {
  it('splits at the last blank line', () => {
    const inner = `first\n\n${line}`;
    const parsed = parseNote(`${inner}\n${line}`);
    expect(parsed.text).toBe(inner);
    expect(parsed.signatures).toHaveLength(1);
  });

  it('takes 100 signatures, and refuses 101', () => {
    expect(parseNote(`hello\n\n${line.repeat(100)}`).signatures).toHaveLength(100);
    expect(refusalOf(() => parseNote(`hello\n\n${line.repeat(101)}`))).toBe('NOTE_MALFORMED');
  });

  const good = `hello\n\n${line}`;
  const signature = line.split(' ')[2] ?? '';
  it.each([
    ['empty', ''],
    ['a text only', 'hello\n'],
    ['a blank line only', '\n\n'],
    ['a name with an ideographic space', good.replace(own.name, 'a\u3000b')],
    ['a name with a plus', good.replace(own.name, 'a+b')],
    ['no name', good.replace(own.name, '')],
    ['two spaces', good.replace(`${own.name} `, `${own.name}  `)],
    ['no signature', good.replace(` ${signature}`, '\n')],
    ['base64 with no padding', good.replace(signature, 'AAAAAAA\n')],
    ['base64 with stray bits', good.replace(signature, 'AAAAAAB=\n')],
    ['base64 of the URL alphabet', good.replace(signature, 'AAAA_-AA\n')],
    ['padding in the middle', good.replace(signature, 'AA==AAAAAAAA\n')],
    ['a tab', good.replace('hello', 'hel\tlo')],
    ['a null character', good.replace('hello', 'hel\u0000lo')],
    ['a lone surrogate', good.replace('hello', 'hel\ud800lo')],
    ['too long', `${'x'.repeat(1_000_000)}\n\n${line}`],
    ['a signature line with more after it', good.replace(signature, `${signature.trim()} x\n`)],
  ])('refuses: %s', (_why, note) => {
    expect(refusalOf(() => parseNote(good))).toBeUndefined();
    expect(refusalOf(() => parseNote(note))).toBe('NOTE_MALFORMED');
  });

  it.each([
    ['a byte that is none', [0xff]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['above the last character', [0xf4, 0x90, 0x80, 0x80]],
    ['a character cut short', [0xe2, 0x80]],
  ])('refuses UTF-8 with %s', (_why, bytes) => {
    const noteOf = (inner: number[]): Uint8Array =>
      Uint8Array.from([...inner, ...Buffer.from(good)]);
    expect(parseNote(noteOf([0xe2, 0x80, 0x94])).text).toBe('\u2014hello\n');
    expect(refusalOf(() => parseNote(noteOf(bytes)))).toBe('NOTE_MALFORMED');
  });
});

describe('signing a note', () => {
  it('gives the note of the vector', async () => {
    const note = await signNote(notes.text, [signer]);
    expect(note).toBe(`${notes.text}\n${line}`);
  });

  it('opens again whatever the text, with Ed25519 and ECDSA', async () => {
    const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const signers = [signer, signerOf('other.example/log', p256)];
    const verifiers = signers.map(({ vkey }) => parseVerifierKey(vkey));
    const text = fc.string({ unit: 'grapheme' }).filter((inner) => !/\p{Cc}/u.test(inner));
    await fc.assert(
      fc.asyncProperty(fc.array(text, { maxLength: 5 }), async (lines) => {
        const body = `${lines.join('\n')}\n`;
        const opened = await verifyNote(await signNote(body, signers), verifiers, verifySignature);
        expect(opened.text).toBe(body);
        expect(opened.verified).toHaveLength(2);
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    ['no newline at the end', 'hello'],
    ['a carriage return', 'hello\r\n'],
    ['a lone surrogate', 'hel\udc00lo\n'],
    ['nothing', ''],
  ])('refuses a text with %s', async (_why, text) => {
    expect(await refusalOfAsync(() => signNote(text, [signer]))).toBe('NOTE_MALFORMED');
  });

  it('refuses signers that it could not write down', async () => {
    const refusal = (changes: Partial<typeof signer>): Promise<string | undefined> =>
      refusalOfAsync(() => signNote('hello\n', [{ ...signer, ...changes }]));
    expect(await refusalOfAsync(() => signNote('hello\n', []))).toBe('NOTE_UNSIGNED');
    expect(await refusal({ name: 'other.example/log' })).toBe('VKEY_FORMAT');
    expect(await refusal({ name: witness.name, vkey: witness.vkey })).toBe('VKEY_FORMAT');
    const sixty = fromBase64(notes.ed25519_signature).subarray(4);
    expect(await refusal({ sign: () => Promise.resolve(sixty) })).toBe('NOTE_SIGNATURE');
  });
});

function expectedCode(why: string): string {
  if (why === 'only unknown signatures') return 'NOTE_UNSIGNED';
  return /does not verify|bad signature|text changed/.test(why)
    ? 'NOTE_SIGNATURE'
    : 'NOTE_MALFORMED';
}
