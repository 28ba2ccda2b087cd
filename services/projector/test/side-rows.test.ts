import { utf8 } from '@countersign/canonical';
import { encodeContent, encodeQuarantined, type Content } from '@countersign/wire';
import { describe, expect, it } from 'vitest';
import { sideRows } from '../src/side-rows.ts';

const DIGEST = `sha256:${'ab'.repeat(32)}`;
const NUL = String.fromCharCode(0);
const LONG = 'x'.repeat(257);

const ACTION: Content = {
  tenant: 'acme',
  actionId: '01ARZ3NDEKTSV4RRFFQ69G5FAV',
  kind: 'ACTION',
  digest: DIGEST,
  body: utf8('{"v":"an action"}'),
};

function rationale(body: object): Content {
  return { ...ACTION, kind: 'RATIONALE', body: utf8(JSON.stringify(body)) };
}

function rowsOf(content: Content): readonly unknown[] {
  const value = encodeContent(content);
  return sideRows('content', { key: 'k', value, offset: 0, appendTimeMs: 0 });
}

function quarantined(inputDigest: string, reason: string): readonly unknown[] {
  const value = encodeQuarantined({ kind: 'DecisionMade', reason, inputDigest, sizeBytes: 1 });
  return sideRows('quarantine', { key: 'k', value, offset: 0, appendTimeMs: 0 });
}

describe('rows of the content topic', () => {
  it('are what a ledger writes there', () => {
    expect(rowsOf(ACTION)).toMatchObject([{ row: { kind: 'action', salt: null } }]);
    expect(rowsOf(rationale({ salt: 's', value: 'why' }))).toMatchObject([
      { row: { kind: 'rationale', text: 'why', salt: 's' } },
    ]);
  });

  it.each<[string, Content]>([
    ['a digest that is none', { ...ACTION, digest: 'sha256:ab' }],
    ['a digest with capitals', { ...ACTION, digest: DIGEST.toUpperCase() }],
    ['a long tenant', { ...ACTION, tenant: LONG }],
    ['a tenant with a NUL', { ...ACTION, tenant: `a${NUL}` }],
    ['a long id', { ...ACTION, actionId: LONG }],
    ['an id with a NUL', { ...ACTION, actionId: `a${NUL}` }],
    ['a NUL in an action', { ...ACTION, body: utf8(`a${NUL}b`) }],
    ['a NUL in a rationale', rationale({ salt: 's', value: NUL })],
    ['a NUL in a salt', rationale({ salt: NUL, value: 'why' })],
    ['a long salt', rationale({ salt: LONG, value: 'why' })],
    ['a rationale that is no JSON', { ...ACTION, kind: 'RATIONALE', body: utf8('why') }],
    ['an action that is no text', { ...ACTION, body: new Uint8Array([0xff]) }],
  ])('are none for %s', (_, content) => {
    expect(rowsOf(content)).toEqual([]);
  });
});

describe('rows of the quarantine topic', () => {
  it('are what a ledger writes there', () => {
    expect(quarantined(DIGEST, 'SCHEMA_INVALID')).toEqual([
      { change: 'quarantined', digest: DIGEST, code: 'SCHEMA_INVALID' },
    ]);
    expect(quarantined(DIGEST, 'REPEATED/7')).toEqual([
      { change: 'input', digest: DIGEST, index: 7 },
    ]);
  });

  it.each([
    ['a digest that is none', 'abc', 'SCHEMA_INVALID'],
    ['a repeated input whose digest is none', 'abc', 'REPEATED/7'],
    ['a long code', DIGEST, LONG],
    ['a code with a NUL', DIGEST, `A${NUL}`],
  ])('are none for %s', (_, digest, reason) => {
    expect(quarantined(digest, reason)).toEqual([]);
  });

  it('are none for bytes that are no record, and for a tombstone', () => {
    const at = { key: 'k', offset: 0, appendTimeMs: 0 };
    expect(sideRows('quarantine', { ...at, value: utf8('rubbish') })).toEqual([]);
    expect(sideRows('content', { ...at, value: null })).toEqual([]);
  });
});
