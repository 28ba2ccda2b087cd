import { shortIdOf } from '@countersign/binding';
import {
  canonicalText,
  digestOf,
  formatTimestamp,
  fromBase64url,
  parseStrict,
  utf8,
  type JsonObject,
} from '@countersign/canonical';
import { draftAction, signedFrame, type Patience } from '@countersign/sdk';
import { waitForApproval } from './approval-wait.ts';
import {
  claimUse,
  draftReport,
  draftUse,
  verifyBinding,
  type ExecParts,
  type ReportFacts,
} from './bound-use.ts';
import { CliError, cliError, EXIT } from './cli-error.ts';
import { describeCommand, paramsJson, type CommandOrder } from './command-line.ts';
import type { CommandEnd } from './command-runner.ts';
import {
  commandResult,
  endWords,
  startCommand,
  type CommandStreams,
  type CommandUse,
} from './command-start.ts';
import { EXEC_INTERFACE_DIGEST } from './exec-interface.ts';
import {
  ExecRecord,
  type ReportRecord,
  type RequestRecord,
  type UseRecord,
} from './exec-record.ts';
import { paramsOf, prepareCommand } from './prepared-command.ts';
import { submitKept } from './kept-arrival.ts';
import type { Narrator } from './narrator.ts';

export interface ExecDeps extends ExecParts, CommandStreams {
  readonly narrator: Narrator;
  /** While a decision is waited for. */
  readonly patience: Patience;
  /** Told the id as soon as the request can be resumed. */
  readonly onAsked?: (actionId: string) => void;
  /** Told until when the approval may be used, and `undefined` once its use is about to be claimed. */
  readonly onOpen?: (useBy: string | undefined) => void;
}

/** An approval of what may have run already is no approval to run it once more. */
const OUTCOME_UNKNOWN = 'OUTCOME_UNKNOWN';
/** A day: the ledger’s own rules are shorter. */
const ACTION_LIFE_S = 86_400;
const REPORT_WITHIN_MS = 30_000;

/**
 * Asks for one command, waits, verifies, claims, runs, reports.
 *
 * @returns the exit code: 0 ran and ended with 0, 10 ran and failed
 * @throws CliError for everything else; nothing has run then, unless its code says that this is unknown
 */
export async function execCommand(order: CommandOrder, deps: ExecDeps): Promise<number> {
  const { access, context, narrator } = deps;
  const described = await describeCommand(order, context);
  const { agent, tenant } = access;
  const { id, audience } = deps.executor;
  const envelope = draftAction(
    {
      tenant,
      agent: { id: agent.id, key_thumbprint: agent.key.thumbprint },
      executor: { id, audience, descriptor_digest: EXEC_INTERFACE_DIGEST },
    },
    {
      type: order.emergency === undefined ? 'generic.command' : 'emergency.command',
      typeVersion: 1,
      params: paramsJson(described.params),
      lifeS: ACTION_LIFE_S,
    },
    context,
  );
  const action = canonicalText(envelope);
  const request: RequestRecord = {
    v: 'countersign.exec-request.v1',
    action_id: envelope.action_id,
    action,
    frame: await signedFrame('request', utf8(action), agent.key),
    keepsakes: described.keepsakes,
  };
  const record = new ExecRecord(access.requestsFolder, request.action_id);
  return alone(record, async () => {
    await record.create('request', request);
    deps.onAsked?.(request.action_id);
    await submitKept(access.client, request.frame, record.arrivalFile);
    const url = `${access.client.url}/action/${request.action_id}`;
    narrator.say('requested', `asked for approval: ${url}`, { action_id: request.action_id, url });
    return goOn({ request, record, input: described.input, stdin: undefined }, deps);
  });
}

/** A process that is at a request may have claimed its use and not reported yet: to any other it would look interrupted. */
async function alone(record: ExecRecord, run: () => Promise<number>): Promise<number> {
  const lock = await record.lock();
  try {
    return await run();
  } finally {
    await lock.release();
  }
}

/**
 * Goes on with a request of an `exec` that was interrupted. What was claimed is never started: that would be a second time.
 *
 * @throws CliError RESUME_UNKNOWN, RESUME_BUSY, ACTION_DIGEST_MISMATCH when another command is named
 */
export async function resumeCommand(
  actionId: string,
  order: Pick<CommandOrder, 'argv' | 'stdin'>,
  deps: ExecDeps,
): Promise<number> {
  const record = new ExecRecord(deps.access.requestsFolder, actionId);
  const request = await record.read('request');
  if (request === undefined) {
    throw cliError('RESUME_UNKNOWN', `expected a request ${actionId} of this machine, found none`);
  }
  assertSameCommand(request, order.argv);
  return alone(record, () => goOnFromRecord({ request, record }, order, deps));
}

async function goOnFromRecord(
  { request, record }: { readonly request: RequestRecord; readonly record: ExecRecord },
  order: Pick<CommandOrder, 'stdin'>,
  deps: ExecDeps,
): Promise<number> {
  const [use, report] = [await record.read('use'), await record.read('report')];
  if (report !== undefined) return deliverAgain(report, use, deps);
  if (use !== undefined) return reportUnknown({ request, record, use }, deps);
  const stdin = order.stdin ?? request.keepsakes.stdin;
  // It may never have arrived; if it did, the same bytes get the same answer.
  await submitKept(deps.access.client, request.frame, record.arrivalFile);
  return goOn({ request, record, input: undefined, stdin }, deps);
}

function assertSameCommand(request: RequestRecord, argv: readonly string[]): void {
  if (
    argv.length === 0 ||
    canonicalText([...argv]) === canonicalText([...paramsOf(request).argv])
  ) {
    return;
  }
  throw new CliError(
    'ACTION_DIGEST_MISMATCH',
    'expected the command that was asked for, got another',
  );
}

