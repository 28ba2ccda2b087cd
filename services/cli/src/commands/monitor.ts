import type { Command } from 'commander';
import { cliError, EXIT } from '../cli-error.ts';
import type { CommandParts } from '../command-parts.ts';
import type { CliContext } from '../context.ts';
import { LogMonitor } from '../log-monitor.ts';
import { loggerOf } from '../logger.ts';
import { Narrator } from '../narrator.ts';
import { ProcessProbe } from '../process-probe.ts';
import type { Listening } from '../service.ts';
import {
  addAuditOptions,
  auditOptionsOf,
  secondsOf,
  type AuditCommandOptions,
} from './audit-options.ts';
import { reportOf } from './audit.ts';
import { parseListening } from './service-options.ts';

interface MonitorOptions extends AuditCommandOptions {
  readonly every: number;
  readonly webhook?: string;
  readonly probe?: Listening;
}

const EVERY_S = 60;

export function addMonitor(program: Command, { context, end }: CommandParts): void {
  addAuditOptions(program.command('monitor'))
    .description('audit a log again and again, and raise an alarm for what does not hold')
    .argument('<log>', 'address of its tiles (or of a public ledger), or an exported folder')
    .option(
      '--every <seconds>',
      'how long it rests between two rounds',
      secondsOf('--every'),
      EVERY_S,
    )
    .option('--webhook <url>', 'where each alarm is sent, once, as JSON')
    .option(
      '--probe <host:port>',
      'address for /healthz, /readyz and /metrics (default none)',
      parseListening,
    )
    .addHelpText(
      'after',
      `
It runs until it is told to end, and goes on after an alarm. It needs --keep or --state to know after a restart what it saw.

Example:
  $ countersign monitor https://ledger.example --trust trust.json --keep ./mirror --webhook https://alarms.example/in`,
    )
    .action(async (log: string, options: MonitorOptions) => {
      end(await monitor(log, options, context));
    });
}

async function monitor(log: string, options: MonitorOptions, context: CliContext): Promise<number> {
  const { stdout, stderr, interrupted, nowMs } = context;
  const isJson = options.json === true;
  const narrator = new Narrator(stderr, isJson);
  const { webhook } = options;
  if (webhook !== undefined && !/^https?:$/.test(protocolOf(webhook))) {
    throw cliError('USAGE', '--webhook: expected an address like https://alarms.example/in');
  }
  const audit = await auditOptionsOf(log, options, { context, onProgress: () => undefined });
  const watching = new LogMonitor({
    audit,
    everyMs: options.every * 1_000,
    ...(webhook !== undefined && { webhook }),
    onAlarm: (alarm) => {
      const at = alarm.index === undefined ? '' : ` at entry ${alarm.index}`;
      narrator.say('alarm', `ALARM ${alarm.alarm}${at}: ${alarm.detail}`, { ...alarm });
    },
    onRound: (outcome) => {
      const size = outcome.outcome === 'VALID' ? ` ${outcome.findings.head.size} entries` : '';
      if (isJson) stdout.json(reportOf(outcome, audit.trust.origin));
      else stdout.lines(`monitor: ${outcome.outcome}${size}`);
    },
  });
  const logger = loggerOf(context, 'monitor');
  const probe = await ProcessProbe.start({ where: options.probe, logger, nowMs });
  try {
    probe.show({ unready: () => undefined, waits: () => [], gauges: watching.gauges });
    await watching.watch(interrupted);
  } finally {
    await probe.stop();
  }
  return EXIT.ok;
}

function protocolOf(url: string): string {
  return URL.canParse(url) ? new URL(url).protocol : '';
}
