import type { Display, DisplayLine } from '@countersign/descriptors';
import { describe, expect, it } from 'vitest';
import { headlineOf, worstCase } from '@countersign/console';

function displayOf(type: string, lines: readonly [label: string, value: string][]): Display {
  return {
    v: 'countersign.display.v1',
    nonce: '',
    type,
    title: '',
    lines: [['Action', type] as const, ...lines].map(([label, value]): DisplayLine => ({
      label,
      value,
    })),
    warnings: [],
    claims: [{ label: 'Purpose', value: 'only a claim' }],
    not_covered: [],
  };
}

function texts(type: string, lines: readonly [label: string, value: string][]): string[] {
  return headlineOf(displayOf(type, lines)).map(({ text, more }) =>
    more === 0 ? text : `${text}|${more}`,
  );
}

describe('the headline of a request', () => {
  it('is the whole command, and where it runs', () => {
    const lines: [string, string][] = [
      ['Program', '/usr/bin/svc'],
      ['Digest of the program', 'sha256:11'],
      ['Argument 1', '"restart"'],
      ['Argument 2', '"billing"'],
      ['Working directory', '/srv'],
    ];
    expect(texts('generic.command', lines)).toEqual([
      '/usr/bin/svc "restart" "billing"',
      'in /srv',
    ]);
  });

  it('tells two changes of one policy apart, and how many grants it leaves out', () => {
    const target: [string, string] = ['Target', 'arn:aws:iam::1:policy/deploy'];
    expect(
      texts('iam.policy.change', [target, ['New', 'Allow a'], ['Removed', 'Allow b']]),
    ).toEqual([target[1], 'New: Allow a', 'Removed: Allow b']);
    expect(texts('iam.policy.change', [target, ['New', 'Allow a'], ['New', 'Allow b']])).toEqual([
      target[1],
      'New (1 of 2): Allow a',
    ]);
    expect(texts('iam.policy.change', [target, ['What changes', 'the text only']])).toEqual([
      target[1],
      'the text only',
    ]);
  });

  it('A13: begins with what a grant can come to', () => {
    const lines: [string, string][] = [
      ['Pay', 'up to 3 payments of 0.01 to 500.00 EUR to Nordlicht GmbH until 2026-12-01'],
      ['In all at most', '1 500.00 EUR (Euro)'],
      ['Who chooses', 'the executor'],
      ['Account of the payee', 'AT61 1904 3002 3457 3201 (Austria)'],
    ];
    expect(texts('payment.grant', lines)).toEqual([
      'In all at most: 1 500.00 EUR (Euro)',
      `Pay: ${lines[0]?.[1] ?? ''}`,
      'Account of the payee: AT61 1904 3002 3457 3201 (Austria)',
    ]);
  });

  it('names the change of an authority, and whom it is about', () => {
    const lines: [string, string][] = [
      ['Change', 'revoke an agent'],
      ['Id to revoke', 'deployer'],
      ['Tenant', 'acme'],
    ];
    expect(texts('authority.change', lines)).toEqual(['revoke an agent', 'deployer']);
  });

  it('is the first lines of a type that is not known here', () => {
    expect(texts('ext.payment', [['Amount', '1.00 EUR']])).toEqual(['Amount: 1.00 EUR']);
  });

  it('counts what it cuts, in characters as people count them', () => {
    const [cut] = texts('generic.command', [['Program', '𝒳'.repeat(200)]]);
    expect(cut).toBe(`${'𝒳'.repeat(160)}|40`);
  });
});

describe('the worst that an approval comes to', () => {
  it('A13: is said of a grant, and of nothing that is shown whole', () => {
    const lines: [string, string][] = [['In all at most', '1 500.00 EUR (Euro)']];
    expect(worstCase(displayOf('payment.grant', lines))).toBe(
      'At worst this one approval pays out 1 500.00 EUR (Euro). Nobody is asked again before a payment.',
    );
    expect(worstCase(displayOf('payment.transfer', lines))).toBeUndefined();
  });
});
