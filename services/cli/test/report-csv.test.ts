import { describe, expect, it } from 'vitest';
import { parsedCsv } from '../../../test/integration/parsed-csv.ts';
import { html } from '../src/html.ts';
import { csvHeader, csvRow } from '../src/report-csv.ts';
import type { ReportRow } from '../src/report-row.ts';

const LEAF = `sha256:${'ab'.repeat(32)}` as const;

function rowSaying(why: string): ReportRow {
  return {
    action: {
      actionId: '01KAR5RWY00000000000000001',
      actionType: 'generic.command/1',
      actionDigest: LEAF,
      agent: 'deployer',
      owner: 'prs_01KAR5RWY00000000000000002',
      executor: 'build-1',
      askedAt: '2026-11-23T09:15:00.000Z',
      decideBy: '2026-11-23T09:30:00.000Z',
      admission: { index: 2, leaf: LEAF },
      decisions: [
        {
          person: 'prs_01KAR5RWY00000000000000003',
          isOfSecondGroup: false,
          verdict: 'deny',
          proofClass: 'uv',
          at: '2026-11-23T09:16:00.000Z',
          index: 3,
          leaf: LEAF,
        },
      ],
      end: 'denied',
      endedAt: '2026-11-23T09:16:00.000Z',
      binding: undefined,
      uses: 0,
      result: undefined,
      revokedAt: undefined,
      erasedAt: undefined,
    },
    proof: { kind: 'logged' },
    shown: undefined,
    rationales: new Map([[3, why]]),
    notShown: 'not here',
    evidenceFile: undefined,
    statementFile: undefined,
  };
}

function whyOf(text: string): string | undefined {
  return parsedCsv(csvHeader() + csvRow(rowSaying(text)))[0]?.['why'];
}

describe('a row of CSV', () => {
  it.each([
    ['=1+1', "'=1+1"],
    ['  =1+1', "'  =1+1"],
    ['+SUM(A1)', "'+SUM(A1)"],
    ['-2+3', "'-2+3"],
    ['@cmd', "'@cmd"],
    ['\uFF1D1+1', "'\uFF1D1+1"],
    ['\t=1+1', String.raw`\u{9}=1+1`],
    ['fine\r\n=1+1', String.raw`fine\u{d}\u{a}=1+1`],
    ['said "no", twice', 'said "no", twice'],
    ['\u001B[31mred', String.raw`\u{1b}[31mred`],
    ['a=b', 'a=b'],
  ])('B10: %j is text, and no formula', (text, cell) => {
    expect(whyOf(text)).toBe(cell);
  });

  it('says in whose place a decision was, and how long its device says that it took', () => {
    const { action, ...row } = rowSaying('no');
    const principal = 'prs_01KAR5RWY00000000000000004';
    const decisions = action.decisions.map((each) => ({ ...each, principal, claimedDwellMs: 999 }));
    const text = csvHeader() + csvRow({ ...row, action: { ...action, decisions } });
    expect(parsedCsv(text)[0]?.['decisions']).toBe(
      `deny prs_01KAR5RWY00000000000000003 in the place of ${principal} (uv) 2026-11-23T09:16:00.000Z, shown for less than a second as the device claims`,
    );
  });

  it('is one line, whatever it holds', () => {
    expect(csvRow(rowSaying('a\nb\r\nc')).match(/\r|\n/g)).toEqual(['\r', '\n']);
  });
});

describe('a piece of a page', () => {
  it('B10: escapes what others wrote, and no piece twice', () => {
    const name = '<b onclick="x">&\u202E\'';
    expect(html`<p title="${name}">${[html`<i>${name}</i>`]}</p>`.text).toBe(
      String.raw`<p title="&lt;b onclick=&quot;x&quot;&gt;&amp;\u{202e}&#39;"><i>&lt;b onclick=&quot;x&quot;&gt;&amp;\u{202e}&#39;</i></p>`,
    );
  });
});
