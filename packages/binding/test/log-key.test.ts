import { generateKeyPairSync } from 'node:crypto';
import { utf8 } from '@countersign/canonical';
import { formatVerifierKey, parseVerifierKey } from '@countersign/tlog';
import { describe, expect, it } from 'vitest';
import { encodeEntry, boundChangeIn } from '../src/index.ts';
import { ORIGIN } from './test-documents.ts';
import { TestLedger } from './test-ledger.ts';

function newVkey(name: string = ORIGIN): string {
  const { publicKey } = generateKeyPairSync('ed25519');
  const spki = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }));
  return formatVerifierKey({ name, algorithm: 'ed25519', publicKey: spki });
}

function idOf(vkey: string): string {
  return parseVerifierKey(vkey).keyIdHex;
}

function keysOf(ledger: TestLedger): readonly string[] {
  return ledger.state.authority.ofKind('log-key').map(({ id }) => id);
}

async function refusal(ledger: TestLedger, change: Record<string, string>): Promise<unknown> {
  const frame = ledger.requestFrame(ledger.changeEnvelope(change));
  const outcome = await ledger.submit('request', frame);
  return outcome.status === 'refused' ? outcome.code : outcome;
}

describe('a key of the log', () => {
  it('is added by persons, and another one removed', async () => {
    const ledger = new TestLedger();
    const [founding = ''] = keysOf(ledger);
    const vkey = newVkey();
    await ledger.change({ kind: 'log-key-added', vkey });
    expect(new Set(keysOf(ledger))).toEqual(new Set([founding, idOf(vkey)]));
    await ledger.change({ kind: 'log-key-removed', id: founding });
    expect(keysOf(ledger)).toEqual([idOf(vkey)]);
  });

  it('is refused when it is of another log, or none', async () => {
    const ledger = new TestLedger();
    for (const vkey of [newVkey('another.log'), 'rubbish', `${newVkey()}=`]) {
      expect(await refusal(ledger, { kind: 'log-key-added', vkey })).toBe('SCHEMA_INVALID');
    }
  });

  it('is refused when it is one already, or was one', async () => {
    const ledger = new TestLedger();
    const founding = ledger.state.authority.ofKind('log-key')[0]?.vkey ?? '';
    const again = { kind: 'log-key-added', vkey: founding };
    expect(await refusal(ledger, again)).toBe('MEMBER_EXISTS');
    await ledger.change({ kind: 'log-key-added', vkey: newVkey() });
    await ledger.change({ kind: 'log-key-removed', id: idOf(founding) });
    expect(await refusal(ledger, again)).toBe('MEMBER_EXISTS');
  });

  it('is one of four at most', async () => {
    const ledger = new TestLedger();
    while (keysOf(ledger).length < 4) {
      await ledger.change({ kind: 'log-key-added', vkey: newVkey() });
    }
    const fifth = { kind: 'log-key-added', vkey: newVkey() };
    expect(await refusal(ledger, fifth)).toBe('LIMIT_EXCEEDED');
  });

  it('is not removed when it is the last one, or unknown', async () => {
    const ledger = new TestLedger();
    const [id = ''] = keysOf(ledger);
    expect(await refusal(ledger, { kind: 'log-key-removed', id })).toBe('WOULD_LOCK_OUT');
    expect(await refusal(ledger, { kind: 'log-key-removed', id: '00000000' })).toBe(
      'MEMBER_UNKNOWN',
    );
  });

  it('is not removed by two changes that were both possible when they were asked for', async () => {
    const ledger = new TestLedger();
    const [founding = ''] = keysOf(ledger);
    const vkey = newVkey();
    await ledger.change({ kind: 'log-key-added', vkey });
    const first = ledger.changeEnvelope({ kind: 'log-key-removed', id: founding });
    const second = ledger.changeEnvelope({ kind: 'log-key-removed', id: idOf(vkey) });
    const asked = [await ledger.request(first), await ledger.request(second)];
    const outcomes = [];
    for (const each of asked) outcomes.push(await ledger.decide(ledger.alice, each));
    expect(outcomes).toMatchObject([
      { status: 'accepted' },
      { status: 'refused', code: 'AUTHORITY_STALE' },
    ]);
    expect(keysOf(ledger)).toEqual([idOf(vkey)]);
  });
});

describe('boundChangeIn', () => {
  it('tells what an entry changes, and that all others change nothing', async () => {
    const ledger = new TestLedger();
    const vkey = newVkey();
    await ledger.change({ kind: 'log-key-added', vkey });
    const { entry } = ledger.last('authority-changed');
    expect(boundChangeIn(encodeEntry(entry))).toEqual({ kind: 'log-key-added', vkey });
    expect(boundChangeIn(encodeEntry(ledger.founding()))).toBeUndefined();
    expect(boundChangeIn(encodeEntry(ledger.last('binding-made').entry))).toBeUndefined();
  });

  it('takes no other bytes for one', async () => {
    const ledger = new TestLedger();
    await ledger.change({ kind: 'log-key-added', vkey: newVkey() });
    const { entry } = ledger.last('authority-changed');
    const text = new TextDecoder().decode(encodeEntry(entry));
    for (const other of [
      '"type":"authority-changed","v":"countersign.entry.v1"}',
      '{"type":"authority-changed","v":"countersign.entry.v1"}',
      ` ${text}`,
      text.replace('log-key-added', 'log-key-addes'),
      text.replace('\\"params\\"', '\\"param\\"'),
      `${text}\n`,
      '',
    ]) {
      expect(boundChangeIn(utf8(other))).toBeUndefined();
    }
  });
});
