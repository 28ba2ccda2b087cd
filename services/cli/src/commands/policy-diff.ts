import type { Policy } from '@countersign/binding';
import { canonicalText } from '@countersign/canonical';
import { InvalidArgumentError, type Command } from 'commander';
import { EXIT } from '../cli-error.ts';
import type { CommandParts } from '../command-parts.ts';
import { openReader } from '../ledger-access.ts';
import { verdictJson, verdictOf } from '../policy-case.ts';
import { assertFit, readPolicy } from '../policy-file.ts';
import { pastRequests, type PastRequest } from '../policy-history.ts';
import { addReadOptions, type ClientOptions } from './access-options.ts';

interface DiffOptions extends ClientOptions {
  readonly last: number;
  readonly cedarOld?: string;
  readonly cedarNew?: string;
}

const LAST = 100;
const LAST_MAX = 10_000;

export function addPolicyDiff(policy: Command, { context, end }: CommandParts): void {
  addReadOptions(policy.command('diff'))
    .description('say what another policy would change for the last requests of a ledger')
    .argument('<old>', 'a policy document')
    .argument('<new>', 'another one')
    .option('--cedar-old <file>', 'the Cedar of the first, from a file of its own')
    .option('--cedar-new <file>', 'the Cedar of the second')
    .option('--last <count>', 'how many requests', count, LAST)
    .addHelpText(
      'after',
      `
Both are asked about each request as it was made, over the persons who are enrolled now. Exit codes: 0 nothing changes, 1 something does.

Examples:
  $ countersign policy diff old.json new.json --cedar-new new.cedar --last 500`,
    )
    .action(async (old: string, next: string, options: DiffOptions) => {
      const before = await readPolicy(old, options.cedarOld, context);
      const after = await readPolicy(next, options.cedarNew, context);
      assertFit(before);
      assertFit(after);
      const client = await openReader(options, context);
      const { requests, left } = await pastRequests(client, options.last);
      const changes = requests
        .map((request) => changeOf(request, { before, after }))
        .filter(({ differences }) => differences.length > 0);
      if (options.json === true) {
        context.stdout.json({ requests: requests.length, left, changes });
      } else {
        context.stdout.lines(
          ...changes.flatMap(({ action_id: id, type, differences }) => [
            `${id}  ${type}`,
            ...differences.map((line) => `  ${line}`),
          ]),
          `${requests.length} requests, ${changes.length} of them otherwise; ${left} that nothing could be asked about`,
        );
      }
      end(changes.length === 0 ? EXIT.ok : EXIT.refused);
    });
}

interface Change {
  readonly action_id: string;
  readonly type: string;
  readonly differences: readonly string[];
}

function changeOf(
  { subject, deciders }: PastRequest,
  { before, after }: { readonly before: Policy; readonly after: Policy },
): Change {
  const { action_id, type } = subject.action.envelope;
  const [was, is] = [before, after].map((policy) =>
    verdictJson(verdictOf(policy, subject, deciders)),
  );
  const members = new Set([...Object.keys(was ?? {}), ...Object.keys(is ?? {})]);
  const differences = [...members].flatMap((member) => {
    const [one, other] = [was, is].map((verdict) => canonicalText(verdict?.[member] ?? null));
    return one === other ? [] : [`${member}: ${one ?? ''} -> ${other ?? ''}`];
  });
  return { action_id, type, differences };
}

function count(text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0 && number <= LAST_MAX) return number;
  throw new InvalidArgumentError(`expected 1 to ${LAST_MAX}`);
}
