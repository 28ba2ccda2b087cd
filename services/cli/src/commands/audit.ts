import { resolve } from 'node:path';
import type { BrokenGlass } from '@countersign/binding';
import { toBase64 } from '@countersign/canonical';
import type { Command } from 'commander';
import { unreviewedWords } from '../break-glass-words.ts';
import { recoveryWords } from '../recovery-words.ts';
import { EXIT } from '../cli-error.ts';
import type { CommandParts } from '../command-parts.ts';
import type { CliContext } from '../context.ts';
import { KeptAudit, type AuditOutcome } from '../log-audit.ts';
import { Narrator } from '../narrator.ts';
import { PromiseCheck } from '../promise-check.ts';
import { addAuditOptions, auditOptionsOf, type AuditCommandOptions } from './audit-options.ts';

const TOLD_EVERY_MS = 5_000;

export function addAudit(program: Command, { context, end }: CommandParts): void {
  addAuditOptions(program.command('audit'))
    .description('check a whole log: every hash, every proof, every decision derived again')
    .argument('<log>', 'address of its tiles (or of a public ledger), or an exported folder')
    .option('--full', 'check again what an earlier run has checked')
    .option('--promise <file>', 'hold the log to what was promised of an input (request --receipt)')
    .addHelpText(
      'after',
      `
Exit codes: 0 VALID at level replayed, 1 REFUSED, 2 usage, 3 INDETERMINATE (unreachable, interrupted, rules unknown here).
A run that was stopped goes on where it was; --keep leaves a log folder that any other tool can read.

Examples:
  $ countersign audit ./log --trust trust.json
  $ countersign audit https://ledger.example --trust trust.json --keep ./mirror --json
  $ countersign audit ./log --trust trust.json --promise asked.json`,
    )
    .action(async (log: string, options: PromiseAuditOptions) => {
      end(await audit(log, options, context));
    });
}

interface PromiseAuditOptions extends AuditCommandOptions {
  readonly promise?: string;
}

async function audit(
  log: string,
  options: PromiseAuditOptions,
  context: CliContext,
): Promise<number> {
  const isJson = options.json === true;
  const narrator = new Narrator(context.stderr, isJson);
  const given = await auditOptionsOf(log, options, {
    context,
    onProgress: progressIn(narrator, context),
  });
  const check =
    options.promise === undefined
      ? undefined
      : await PromiseCheck.open(resolve(context.cwd, options.promise), given.trust);
  const kept = await KeptAudit.open({
    ...given,
    ...(check !== undefined && {
      onEntry: (entry, place) => {
        check.watch.note(entry, place);
      },
    }),
  });
  const outcome = await kept.run();
  narrator.waited();
  // Of a log that does not hold, nothing is said of a promise.
  const promised =
    outcome.outcome === 'VALID' ? await check?.end(outcome.findings.head.note) : undefined;
  const report = promised === undefined ? {} : { promise: promiseReport(check, promised) };
  if (isJson) context.stdout.json({ ...reportOf(outcome, given.trust.origin), ...report });
  else context.stdout.lines(...linesOf(outcome, given.trust.origin), ...promiseLines(promised));
  return exitOf(promised?.outcome ?? outcome.outcome);
}

function exitOf(outcome: AuditOutcome['outcome']): number {
  if (outcome === 'VALID') return EXIT.ok;
  return outcome === 'REFUSED' ? EXIT.refused : EXIT.indeterminate;
}

type Promised = Awaited<ReturnType<PromiseCheck['end']>>;

/** schemas/formats/arrival-promise.md §4 */
function promiseReport(
  check: PromiseCheck | undefined,
  promised: Promised,
): Readonly<Record<string, unknown>> {
  const { input, logged_by: loggedBy } = check?.promise ?? {};
  return { ...promised, input, logged_by: loggedBy };
}

function promiseLines(promised: Promised | undefined): string[] {
  if (promised === undefined) return [];
  const { outcome, detail } = promised;
  const code = 'code' in promised ? ` ${promised.code}` : '';
  const { proof } = promised;
  return [
    '',
    `promise       ${detail}`,
    ...(proof === undefined
      ? []
      : [`proof         the promise and the signed head are in ${proof}`]),
    `PROMISE ${outcome}${code}`,
  ];
}

