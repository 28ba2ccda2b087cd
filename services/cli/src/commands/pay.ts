import { resolve } from 'node:path';
import { isUlid } from '@countersign/canonical';
import type { Command } from 'commander';
import { cliError, EXIT } from '../cli-error.ts';
import type { CommandParts } from '../command-parts.ts';
import type { CliContext } from '../context.ts';
import { existingFolder } from '../existing-folder.ts';
import { openLedger } from '../ledger-access.ts';
import { Narrator } from '../narrator.ts';
import { parseItem } from './item-option.ts';

interface PayOptions {
  readonly data?: string;
  readonly url?: string;
  readonly trust?: string;
  readonly json?: true;
  readonly choose?: ReadonlyMap<string, string>;
  readonly run?: string;
  readonly item?: number;
  readonly outbox?: string;
  readonly debtor?: ReadonlyMap<string, string>;
  readonly payables: string;
  readonly executorKey?: string;
  readonly executorId?: string;
  readonly audience?: string;
  readonly interfaces?: true;
}

export function addPay(program: Command, { context, end }: CommandParts): void {
  program
    .command('pay')
    .description('pay what was approved, or what this use chooses within a grant, by a file')
    .argument('[id]', 'id of the action')
    .option('--choose <name=value>', 'a value within the grant, as amount=12.50', parseChosen)
    .option('--item <number>', 'which item of a batch, as its page numbers them', parseItem)
    .option('--run <name>', 'tells apart the payments of one grant (default: 1)', parseRun)
    .option('--outbox <dir>', 'where the client of the bank takes its files from')
    .option('--debtor <iban=name>', 'an account to pay from, and whose it is (repeat)', parseDebtor)
    .option('--payables <dir>', 'vendors and invoices, for a payment.transfer', 'payables')
    .option('--executor-key <file>', 'key file of the executor')
    .option('--executor-id <id>', 'id of the executor')
    .option('--audience <name>', 'audience of the executor')
    .option('--interfaces', 'print the digests by which such executors are enrolled, and end')
    .option('--data <dir>', 'data folder of the ledger (COUNTERSIGN_DATA_DIR)')
    .option('--url <url>', 'a ledger elsewhere; needs --trust')
    .option('--trust <file>', 'trust file (default: that of the data folder)')
    .option('--json', 'print JSON, one object a line')
    .addHelpText(
      'after',
      `
One run pays once, however often it is called; a grant takes as many runs as it has payments, each with a name of its own.
Exit codes: 0 the file is in the outbox, 10 it is not and the use is spent, 1 refused, 2 usage, 3 nobody knows.

Examples:
  $ countersign pay --interfaces
  $ countersign pay 01JD3ZQ5Y0W9V8X7T6S5R4Q3P2 --choose amount=12.50 --run week-48 --outbox /srv/bank/outbox
    --debtor "DE89370400440532013000=Hansa Maschinen AG"
    --executor-key bank-1.key --executor-id bank-1 --audience bank`,
    )
    .action(async (id: string | undefined, options: PayOptions) => {
      end(await pay(id, options, context));
    });
}

function pairOf(text: string, option: string, pattern: RegExp): readonly [string, string] {
  const [, name, value] = pattern.exec(text) ?? [];
  if (name !== undefined && value !== undefined) return [name, value];
  throw cliError('USAGE', `${option}: expected a name, = and a value, got another text`);
}

function together(
  [name, value]: readonly [string, string],
  option: string,
  before: ReadonlyMap<string, string> = new Map(),
): ReadonlyMap<string, string> {
  if (before.has(name)) throw cliError('USAGE', `${option}: expected ${name} once`);
  return new Map([...before, [name, value]]);
}

function parseChosen(
  text: string,
  before?: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const chosen = pairOf(text, '--choose', /^([a-z][a-z0-9_]{0,31})=(.{1,32})$/);
  return together(chosen, '--choose', before);
}

function parseDebtor(
  text: string,
  before?: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const debtor = pairOf(text, '--debtor', /^([A-Z]{2}[0-9A-Z]{13,32})=(.{1,70})$/);
  return together(debtor, '--debtor', before);
}

function parseRun(text: string): string {
  if (/^[a-z0-9-]{1,32}$/.test(text)) return text;
  throw cliError('USAGE', '--run: expected 1 to 32 small letters, digits and hyphens');
}

/** What a payment needs; `--interfaces` needs none of it. */
function demanded(value: string | undefined, what: string): string {
  if (value !== undefined) return value;
  throw cliError('USAGE', `expected ${what}`);
}

async function pay(
  id: string | undefined,
  options: PayOptions,
  context: CliContext,
): Promise<number> {
  // What makes a file for a bank takes its time to load.
  const { payApproved, paymentInterfaces } = await import('../payment-run.ts');
  if (options.interfaces === true) {
    for (const { type, interfaceDigest } of paymentInterfaces()) {
      if (options.json === true) context.stdout.json({ type, interface_digest: interfaceDigest });
      else context.stdout.lines(`${type.padEnd(16)}  ${interfaceDigest}`);
    }
    return EXIT.ok;
  }
  const actionId = demanded(id, 'the id of an action');
  if (!isUlid(actionId)) {
    throw cliError('USAGE', 'id: expected the id of an action, 26 capital letters and digits');
  }
  const key = demanded(options.executorKey, '--executor-key');
  const agentId = demanded(options.executorId, '--executor-id');
  const audience = demanded(options.audience, '--audience');
  const outbox = resolve(context.cwd, demanded(options.outbox, '--outbox'));
  const { choose, debtor = new Map<string, string>(), item } = options;
  const { run = item === undefined ? '1' : `item-${item}` } = options;
  // Else the use would be spent before anybody finds out.
  await existingFolder(outbox, '--outbox');
  const access = await openLedger({ ...options, key, agentId }, context);
  return payApproved(
    {
      actionId,
      run,
      item,
      chosen: choose === undefined ? undefined : Object.fromEntries(choose),
      audience,
    },
    {
      access,
      context,
      narrator: new Narrator(context.stderr, options.json === true),
      place: {
        outbox,
        debtors: Object.fromEntries([...debtor].map(([account, name]) => [account, { name }])),
        payables: resolve(context.cwd, options.payables),
      },
    },
  );
}