interface OpenRequest {
  readonly request: RequestRecord;
  readonly record: ExecRecord;
  readonly input: Uint8Array | undefined;
  readonly stdin: string | undefined;
}

async function goOn(open: OpenRequest, deps: ExecDeps): Promise<number> {
  const { request, record, input, stdin } = open;
  const { access, context, narrator, patience } = deps;
  const { nowMs } = context;
  await waitForApproval(access.client, request.action_id, { narrator, nowMs, patience });
  const binding = await verifyBinding(request, deps);
  narrator.say('bound', 'approved, and the evidence is valid at level human', {
    action_id: request.action_id,
  });
  deps.onOpen?.(binding.evidence.binding.entry.use_by);
  const { salts } = request.keepsakes;
  const command = await prepareCommand({ params: paramsOf(request), salts, input, stdin, context });
  try {
    const use = await draftUse(binding, deps);
    deps.onOpen?.(undefined);
    const granted = await claimUse(use, binding, { record, parts: deps });
    const startedAt = formatTimestamp(context.nowMs());
    const facts = { request, useId: use.use_id, startedAt };
    const { shortId, startBy } = granted;
    const end = await startCommand(command, { shortId, startBy, salts: saltsOf(use) }, deps);
    if (end instanceof CliError) {
      await report(record, { ...facts, result: 'failed' }, deps);
      throw end;
    }
    return await reportEnd(record, { facts, end }, deps);
  } finally {
    await command.remove();
  }
}

function saltsOf({ output_salts: { stdout, stderr } }: UseRecord): CommandUse['salts'] {
  return { stdout: fromBase64url(stdout), stderr: fromBase64url(stderr) };
}

async function reportEnd(
  record: ExecRecord,
  ended: { facts: Omit<ReportFacts, 'result'>; end: CommandEnd },
  deps: ExecDeps,
): Promise<number> {
  const { facts, end } = ended;
  const { exitStatus, outputs } = end;
  const result = commandResult(end);
  await report(record, { ...facts, result, exitStatus, outputs }, deps);
  const shortId = shortIdOf(facts.useId);
  deps.narrator.say('ended', endWords(end, shortId), {
    action_id: facts.request.action_id,
    use_id: facts.useId,
    short_id: shortId,
    result,
    exit_status: exitStatus,
  });
  return result === 'succeeded' ? EXIT.ok : EXIT.commandFailed;
}

/** Writes the report down and sends it. If the ledger cannot be reached, `--resume` sends the same one again. */
async function report(record: ExecRecord, facts: ReportFacts, deps: ExecDeps): Promise<void> {
  const envelope = parseStrict(utf8(facts.request.action)) as JsonObject;
  const where = {
    tenant: deps.access.tenant,
    actionDigest: digestOf('countersign/action/v1', envelope),
  };
  const frame = await draftReport(facts, where, deps);
  await record.create('report', {
    v: 'countersign.exec-report.v1',
    result: facts.result,
    frame,
  });
  await deliver(frame, facts.request.action_id, deps);
}

async function deliver(frame: string, actionId: string, deps: ExecDeps): Promise<void> {
  // Ctrl-C has ended the command; the ledger still has to hear how.
  const client = deps.access.client.until(AbortSignal.timeout(REPORT_WITHIN_MS));
  try {
    await client.submit('reports', frame);
  } catch (error) {
    if (!(error instanceof CliError) || error.exitCode !== EXIT.indeterminate) throw error;
    deps.narrator.say('report-pending', `the report is not delivered: ${error.message}`, {
      action_id: actionId,
      code: error.code,
    });
  }
}

async function deliverAgain(
  sent: ReportRecord,
  use: UseRecord | undefined,
  deps: ExecDeps,
): Promise<number> {
  await deps.access.client.submit('reports', sent.frame);
  const code = sent.result === 'unknown' ? OUTCOME_UNKNOWN : undefined;
  const shortId = use === undefined ? undefined : shortIdOf(use.use_id);
  const words = [
    'it had ended before',
    code ?? sent.result,
    ...(shortId === undefined ? [] : [shortId]),
  ].join(': ');
  deps.narrator.say('ended', words, {
    result: sent.result,
    ...(shortId !== undefined && { short_id: shortId }),
    ...(code !== undefined && { code }),
  });
  return exitOf(sent.result);
}

function exitOf(result: ReportRecord['result']): number {
  if (result === 'unknown') return EXIT.indeterminate;
  return result === 'succeeded' ? EXIT.ok : EXIT.commandFailed;
}

/** Whether it ran is not known here, so it does not run now. */
async function reportUnknown(
  left: { request: RequestRecord; record: ExecRecord; use: UseRecord },
  deps: ExecDeps,
): Promise<number> {
  const { request, record, use } = left;
  // The claim may not have arrived; then the ledger refuses it now, or holds it from now on. Either way it is spent.
  await deps.access.client.submit('uses', use.frame);
  const facts = {
    request,
    useId: use.use_id,
    startedAt: use.claimed_at,
    result: 'unknown',
  } as const;
  await report(record, facts, deps);
  const shortId = shortIdOf(use.use_id);
  deps.narrator.say(
    'unknown',
    [
      `${OUTCOME_UNKNOWN}: the use was claimed before the interruption: whether the command ran is unknown, and it is not run again: ${shortId}`,
      'look at what it would have changed; then ask for a new action if it did not',
    ],
    {
      code: OUTCOME_UNKNOWN,
      action_id: request.action_id,
      use_id: use.use_id,
      short_id: shortId,
      result: 'unknown',
    },
  );
  return EXIT.indeterminate;
}
