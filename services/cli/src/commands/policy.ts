import { policyDigest, type Policy } from '@countersign/binding';
import { Option, type Command } from 'commander';
import { CliError, EXIT } from '../cli-error.ts';
import type { CommandParts } from '../command-parts.ts';
import type { CliContext } from '../context.ts';
import {
  answerLines,
  decidersFor,
  objectIn,
  policyRequest,
  subjectOf,
  verdictJson,
  verdictLines,
  verdictOf,
  NOBODY,
  type CaseDeciders,
  type CaseParties,
} from '../policy-case.ts';
import { parseCases, runCase } from '../policy-cases.ts';
import { openReader } from '../ledger-access.ts';
import { ledgerState } from '../ledger-replay.ts';
import { reachRemarks } from '../rule-reach.ts';
import { addReadOptions, type ClientOptions } from './access-options.ts';
import { addPolicyDiff } from './policy-diff.ts';
import { assertFit, faultText, faultsOf, readJson, readPolicy, remarksOf } from '../policy-file.ts';

interface FileOptions {
  readonly cedar?: string;
  readonly json?: true;
}

interface CheckOptions extends FileOptions, ClientOptions {
  readonly request?: true;
}

interface ExplainOptions extends FileOptions, CaseParties {
  readonly action: string;
  readonly person?: readonly string[];
}

export function addPolicy(program: Command, parts: CommandParts): void {
  const policy = program
    .command('policy')
    .description('check, explain and test a policy before persons are asked to approve it');
  addCheck(policy, parts);
  addExplain(policy, parts);
  addTest(policy, parts);
  addPolicyDiff(policy, parts);
  addShow(policy, parts);
}

function addShow(policy: Command, { context, end }: CommandParts): void {
  addReadOptions(policy.command('show'))
    .description('print the policy that is in force in a ledger, as JSON')
    .addHelpText(
      'after',
      `
By every entry of its log, as the server tells them. With its Cedar in it, so it is given to the other commands without --cedar.

Examples:
  $ countersign policy show --data ./acme > now.json
  $ countersign policy diff now.json next.json --cedar-new next.cedar --data ./acme`,
    )
    .action(async (options: ClientOptions) => {
      const { policy: now } = await ledgerState(await openReader(options, context));
      context.stdout.document(`${JSON.stringify(now, undefined, 2)}\n`);
      end(EXIT.ok);
    });
}

function policyFile(command: Command): Command {
  return command
    .argument('<file>', 'the policy document, as JSON')
    .option('--cedar <file>', 'its Cedar, from a file of its own');
}

function withFile(command: Command): Command {
  return policyFile(command).option('--json', 'print one JSON object');
}

function addCheck(policy: Command, { context, end }: CommandParts): void {
  addReadOptions(policyFile(policy.command('check')))
    .description('say whether a ledger would accept this policy, and what may not be meant')
    .option('--request', 'print the request that proposes it, for `countersign request -`')
    .addHelpText(
      'after',
      `
With --data, --url or COUNTERSIGN_DATA_DIR it also tells which rules too few could meet with the keys that are enrolled there now.
Exit codes: 0 fit to be set, 1 not; what is only remarked does not count.

Examples:
  $ countersign policy check policy.json --cedar policy.cedar
  $ countersign policy check policy.json --cedar policy.cedar --data ./acme
  $ countersign policy check policy.json --cedar policy.cedar --request | countersign request -`,
    )
    .action(async (file: string, options: CheckOptions) => {
      const read = await readPolicy(file, options.cedar, context);
      if (options.request === true) {
        assertFit(read);
        context.stdout.document(`${JSON.stringify(policyRequest(read))}\n`);
        end(EXIT.ok);
        return;
      }
      const faults = faultsOf(read);
      const remarks =
        faults.length === 0
          ? [...remarksOf(read), ...(await ledgerRemarks(read, options, context))]
          : [];
      const digest = policyDigest(read);
      if (options.json === true) context.stdout.json({ digest, faults, remarks });
      else {
        context.stdout.lines(
          ...faults.map((fault) => `refused  ${faultText(fault)}`),
          ...remarks.map((remark) => `note     ${remark}`),
          ...(faults.length === 0 ? [`ok       ${digest}`] : []),
        );
      }
      end(faults.length === 0 ? EXIT.ok : EXIT.refused);
    });
}

