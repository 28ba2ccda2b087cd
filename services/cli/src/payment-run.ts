import { join } from 'node:path';
import { batchedType } from '@countersign/descriptors';
import { digestOf, type Digest, type JsonObject } from '@countersign/canonical';
import {
  ConnectorError,
  endToEndId,
  GrantConnector,
  guardedCalls,
  PaymentConnector,
  vendorFolder,
  type Connector,
  type Debtor,
  type Effect,
  type GuardedCalls,
} from '@countersign/connectors/payment';
import type { RunRefused, RunResult } from '@countersign/sdk';
import { ApprovedRun } from './approved-run.ts';
import { CliError, EXIT } from './cli-error.ts';
import type { CliContext } from './context.ts';
import type { LedgerAccess } from './ledger-access.ts';
import type { Narrator } from './narrator.ts';

/** Where payments go, and what they are made of besides what was approved. */
export interface PaymentPlace {
  readonly outbox: string;
  /** By account. */
  readonly debtors: Readonly<Record<string, Debtor>>;
  /** Vendors and invoices. */
  readonly payables: string;
}

export interface PaymentOrder {
  readonly actionId: string;
  /** Tells apart the uses of one approval. */
  readonly run: string;
  /** Of a batch, from 1. */
  readonly item: number | undefined;
  /** Undefined where there is nothing to choose. */
  readonly chosen: Readonly<Record<string, string>> | undefined;
  readonly audience: string;
}

export interface PaymentParts {
  /** As the executor. */
  readonly access: LedgerAccess;
  readonly context: CliContext;
  readonly narrator: Narrator;
  readonly place: PaymentPlace;
}

interface Payer {
  readonly type: string;
  readonly interfaceDigest: Digest;
  readonly calls: GuardedCalls;
}

/** One for each type of payment that this program makes. */
function payers({ outbox, debtors, payables }: PaymentPlace, journal: string): readonly Payer[] {
  const files = { outbox, debtors, journal };
  return [
    payer(new GrantConnector(files)),
    payer(new PaymentConnector({ ...files, vendors: vendorFolder(payables) })),
  ];
}

function payer<Params>(connector: Connector<Params>): Payer {
  return {
    type: connector.type,
    interfaceDigest: digestOf('countersign/executor/v1', connector.interface),
    calls: guardedCalls(connector),
  };
}

/** What an executor of such payments promises, by its type: the same wherever they go. */
export function paymentInterfaces(): readonly Pick<Payer, 'type' | 'interfaceDigest'>[] {
  return payers({ outbox: '', debtors: {}, payables: '' }, '');
}

/**
 * Pays once what was approved, or what this use chooses within it.
 *
 * @returns the exit code: 0 the file is in the outbox, 10 it is known not to be, 3 nobody knows
 * @throws CliError where no payment was begun
 */
export async function payApproved(order: PaymentOrder, parts: PaymentParts): Promise<number> {
  const { access, context, place } = parts;
  const { id, key } = access.agent;
  const folder = join(access.requestsFolder, 'pay');
  const executor = { id, audience: order.audience, key };
  const approved = await ApprovedRun.open(order.actionId, { access, context, executor, folder });
  const { action } = approved;
  const { interfaceDigest, calls } = payerOf(action, payers(place, join(folder, 'journal')));
  assertItemNamed(action, order);
  const { guarded, left } = await approved.guarded(order.run, interfaceDigest);
  for (const each of left) tellLeft(each, parts);
  let effect: Effect | undefined;
  let unready: ConnectorError | undefined;
  const run = await guarded.run(
    {
      action,
      preconditions: async (envelope) => {
        try {
          return await calls.preconditions(envelope);
        } catch (error) {
          // The guard tells only that it may not go on; a person has to be told why.
          if (error instanceof ConnectorError) unready = error;
          throw error;
        }
      },
      name: order.run,
      ...(order.chosen !== undefined && { chosen: order.chosen }),
      ...(order.item !== undefined && { item: order.item }),
    },
    async (verified) => {
      effect = await calls.execute(verified);
      return effect;
    },
  );
  if (unready !== undefined) {
    throw new CliError(unready.code, unready.message, { hint: 'nothing was paid' });
  }
  return tell(run, effect, { order, parts });
}

function payerOf(action: JsonObject, all: readonly Payer[]): Payer {
  const { type: name } = action;
  const meant = all.find(
    ({ type }) => typeof name === 'string' && type === (batchedType(name) ?? name),
  );
  if (meant !== undefined) return meant;
  const types = all.map(({ type }) => type).join(' or ');
  throw new CliError('NOT_SUPPORTED', `expected an action of the type ${types}, got another`);
}

/** A batch as a whole is nothing that a bank could be told. */
function assertItemNamed({ type }: JsonObject, { item }: PaymentOrder): void {
  if (item !== undefined || typeof type !== 'string' || batchedType(type) === undefined) return;
  throw new CliError('NOT_IN_BATCH', 'expected --item, the number of one of its items');
}

const LOOK =
  'look into the outbox and at the bank for it; a grant waits for a report of what came of it';

function tellLeft(left: RunResult, { narrator }: PaymentParts): void {
  if (left.outcome === 'refused') return;
  const { useId, result } = left;
  const reference = endToEndId(useId);
  const facts = { use_id: useId, result, reference };
  if (left.outcome === 'ended') {
    narrator.say('settled', `an earlier payment is reported: ${reference} ${result}`, facts);
    return;
  }
  const words = `OUTCOME_UNKNOWN: an earlier payment was cut off: ${reference}`;
  narrator.say('unknown', [words, LOOK], { ...facts, code: left.code });
}

function tell(
  run: RunResult,
  effect: Effect | undefined,
  { order, parts }: { readonly order: PaymentOrder; readonly parts: PaymentParts },
): number {
  if (run.outcome === 'refused') throw refusalOf(run, order);
  const { narrator, place } = parts;
  const reference = endToEndId(run.useId);
  const code = effect?.code ?? (run.outcome === 'unknown' ? run.code : undefined);
  const facts = {
    action_id: order.actionId,
    use_id: run.useId,
    result: run.result,
    reference,
    ...(code !== undefined && { code }),
  };
  if (run.outcome === 'unknown') {
    const words = `OUTCOME_UNKNOWN: nobody knows whether ${reference} was paid; it is not paid again`;
    narrator.say('unknown', [words, LOOK], facts);
    return EXIT.indeterminate;
  }
  if (run.result === 'failed') {
    narrator.say(
      'ended',
      `${code ?? 'failed'}: ${reference} was not paid; its use is spent`,
      facts,
    );
    return EXIT.commandFailed;
  }
  const words = run.isRepeat
    ? `the run ${order.run} has paid before: ${reference}`
    : `paid: ${join(place.outbox, `${reference}.xml`)}`;
  narrator.say('ended', words, { ...facts, is_repeat: run.isRepeat });
  return EXIT.ok;
}

function refusalOf({ code, detail }: RunRefused, { run }: PaymentOrder): CliError {
  const hint =
    code === 'NOT_STARTED'
      ? `its use is spent, and nothing was paid: another --run than ${run} takes another use`
      : 'nothing was paid';
  return new CliError(code, detail, { hint });
}
