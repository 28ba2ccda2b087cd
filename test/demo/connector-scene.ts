import { digestOf, type Digest, type JsonObject } from '@countersign/canonical';
import { guardedCalls, type Connector } from '@countersign/connectors';
import {
  draftAction,
  guard,
  requestBinding,
  type Guard,
  type HeldKey,
  type LedgerClient,
  type RunResult,
} from '@countersign/sdk';
import { agentKey, clientOf, enrolledExecutor } from './machines.ts';
import { readTrust } from './trust-file.ts';
import { expectEqual, stage } from './stage.ts';
import type { Cast } from './story-command.ts';

/** An action that was asked for, whole. */
export type AskedAction = JsonObject & { readonly action_id: string };

interface Parts<Params> {
  readonly cast: Cast;
  readonly id: string;
  readonly audience: string;
  readonly connector: Connector<Params>;
}

const HOUR_S = 3_600;

/** One connector behind a guard, run by an executor that a person has signed for, and the agent that asks for it. */
export class ConnectorScene<Params> {
  readonly #parts: Parts<Params>;
  readonly #agent: HeldKey;
  readonly #executor: HeldKey;
  readonly #digest: Digest;

  private constructor(
    parts: Parts<Params>,
    keys: { agent: HeldKey; executor: HeldKey; digest: Digest },
  ) {
    this.#parts = parts;
    this.#agent = keys.agent;
    this.#executor = keys.executor;
    this.#digest = keys.digest;
  }

  static async open<Params>(parts: Parts<Params>): Promise<ConnectorScene<Params>> {
    const { cast, id, audience, connector } = parts;
    const digest = digestOf('countersign/executor/v1', connector.interface);
    const executor = await enrolledExecutor(cast, { id, audience, interfaceDigest: digest });
    stage.step('operator', `enrols ${id}, and the founder signs for that too`);
    const agent = await agentKey(cast);
    return new ConnectorScene(parts, { agent, executor, digest });
  }

  /** A whole action for these parameters, with the live state as it is now. */
  async draft(params: Params): Promise<AskedAction> {
    const { id, audience, connector } = this.#parts;
    const live = Object.entries(await connector.preconditions(params));
    return draftAction(
      {
        tenant: 'default',
        agent: { id: 'local-agent', key_thumbprint: this.#agent.thumbprint },
        executor: { id, audience, descriptor_digest: this.#digest },
      },
      {
        type: connector.type,
        typeVersion: 1,
        params: params as unknown as JsonObject,
        preconditions: live
          .map(([name, state]) => ({ name, digest: state }))
          .sort((a, b) => (a.name < b.name ? -1 : 1)),
        lifeS: HOUR_S,
      },
    );
  }

  /** @returns `requested`, or the code of the refusal */
  async ask(action: AskedAction): Promise<string> {
    const asked = await requestBinding(this.#client(this.#agent), { key: this.#agent, action });
    return asked.status === 'refused' ? asked.code : asked.status;
  }

  /** Asks, and the founder reads and approves. */
  async approved(params: Params, rationale: string): Promise<AskedAction> {
    const action = await this.draft(params);
    expectEqual(await this.ask(action), 'requested', 'the request');
    const { founder } = this.#parts.cast;
    const answer = await founder.decide(action.action_id, 'approve', rationale);
    expectEqual(answer.status, 201, 'status of the decision');
    return action;
  }

  /** As an executor does that was never started before: it knows of no earlier run. */
  async run(action: AskedAction, params?: Params): Promise<RunResult> {
    const calls = guardedCalls(this.#parts.connector);
    return this.#guard().run(
      {
        action,
        ...(params !== undefined && { params: params as unknown as JsonObject }),
        preconditions: (approved) => calls.preconditions(approved),
      },
      (verified) => calls.execute(verified),
    );
  }

  #guard(): Guard {
    const { cast, id, audience } = this.#parts;
    return guard({
      ledger: this.#client(this.#executor),
      trust: readTrust(cast.ledger.trustFile).bytes,
      executor: { id, audience, key: this.#executor, interfaceDigest: this.#digest },
      allowDemo: true,
    });
  }

  #client(key: HeldKey): LedgerClient {
    return clientOf(this.#parts.cast.ledger.url, key);
  }
}

/** @throws Error unless it ran and succeeded */
export function shortIdOf(run: RunResult): string {
  if (run.outcome === 'ended' && run.result === 'succeeded') return run.shortId;
  throw new Error(`expected it to run, got ${JSON.stringify(run)}`);
}

/** The code with which it did not run. */
export function codeOf(run: RunResult): string {
  return run.outcome === 'ended' ? run.result : run.code;
}