/**
 * Nothing where no ledger is named: a policy is checked without one, too. One that the environment alone names need not answer:
 * whoever set it meant other commands.
 */
async function ledgerRemarks(
  policy: Policy,
  options: ClientOptions,
  context: CliContext,
): Promise<readonly string[]> {
  const isNamed = options.data !== undefined || options.url !== undefined;
  if (!isNamed && context.env['COUNTERSIGN_DATA_DIR'] === undefined) return [];
  try {
    const { authority } = await ledgerState(await openReader(options, context));
    return reachRemarks(policy, authority);
  } catch (error) {
    if (isNamed || !(error instanceof CliError)) throw error;
    return [`who could approve was not looked at: ${error.code} ${error.message}`];
  }
}

function addExplain(policy: Command, { context, end }: CommandParts): void {
  withFile(policy.command('explain'))
    .description('say which rule an action would need, who may decide, and why not')
    .requiredOption('--action <file>', 'the action, as for `request`; what is missing is filled in')
    .option('--owner <person>', 'the person accountable for the agent')
    .option('--operator', 'the agent is an operator')
    .option('--person <person...>', 'enrolled persons besides those whom the policy names')
    .addOption(new Option('--separation <kind>', 'of the ledger').choices(['full', 'solo']))
    .addHelpText(
      'after',
      `
No ledger is asked: whom the policy names is taken to be enrolled. Exit codes: 0 it could be asked for, 1 not.

Examples:
  $ countersign policy explain policy.json --cedar policy.cedar --action payment.json`,
    )
    .action(async (file: string, options: ExplainOptions) => {
      end(await explain(file, options, context));
    });
}

async function explain(
  file: string,
  options: ExplainOptions,
  context: CliContext,
): Promise<number> {
  const policy = await readPolicy(file, options.cedar, context);
  assertFit(policy);
  const { person, ...given } = options;
  const parties = { ...given, ...(person !== undefined && { persons: person }) };
  const action = objectIn(await readJson(options.action, 'action', context), options.action);
  const subject = subjectOf(action, parties);
  const deciders = decidersFor(policy, subject, parties);
  const verdict = verdictOf(policy, subject, deciders);
  const excluded = 'code' in verdict ? [] : excludedOf(verdict.rule.approvers, deciders);
  if (options.json === true) context.stdout.json({ ...verdictJson(verdict), excluded });
  else {
    context.stdout.lines(
      ...answerLines(policy, subject),
      ...verdictLines(verdict),
      ...excluded.map((person) => `not       ${person}, by separation of who asks and who decides`),
    );
  }
  return 'code' in verdict ? EXIT.refused : EXIT.ok;
}

/** Of those whom the rule names: what it names them for stays, and a request excludes them. */
function excludedOf(
  approvers: 'any' | readonly string[],
  { excluded }: CaseDeciders,
): readonly string[] {
  const known = excluded.filter((person) => person !== NOBODY);
  return approvers === 'any' ? known : known.filter((person) => approvers.includes(person));
}

function addTest(policy: Command, { context, end }: CommandParts): void {
  withFile(policy.command('test'))
    .description('compare what a policy comes to for actions with what is expected')
    .argument('<cases>', 'the actions, and what is expected, as JSON: docs/policies.md')
    .addHelpText(
      'after',
      `
Exit codes: 0 all as expected, 1 not.

Examples:
  $ countersign policy test policy.json cases.json --cedar policy.cedar`,
    )
    .action(async (file: string, cases: string, options: FileOptions) => {
      const read = await readPolicy(file, options.cedar, context);
      assertFit(read);
      const expected = parseCases(await readJson(cases, 'cases', context));
      const results = expected.map((each) => runCase(read, each));
      const isGood = results.every(({ differences }) => differences.length === 0);
      if (options.json === true) context.stdout.json({ results });
      else {
        for (const { name, differences } of results) {
          context.stdout.lines(
            `${differences.length === 0 ? 'ok      ' : 'differs '} ${name}`,
            ...differences.map((line) => `           ${line}`),
          );
        }
      }
      end(isGood ? EXIT.ok : EXIT.refused);
    });
}
