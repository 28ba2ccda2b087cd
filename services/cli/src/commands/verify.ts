import { resolve } from 'node:path';
import { parseUseClaim } from '@countersign/binding';
import { formatTimestamp, isTimestamp, timestampMs, utf8 } from '@countersign/canonical';
import { assuranceWords, breakGlassWords, shownWords, standingWords } from '@countersign/console';
import { verifySignature } from '@countersign/crypto-node';
import type { Chosen } from '@countersign/descriptors';
import {
  closedBy,
  checkDelegationTokens,
  createVerifier,
  parseEvidence,
  type BindingFacts,
  type Facts,
  type Level,
  type Outcome,
  type Trust,
} from '@countersign/verify';
import { Option, type Command } from 'commander';
import { cliError, EXIT } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { readGivenFile, readTrust } from '../ledger-access.ts';
import { holdsNoJson } from '../not-json.ts';
import { isWireFrame, verifyRecord } from '../published-binding.ts';
import type { CommandParts } from '../command-parts.ts';
import { POLICY_ENGINE } from '../policy-engine.ts';

interface VerifyOptions {
  readonly trust: string;
  readonly authority?: string;
  readonly level: Level;
  readonly allowDemo?: true;
  readonly now?: string;
  readonly forUse?: true;
  readonly json?: true;
}

