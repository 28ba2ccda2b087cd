import { generateKeyPairSync } from 'node:crypto';
import { formatVerifierKey } from '@countersign/tlog';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  comparePin,
  pinLedger,
  pinTrustFile,
  type LedgerFacts,
  type PinStore,
} from '@countersign/console';

const ORIGIN = 'countersign.test/1/0';

function logKey(): string {
  const { publicKey } = generateKeyPairSync('ed25519');
  return formatVerifierKey({
    name: ORIGIN,
    algorithm: 'ed25519',
    publicKey: publicKey.export({ format: 'der', type: 'spki' }),
  });
}

class MemoryStore implements PinStore {
  readonly items = new Map<string, string>();

  getItem(name: string): string | null {
    return this.items.get(name) ?? null;
  }

  setItem(name: string, value: string): void {
    this.items.set(name, value);
  }
}

const ledger: LedgerFacts = {
  origin: ORIGIN,
  tenant: 'acme',
  demo: false,
  genesis: `sha256:${'ab'.repeat(32)}`,
  logKeys: [logKey()],
};

function trustFile(facts: LedgerFacts): string {
  return JSON.stringify({
    v: 'countersign.trust.v1',
    origin: facts.origin,
    log_keys: facts.logKeys,
    genesis: facts.genesis,
    accept: { proof_classes: ['uv'], separation: ['full'], demo: false },
  });
}

describe('the ledger that a browser knows', () => {
  let store: MemoryStore;

  beforeEach(() => {
    store = new MemoryStore();
  });

  it('is believed once, and is the same afterwards', () => {
    expect(comparePin(store, ledger).kind).toBe('first');
    const again = comparePin(store, ledger);
    expect(again.kind).toBe('same');
    expect(again.pin.trust.genesis).toBe(ledger.genesis);
  });

  it.each([
    ['genesis', { genesis: `sha256:${'cd'.repeat(32)}` }],
    ['log-keys', { logKeys: [logKey()] }],
    ['origin', { origin: 'countersign.test/2/0' }],
  ] as const)('raises an alarm over another %s', (what, change) => {
    pinLedger(store, ledger);
    const before = store.getItem('countersign.trust.v1');
    const compared = comparePin(store, { ...ledger, ...change });
    expect(compared).toMatchObject({ kind: 'changed', what: [what] });
    expect(store.getItem('countersign.trust.v1')).toBe(before);
  });

  it('goes on with the pinned keys when the server names more', () => {
    pinLedger(store, ledger);
    const compared = comparePin(store, { ...ledger, logKeys: [...ledger.logKeys, logKey()] });
    expect(compared.kind).toBe('same');
    expect(compared.pin.logKeys).toEqual(ledger.logKeys);
  });

  it('does not take a pin that it cannot read for a first visit', () => {
    store.setItem('countersign.trust.v1', '{}');
    expect(() => comparePin(store, ledger)).toThrow(
      expect.objectContaining({ code: 'GENESIS_MISMATCH' }),
    );
  });

  it('refuses a ledger without a key, and pins nothing', () => {
    expect(() => comparePin(store, { ...ledger, logKeys: [] })).toThrow(
      expect.objectContaining({ code: 'ANSWER_FORMAT' }),
    );
    expect(store.items.size).toBe(0);
  });

  it('is exchanged by the trust file of the new one alone', () => {
    pinLedger(store, ledger);
    const anew = { ...ledger, genesis: `sha256:${'ef'.repeat(32)}`, logKeys: [logKey()] };
    for (const file of [
      '',
      '{}',
      '\ud800',
      trustFile(ledger),
      trustFile({ ...anew, logKeys: [logKey()] }),
    ]) {
      expect(() => pinTrustFile(store, file, anew)).toThrow(
        expect.objectContaining({ code: 'GENESIS_MISMATCH' }),
      );
    }
    expect(comparePin(store, anew).kind).toBe('changed');
    pinTrustFile(store, trustFile(anew), anew);
    expect(comparePin(store, anew).kind).toBe('same');
  });
});
