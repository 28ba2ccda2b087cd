import { policyDigest } from '@countersign/binding';
import { Option, type Command } from 'commander';
import { EXIT } from '../cli-error.ts';
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
  type CaseParties,
} from '../policy-case.ts';
import { parseCases, runCase } from '../policy-cases.ts';
import { addPolicyDiff } from './policy-diff.ts';
import { assertFit, faultText, faultsOf, readJson, readPolicy, remarksOf } from '../policy-file.ts';

interface FileOptions {
  readonly cedar?: string;
  readonly json?: true;
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
}

function withFile(command: Command): Command {
  return command
    .argument('<file>', 'the policy document, as JSON')
    .option('--cedar <file>', 'its Cedar, from a file of its own')
    .option('--json', 'print one JSON object');
}

function addCheck(policy: Command, { context, end }: CommandParts): void {
  withFile(policy.command('check'))
    .description('say whether a ledger would accept this policy, and what may not be meant')
    .option('--request', 'print the request that proposes it, for `countersign request -`')
    .addHelpText(
      'after',
      `
Exit codes: 0 fit to be set, 1 not; what is only remarked does not count.

Examples:
  $ countersign policy check policy.json --cedar policy.cedar
  $ countersign policy check policy.json --cedar policy.cedar --request | countersign request -`,
    )
    .action(async (file: string, options: FileOptions & { readonly request?: true }) => {
      const read = await readPolicy(file, options.cedar, context);
      if (options.request === true) {
        assertFit(read);
        context.stdout.document(`${JSON.stringify(policyRequest(read))}\n`);
        end(EXIT.ok);
        return;
      }
      const faults = faultsOf(read);
      const remarks = faults.length === 0 ? remarksOf(read) : [];
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
  const verdict = verdictOf(policy, subject, decidersFor(policy, subject, parties));
  if (options.json === true) context.stdout.json(verdictJson(verdict));
  else context.stdout.lines(...answerLines(policy, subject), ...verdictLines(verdict));
  return 'code' in verdict ? EXIT.refused : EXIT.ok;
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
