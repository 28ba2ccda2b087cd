import type { Logger } from 'pino';
import { EXIT } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { requireMark, type DataFolder } from '../data-folder.ts';
import { loggerOf } from '../logger.ts';
import { startedOn, type FoundedData, type OpenParts } from '../open-data.ts';
import { ProcessProbe } from '../process-probe.ts';
import { runService, type Service } from '../service.ts';
import { StartInterrupted, StartPatience } from '../start-patience.ts';
import { startTracing, traced } from '../tracing.ts';
import { openParts, saying, type ServiceOptions } from './service-options.ts';

const EXIT_WITHIN_MS = 2_000;

/** What a service is started with besides its ledgers. */
export interface ServiceParts {
  readonly probe: ProcessProbe;
  readonly patience: StartPatience;
  readonly logger: Logger;
}

export interface ServiceRun<Data extends FoundedData> {
  readonly name: 'ledger' | 'projector' | 'gateway';
  readonly folders: readonly [DataFolder, ...DataFolder[]];
  readonly options: Pick<ServiceOptions, 'probe' | 'json'>;
  readonly open: (folder: DataFolder, parts: OpenParts) => Promise<Data>;
  readonly start: (ledgers: readonly [Data, ...Data[]], parts: ServiceParts) => Promise<Service>;
  /** What is said of each ledger once it runs. */
  readonly facts: (data: Data) => Readonly<Record<string, unknown>>;
}

/** Starts a service, waiting for what is away, and runs it until the process is told to end. */
export async function serviceRun<Data extends FoundedData>(
  run: ServiceRun<Data>,
  context: CliContext,
): Promise<number> {
  const { name, options } = run;
  const { nowMs } = context;
  const logger = loggerOf(context, name);
  const patience = new StartPatience(context);
  const tracing = await startTracing(name, context);
  const say = saying(name, context, options);
  const probe = await ProcessProbe.start({ where: options.probe, logger, nowMs });
  try {
    probe.show(patience);
    const service = await started(run, context, { probe, patience, logger, say });
    await runService(traced(service, tracing), context, say.stopped);
  } catch (error) {
    if (!(error instanceof StartInterrupted)) throw error;
    say.stopped('interrupted while it started');
    // What was tried last may hang.
    context.exitWithin(EXIT_WITHIN_MS);
  } finally {
    await probe.stop();
  }
  return EXIT.ok;
}

async function started<Data extends FoundedData>(
  { folders, options, open, start, facts }: ServiceRun<Data>,
  context: CliContext,
  { say, ...parts }: ServiceParts & { readonly say: ReturnType<typeof saying> },
): Promise<Service> {
  const opening = openParts(context, options);
  return startedOn(
    folders,
    async (folder) => parts.patience.until(await requireMark(folder), () => open(folder, opening)),
    async (ledgers) => {
      const service = await start(ledgers, parts);
      say.ready(ledgers.map(facts));
      return service;
    },
  );
}