/** On a terminal at once, elsewhere now and then. */
function progressIn(
  narrator: Narrator,
  { stderr, nowMs }: CliContext,
): (checked: number, size: number) => void {
  let toldMs = nowMs();
  return (checked, size) => {
    if (stderr.isTty) narrator.wait('auditing', ` … ${checked} of ${size} entries`);
    if (stderr.isTty || nowMs() - toldMs < TOLD_EVERY_MS) return;
    toldMs = nowMs();
    narrator.say('progress', `${checked} of ${size} entries hold`, { checked, size });
  };
}

/** schemas/formats/audit.md §1 */
export function reportOf(outcome: AuditOutcome, origin: string): Record<string, unknown> {
  const head = { v: 'countersign.audit.v1', outcome: outcome.outcome, level: 'replayed', origin };
  if (outcome.outcome !== 'VALID') {
    const { code, index, detail, proof } = outcome;
    return {
      ...head,
      code,
      ...(index !== undefined && { index }),
      detail,
      ...(proof !== undefined && { proof }),
    };
  }
  const { findings } = outcome;
  const { size, root } = findings.head;
  const { from, notDerived, nearEnrolments, nearCount, witnessedAt, unreviewed, recoveries } =
    findings;
  return {
    ...head,
    size,
    root: toBase64(root),
    signed_by: findings.signedBy,
    checked_before: from,
    signatures: findings.signatures,
    entries: findings.counts,
    not_derived: notDerived,
    near_enrolments: { count: nearCount, first: nearEnrolments },
    ...(unreviewed.length > 0 && { unreviewed: unreviewed.map(unreviewedJson) }),
    ...(recoveries.length > 0 && { recoveries }),
    ...(witnessedAt !== undefined && { witnessed_at: witnessedAt }),
  };
}

function linesOf(outcome: AuditOutcome, origin: string): string[] {
  if (outcome.outcome !== 'VALID') {
    const { code, index, detail, proof } = outcome;
    return [
      `log           ${origin}`,
      ...(index === undefined ? [] : [`first bad     entry ${index}`]),
      `because       ${detail}`,
      ...(proof === undefined ? [] : [`proof         both signed heads are in ${proof}`]),
      '',
      `${outcome.outcome} ${code}`,
    ];
  }
  const { findings } = outcome;
  const { from } = findings;
  const { requests, rationales, refusals } = findings.notDerived;
  return [
    `log           ${origin}`,
    `head          ${findings.head.size} entries, root ${toBase64(findings.head.root)}`,
    `checked       ${findings.head.size - from} entries and ${findings.signatures} signatures now, ${from} entries before`,
    ...Object.entries(findings.counts).map(([type, count]) => `  ${type.padEnd(20)} ${count}`),
    ...(findings.witnessedAt === undefined ? [] : [`witnessed     by ${findings.witnessedAt}`]),
    ...findings.nearEnrolments.map(
      ({ person, seconds, decided_index: index }) =>
        `LOOK AT       entry ${index}: ${person} decided ${seconds} s after the key was enrolled`,
    ),
    ...findings.unreviewed.map((each) => `BREAK-GLASS   ${unreviewedWords(each)}`),
    ...findings.recoveries.map(
      (each) => `RECOVERY      entry ${each.index}: ${recoveryWords(each)}`,
    ),
    'not derived   what the log holds digests of alone:',
    `  ${String(requests).padStart(8)} requests without their action: its display and its agent's signature`,
    `  ${String(rationales).padStart(8)} decisions without their rationale`,
    `  ${String(refusals).padStart(8)} refusals for what only the refused input said`,
    '',
    'VALID at level replayed',
  ];
}

function unreviewedJson({ actionId, agent, at, index, overdueIndex }: BrokenGlass): object {
  return { action_id: actionId, agent, at, index, is_overdue: overdueIndex !== undefined };
}
