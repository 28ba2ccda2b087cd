import { leafOf, parseEntry } from '@countersign/binding';
import { formatTimestamp } from '@countersign/canonical';
import { describe, expect, it } from 'vitest';
import { DecidedLog } from '../../../test/support/decided-log.ts';
import { PeriodLog, type ReportScope } from '../src/index.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

function periodOf(log: DecidedLog, scope: ReportScope = {}, casesMax?: number): PeriodLog {
  const period = new PeriodLog(scope, casesMax);
  for (const [index, bytes] of log.entries.entries()) {
    period.note({ index, leaf: leafOf(bytes), entry: parseEntry(bytes) });
  }
  return period;
}

function endsOf(period: PeriodLog): (readonly [string, string | undefined])[] {
  return period.cases.map(({ actionId, end }) => [actionId, end] as const);
}

describe('the period of a report', () => {
  it('holds its first moment and not its last', async () => {
    const log = new DecidedLog();
    const { actionId, admission } = await log.admit();
    log.forward(MINUTE_MS);
    await log.decide(admission);
    const at = log.at;
    const after = formatTimestamp(log.nowMs + 1);
    expect(endsOf(periodOf(log, { from: at, to: after }))).toEqual([[actionId, 'bound']]);
    expect(endsOf(periodOf(log, { from: after }))).toEqual([]);
    expect(endsOf(periodOf(log, { to: at }))).toEqual([]);
  });

  it('tells each end apart, and counts what nobody saw', async () => {
    const log = new DecidedLog();
    const bound = await log.bind();
    const denied = await log.admit();
    await log.decide(denied.admission, { verdict: 'deny' });
    const expiring = await log.admit();
    log.forward(8 * DAY_MS);
    await log.tick();
    const open = await log.admit();
    expect(endsOf(periodOf(log))).toEqual([
      [bound.actionId, 'bound'],
      [denied.actionId, 'denied'],
      [expiring.actionId, 'expired'],
      [open.actionId, undefined],
    ]);
    expect(periodOf(log).totals).toMatchObject({ asked: 4, refused: 0, daysAsked: 2 });
    expect(endsOf(periodOf(log, { actionId: denied.actionId }))).toEqual([
      [denied.actionId, 'denied'],
    ]);
    // C17: who did not decide in time is nobody.
    const [, , expired] = periodOf(log).cases;
    expect(expired?.decisions).toEqual([]);
  });

  it('refuses more actions than a report holds, and holds none of other periods', async () => {
    const log = new DecidedLog();
    for (let i = 0; i < 5; i += 1) await log.bind();
    expect(() => periodOf(log, {}, 4)).toThrow(
      expect.objectContaining({ code: 'REPORT_TOO_LARGE' }),
    );
    expect(periodOf(log, { from: formatTimestamp(log.nowMs + 1) }, 0).cases).toEqual([]);
  });
});

describe('how people decided', () => {
  it('E09: how many, how fast and how often they said no, by person', async () => {
    const log = new DecidedLog();
    const { bob, alice } = log.parties;
    const decideAfter = async (ms: number, deciding: object): Promise<void> => {
      const { admission } = await log.admit();
      log.forward(ms);
      await log.decide(admission, deciding);
    };
    await decideAfter(500, { person: alice });
    await decideAfter(2 * MINUTE_MS, { person: alice });
    log.forward(DAY_MS);
    await decideAfter(9_999, { person: alice, verdict: 'deny' });
    await decideAfter(10_000, { person: bob });
    const persons = new Map(periodOf(log).persons.map((each) => [each.person, each]));
    expect(persons.get(alice.id)).toMatchObject({
      approved: 2,
      denied: 1,
      denialRate: 1 / 3,
      load: { medianPrompts: 1, mostPrompts: 2, mostDecisions: 1 },
      days: 2,
      mostInADay: 2,
      busiestHour: { hour: '2026-11-23T09:00:00.000Z', decisions: 2 },
      times: {
        ...{ count: 3, shortestMs: 500, longestMs: 120_000 },
        ...{ medianMs: 9_999, p90Ms: 120_000, quick: 2 },
      },
    });
    expect(persons.get(bob.id)).toMatchObject({
      approved: 1,
      denied: 0,
      denialRate: 0,
      load: { medianPrompts: 2, mostPrompts: 2, mostDecisions: 0 },
      times: { count: 1, medianMs: 10_000, p90Ms: 10_000, quick: 0 },
    });
  });

  it('is nothing where nobody decided', async () => {
    const log = new DecidedLog();
    await log.admit();
    expect(periodOf(log).persons).toEqual([]);
  });
});
