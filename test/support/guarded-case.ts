import type { JsonObject } from '@countersign/canonical';
import { guardedCalls, useReference } from '@countersign/connectors';
import type { TargetRecord } from '@countersign/connectors/records';
import type { ConnectorStage } from '@countersign/connectors/testing';
import { expectedEffects, reconcile, type BoundUse, type Reconciled } from '@countersign/reconcile';
import {
  draftAction,
  guard,
  memoryRunStore,
  requestBinding,
  waitForBinding,
  type BindingRequested,
  type RunResult,
  type RunStore,
} from '@countersign/sdk';
import { boundUses } from '../../services/cli/src/bound-uses.ts';
import type { HttpLedger } from './http-ledger.ts';
import type { Deciding, KeyHolder } from './parties.ts';

const AUDIENCE = 'host:build-1';
const INTERFACE = `sha256:${'ab'.repeat(32)}` as const;
const HOUR_S = 3_600;

export type AskedAction = JsonObject & { readonly action_id: string };

/** An action that a person has approved, with the evidence that its agent was handed. */
export interface Approved {
  readonly action: AskedAction;
  readonly evidence: string;
}

export interface RunChanges<Params> {
  /** Other parameters than were approved, from wherever they come. */
  readonly params?: Params;
  /** What the executor remembers of earlier runs; nothing unless given. */
  readonly store?: RunStore;
}

interface CaseParts<Params> {
  readonly ledger: HttpLedger;
  readonly stage: ConnectorStage<Params>;
  readonly asked: (params: Params) => object;
}

/** One use case: an agent that asks, persons who decide, an executor of the real connector, and its target. */
export class GuardedCase<Params> {
  readonly stage: ConnectorStage<Params>;
  readonly #ledger: HttpLedger;
  readonly #asked: (params: Params) => object;

  constructor({ ledger, stage, asked }: CaseParts<Params>) {
    this.stage = stage;
    this.#ledger = ledger;
    this.#asked = asked;
  }

  /** A whole action for these parameters, with the live state as it is now. */
  async draft(params: Params = this.stage.params): Promise<AskedAction> {
    const { connector } = this.stage;
    const { agent, executor, tenant } = this.#ledger.ledger.parties;
    const live = Object.entries(await connector.preconditions(params));
    return draftAction(
      {
        tenant,
        agent: { id: agent.id, key_thumbprint: agent.thumbprint },
        executor: { id: executor.id, audience: AUDIENCE, descriptor_digest: INTERFACE },
      },
      {
        type: connector.type,
        typeVersion: 1,
        params: this.#asked(params) as JsonObject,
        preconditions: live
          .map(([name, digest]) => ({ name, digest }))
          .sort((a, b) => (a.name < b.name ? -1 : 1)),
        lifeS: HOUR_S,
      },
    );
  }

  ask(action: AskedAction): Promise<BindingRequested> {
    const { agent } = this.#ledger.ledger.parties;
    const key = keyOf(agent);
    return requestBinding(this.#ledger.client(agent), { key, action });
  }

  /** The code with which it is refused, or `requested`. */
  async answerTo(action: AskedAction): Promise<string> {
    const asked = await this.ask(action);
    return asked.status === 'refused' ? asked.code : asked.status;
  }

  /** The agent asks, a person signs with a passkey, and the agent hears of it. */
  async decided(
    action: AskedAction,
    verdict: NonNullable<Deciding['verdict']> = 'approve',
  ): Promise<string> {
    const asked = await this.ask(action);
    if (asked.status === 'refused') throw new Error(`expected a request, got ${asked.code}`);
    const { ledger } = this.#ledger;
    const waiting = waitForBinding(this.#ledger.client(ledger.parties.agent), action.action_id);
    const { entry: admission } = asked.answer;
    const decision = ledger.parties.decisionFrame(admission, { verdict });
    await ledger.ask('decision', action.action_id, decision);
    const heard = await waiting;
    return heard.status === 'bound' ? heard.evidence : heard.status;
  }

  async approved(params: Params = this.stage.params): Promise<Approved> {
    const action = await this.draft(params);
    return { action, evidence: await this.decided(action) };
  }

  /** As an executor does that gets the evidence from the agent, and was never started before. */
  run(
    { action, evidence }: { readonly action: AskedAction; readonly evidence?: string },
    { params, store = memoryRunStore() }: RunChanges<Params> = {},
  ): Promise<RunResult> {
    const { executor } = this.#ledger.ledger.parties;
    const kept = evidence === undefined ? undefined : Buffer.from(evidence);
    const calls = guardedCalls(this.stage.restarted(), kept);
    const guarded = guard({
      ledger: this.#ledger.client(executor),
      trust: this.#ledger.trustFile(),
      executor: {
        id: executor.id,
        audience: AUDIENCE,
        key: keyOf(executor),
        interfaceDigest: INTERFACE,
      },
      nowMs: () => this.#ledger.ledger.clock.nowMs(),
      store,
    });
    return guarded.run(
      {
        action,
        ...(params !== undefined && { params: this.#asked(params) as JsonObject }),
        ...(evidence !== undefined && { evidence }),
        preconditions: (approved) => calls.preconditions(approved),
      },
      (verified) => calls.execute(verified),
    );
  }

  /** What its executor has reported, by the evidence of today. */
  async reports(action: AskedAction): Promise<string[]> {
    const evidence = await this.#ledger.reader().evidence(action.action_id);
    const { reports } = JSON.parse(evidence) as { reports: { entry: string }[] };
    return reports.map(({ entry }) => {
      const { report } = JSON.parse(entry) as { report: string };
      return (JSON.parse(report) as { result: string }).result;
    });
  }

  /** The use of this action, beside what its target recorded of it and of all others. */
  async reconciled(action: AskedAction, record: TargetRecord): Promise<Reconciled> {
    const all = await boundUses(this.#ledger.reader());
    const uses = all.filter(({ actionId }) => actionId === action.action_id);
    const covered = new Map(record.kinds.map((kind) => [kind, record.until]));
    return reconcile({ uses, effects: record.effects, covered });
  }

  /** How many changes of its target the action is expected to make. */
  changes(action: AskedAction): number {
    return (expectedEffects(action['type'] as string, action['params'] as JsonObject) ?? []).length;
  }

  /** The record of the target names the use. */
  async isNamed({ shortId, useId }: Pick<BoundUse, 'shortId' | 'useId'>): Promise<boolean> {
    const record = await this.stage.targetRecord();
    return [shortId, useReference(useId)].some((text) => record.includes(text));
  }
}

function keyOf(holder: KeyHolder): {
  thumbprint: KeyHolder['thumbprint'];
  sign: (message: Uint8Array) => Uint8Array;
} {
  return { thumbprint: holder.thumbprint, sign: (message) => holder.sign(message) };
}

export function told(result: RunResult): string {
  return result.outcome === 'ended' ? `ended ${result.result}` : `${result.outcome} ${result.code}`;
}