export function addVerify(program: Command, { context, end }: CommandParts): void {
  program
    .command('verify')
    .description('verify an evidence file with a trust file alone: no network, no data folder')
    .argument('<file>', 'evidence file, or a binding as the log topic publishes it')
    .requiredOption('--trust <file>', 'trust file: what you pin')
    .addOption(
      new Option(
        '--level <level>',
        'sealed: the log vouches for it; human: the persons do; witnessed: witnesses saw it too',
      )
        .choices(['sealed', 'human', 'witnessed'])
        .default('human'),
    )
    .option('--authority <file>', 'earlier evidence, for a published binding at level human')
    .option('--allow-demo', 'accept a ledger that was founded as a demonstration')
    .option('--now <time>', 'also check that its time was not over at this time, or "now"')
    .option('--for-use', 'answer as an executor would now: refuse what is used up, revoked or late')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
VALID says that it was approved. Whether it may still run is told beside it; --for-use makes that the answer, as far as the
file shows: only the ledger knows what came after it.
Exit codes: 0 VALID, 1 REFUSED, 2 usage, 3 INDETERMINATE. Anything but VALID is no yes.

Examples:
  $ countersign verify evidence.json --trust trust.json
  $ countersign verify evidence.json --trust trust.json --level sealed --json
  $ countersign verify evidence.json --trust trust.json --for-use`,
    )
    .action(async (file: string, options: VerifyOptions) => {
      end(await verify(file, options, context));
    });
}

async function verify(file: string, options: VerifyOptions, context: CliContext): Promise<number> {
  const trust = await readTrust(resolve(context.cwd, options.trust));
  const bytes = await readGivenFile(resolve(context.cwd, file), 'evidence file');
  if (isWireFrame(bytes)) return verifyPublished(bytes, { ...options, trust }, context);
  if (options.authority !== undefined) {
    throw cliError('USAGE', '--authority: expected a binding as the log topic publishes it');
  }
  const forUse = options.forUse === true;
  const nowMs = timeOf(options.now ?? (forUse ? 'now' : undefined), context);
  const parts = {
    trust,
    verifySignature,
    policyEngine: POLICY_ENGINE,
    delegationCheck: checkDelegationTokens,
  };
  const outcome = await createVerifier(parts).verifyFile(bytes, {
    level: options.level,
    allowDemo: options.allowDemo === true,
    forUse,
    ...(nowMs !== undefined && { nowMs }),
  });
  const { facts } = outcome;
  const mayRun = facts === undefined ? undefined : mayRunOf(facts, nowMs ?? context.nowMs());
  if (options.json === true) {
    const claimed = facts === undefined ? {} : { facts: withClaimed(facts, bytes) };
    context.stdout.json({
      ...outcome,
      ...claimed,
      ...(mayRun !== undefined && { may_run: mayRun }),
    });
  } else {
    context.stdout.lines(...report(outcome, bytes, mayRun));
  }
  return exitOf(outcome);
}

async function verifyPublished(
  record: Uint8Array,
  options: Omit<VerifyOptions, 'trust'> & { readonly trust: Trust },
  context: CliContext,
): Promise<number> {
  if (options.forUse === true || options.now !== undefined) {
    throw cliError('USAGE', 'a published binding: expected evidence, to say whether it may run');
  }
  const authority =
    options.authority === undefined
      ? undefined
      : await readGivenFile(resolve(context.cwd, options.authority), 'evidence file');
  const outcome = await verifyRecord(record, {
    trust: options.trust,
    level: options.level,
    allowDemo: options.allowDemo === true,
    ...(authority !== undefined && { authority }),
  });
  if (options.json === true) context.stdout.json(outcome);
  else
    context.stdout.lines(...stepLines(outcome), ...bindingLines(outcome.facts), '', endOf(outcome));
  return exitOf(outcome);
}

function bindingLines(facts: BindingFacts | undefined): string[] {
  if (facts === undefined) return [];
  return [
    '',
    `action        ${facts.action_id}`,
    `digest        ${facts.action_digest}`,
    ...facts.approvals.map((each) => `approved by   ${approverWords(each)}`),
    `bound         ${facts.bound_at}, entry ${facts.binding.index}`,
    'NOT SHOWN     what the action does, by which policy it was bound, and whether it may still run: evidence shows that',
  ];
}

function timeOf(now: string | undefined, { nowMs }: CliContext): number | undefined {
  if (now === undefined) return undefined;
  if (now === 'now') return nowMs();
  if (isTimestamp(now)) return timestampMs(now);
  throw cliError('USAGE', '--now: expected "now" or a time like 2026-01-31T12:00:00.000Z');
}

function exitOf({ outcome }: Outcome<unknown>): number {
  if (outcome === 'VALID') return EXIT.ok;
  return outcome === 'REFUSED' ? EXIT.refused : EXIT.indeterminate;
}

/** Whether an executor could still claim a use, as far as this file shows. */
interface MayRun {
  readonly answer: boolean;
  readonly at: string;
  readonly code?: 'REVOKED' | 'ALREADY_CONSUMED' | 'EXPIRED';
}

function mayRunOf(facts: Facts, nowMs: number): MayRun {
  const { revoked_at: revokedAt, uses, max_uses: maxUses, use_by: useBy } = facts;
  const isLate = nowMs > Date.parse(useBy);
  const closed = closedBy({ isRevoked: revokedAt !== undefined, uses: uses.length, maxUses });
  const code = closed ?? (isLate ? 'EXPIRED' : undefined);
  const at = formatTimestamp(nowMs);
  return code === undefined ? { answer: true, at } : { answer: false, at, code };
}

function mayRunLine({ answer, at, code }: MayRun): string {
  return answer
    ? `may run       yes at ${at}, as far as this file shows; an executor asks the ledger`
    : `MAY NOT RUN   ${code ?? ''} at ${at}: this proves that it was approved, and is no permission any more`;
}

function report(outcome: Outcome, bytes: Uint8Array, mayRun: MayRun | undefined): string[] {
  const { facts, code } = outcome;
  // The display is shown only once it has been derived again from the action that was signed for.
  const facted =
    facts === undefined
      ? []
      : ['', ...factLines(withClaimed(facts, bytes)), ...displayLines(bytes)];
  const told = mayRun === undefined ? [] : ['', mayRunLine(mayRun)];
  const noJson = code === 'EVIDENCE_FORMAT' && holdsNoJson(bytes) ? ['the file is not JSON'] : [];
  return [...stepLines(outcome), ...facted, ...told, ...noJson, '', endOf(outcome)];
}

function stepLines({ steps }: Outcome<unknown>): string[] {
  const width = Math.max(0, ...steps.map(({ name }) => name.length));
  return steps.map(
    ({ name, result, detail }) => `${result.padEnd(13)} ${name.padEnd(width)}  ${detail}`,
  );
}

function endOf({ outcome, code, level }: Outcome<unknown>): string {
  return outcome === 'VALID' ? `VALID at level ${level}` : `${outcome} ${code ?? ''}`.trim();
}

type UseFacts = Facts['uses'][number] & {
  readonly chosen?: Chosen;
  /** Of a batch, as people see them numbered: from 1. */
  readonly item?: number;
};

interface FactsWithClaims extends Facts {
  readonly uses: readonly UseFacts[];
}

/** With what each use has chosen within the bounds of its action, or which item it is of, out of the claims that were verified. */
function withClaimed(facts: Facts, bytes: Uint8Array): FactsWithClaims {
  const { uses } = parseEvidence(bytes);
  return {
    ...facts,
    uses: facts.uses.map((use, position) => {
      const claim = uses[position]?.entry.claim;
      const { chosen, item } = claim === undefined ? {} : parseUseClaim(utf8(claim));
      return {
        ...use,
        ...(chosen !== undefined && { chosen }),
        ...(item !== undefined && { item: item.index + 1 }),
      };
    }),
  };
}

function claimedWords({ chosen = {}, item }: UseFacts): string {
  const words = [
    ...Object.entries(chosen).map(([name, value]) => `${name} ${value}`),
    ...(item === undefined ? [] : [`item ${item}`]),
  ];
  return words.length === 0 ? '' : `: ${words.join(', ')}`;
}

function approverWords(approver: BindingFacts['approvals'][number]): string {
  const { person, for: principal, second_group, proof_class, claimed_dwell_ms } = approver;
  const standing = standingWords({ principal, isOfSecondGroup: second_group === true });
  return `${person}${standing} (${proof_class})${shownWords(claimed_dwell_ms)}`;
}

function factLines(facts: FactsWithClaims): string[] {
  const approvals = facts.approvals.map((approval) => {
    const { rationale } = approval;
    const why = rationale === undefined ? '' : `: ${JSON.stringify(rationale)}`;
    return `approved by   ${approverWords(approval)}${why}`;
  });
  return [
    `action        ${facts.action_id} (${facts.action_type})`,
    `digest        ${facts.action_digest}`,
    `asked by      ${facts.agent}`,
    ...approvals,
    `bound         ${facts.bound_at}, entry ${facts.binding.index}, separation ${facts.separation}`,
    `for executor  ${facts.executor}, use by ${facts.use_by}, at most ${facts.max_uses} time(s)`,
    `assurance     ${assuranceWords(facts.executor, facts.assurance)}`,
    ...(facts.break_glass === undefined
      ? []
      : [`BREAK-GLASS   ${breakGlassWords(facts.break_glass)}`]),
    ...facts.uses.map((use) => `used          ${use.used_at} (${use.use_id})${claimedWords(use)}`),
    ...(facts.witnessed_at === undefined ? [] : [`witnessed     by ${facts.witnessed_at}`]),
    ...(facts.revoked_at === undefined ? [] : [`revoked       ${facts.revoked_at}`]),
    ...(facts.demo ? ['DEMONSTRATION: this ledger proves nothing'] : []),
    ...(facts.is_content_erased ? ['content       erased: digests only'] : []),
  ];
}

function displayLines(bytes: Uint8Array): string[] {
  const { display } = parseEvidence(bytes);
  const lines = display?.['lines'];
  if (!Array.isArray(lines)) return [];
  const shown = lines.flatMap((line) => {
    const { label, value } = Object(line) as { label?: unknown; value?: unknown };
    return typeof label === 'string' && typeof value === 'string' ? [`  ${label}: ${value}`] : [];
  });
  return ['what was shown:', ...shown];
}
