import { resolve } from 'node:path';
import { figuresJson, type FiguresJson, type FiguresScope } from '@countersign/report';
import type { LedgerClient } from '@countersign/sdk';
import type { Command } from 'commander';
import { cliError, EXIT } from '../cli-error.ts';
import type { CommandParts } from '../command-parts.ts';
import type { CliContext } from '../context.ts';
import { duration } from '../duration.ts';
import { openReader, readTrustFile } from '../ledger-access.ts';
import { readFigures } from '../report-log.ts';
import { folderSource } from '../report-source.ts';
import { addReadOptions, type ClientOptions } from './access-options.ts';
import { periodIn, timeParser, type PeriodOptions } from './period-options.ts';

interface DecisionsOptions extends ClientOptions, PeriodOptions {
  readonly log?: string;
  readonly person?: string;
}

export function addReportDecisions(report: Command, { context, end }: CommandParts): void {
  addReadOptions(report.command('decisions'))
    .description('tell how each person decided in a period: how many, how fast, how often no')
    .option('--from <time>', 'what was decided at this time or later', timeParser('--from'))
    .option('--to <time>', 'what was decided before this time', timeParser('--to'))
    .option('--person <id>', 'this person only')
    .option('--log <folder>', 'count it again out of an exported log; with --trust')
    .addHelpText(
      'after',
      `
Without --log these are the figures of the read models of the ledger. With it they are counted here, out of the entries under a signed head.

Examples:
  $ countersign report decisions --from 2026-11-01 --to 2026-12-01
  $ countersign report decisions --log ./log --trust trust.json --json`,
    )
    .action(async (options: DecisionsOptions) => {
      for (const figures of await figuresBy(options, context)) {
        if (options.json === true) context.stdout.json(figures);
        else context.stdout.lines(...figureLines(figures));
      }
      end(EXIT.ok);
    });
}

async function figuresBy(
  options: DecisionsOptions,
  context: CliContext,
): Promise<readonly FiguresJson[]> {
  const { log, person, url, trust } = options;
  const scope = { ...periodIn(options), ...(person !== undefined && { person }) };
  if (log === undefined) return servedFigures(await openReader(options, context), scope);
  if (url !== undefined || trust === undefined) {
    throw cliError('USAGE', 'expected --trust, and no --url, together with --log');
  }
  const read = await readTrustFile(resolve(context.cwd, trust));
  const source = await folderSource(resolve(context.cwd, log), read.trust, undefined);
  const by = { trust: read.trust, head: source.head };
  const figures = await readFigures(source.entries(), scope, by);
  return figures.persons.map(figuresJson);
}

async function servedFigures(
  client: LedgerClient,
  scope: FiguresScope,
): Promise<readonly FiguresJson[]> {
  const query = new URLSearchParams({ ...scope }).toString();
  const path = '/v1/reports/decisions';
  const { persons } = await client.getObject(query === '' ? path : `${path}?${query}`);
  if (Array.isArray(persons) && persons.every(isFigures)) return persons;
  throw cliError('ANSWER_INVALID', 'expected figures of persons');
}

function isFigures(json: unknown): json is FiguresJson {
  const { person, denied_per_mille: rate, time_to_decide: times, ...more } = membersOf(json);
  const { busiest_hour: hour, busiest_day: day } = more;
  return (
    typeof person === 'string' &&
    (rate === null || typeof rate === 'number') &&
    areNumbers(more, ['approved', 'denied', 'taken_back', 'days']) &&
    (times === null || areNumbers(membersOf(times), TIMES)) &&
    [membersOf(hour), membersOf(day)].every((each) => areNumbers(each, ['decisions'])) &&
    (more['load'] === null || isLoad(membersOf(more['load']))) &&
    typeof membersOf(hour)['hour'] === 'string' &&
    typeof membersOf(day)['day'] === 'string'
  );
}

function isLoad({ prompts_1h: prompts, decisions_1h: decisions }: Members): boolean {
  return (
    areNumbers(membersOf(prompts), ['median', 'most']) && areNumbers(membersOf(decisions), ['most'])
  );
}

const TIMES = ['median_ms', 'p90_ms', 'shortest_ms', 'longest_ms', 'under_10_s'];

type Members = Readonly<Record<string, unknown>>;

function membersOf(json: unknown): Members {
  return typeof json === 'object' && json !== null ? (json as Members) : {};
}

function areNumbers(members: Members, names: readonly string[]): boolean {
  return names.every((name) => typeof members[name] === 'number');
}

function figureLines(of: FiguresJson): string[] {
  const { approved, denied, taken_back: takenBack, denied_per_mille: rate } = of;
  const share = rate === null ? '' : ` (${rate / 10} %)`;
  const { busiest_hour: hour, busiest_day: day, time_to_decide: times, load } = of;
  return [
    of.person,
    `  decided       ${approved + denied}: ${approved} approved, ${denied} denied${share}; ${takenBack} taken back`,
    ...(times === null
      ? []
      : [
          `  time          half within ${duration(times.median_ms)}, 90 % within ${duration(times.p90_ms)}; ` +
            `${duration(times.shortest_ms)} to ${duration(times.longest_ms)}, ${times.under_10_s} in less than 10 s`,
        ]),
    `  busiest hour  ${hour.decisions} in that of ${hour.hour}`,
    `  busiest day   ${day.decisions} on ${day.day}; on ${of.days} days in all`,
    ...(load === null
      ? []
      : [
          `  hour before   at most ${load.prompts_1h.most} requests to decide, half of the times at most ${load.prompts_1h.median}; at most ${load.decisions_1h.most} decided`,
        ]),
  ];
}
