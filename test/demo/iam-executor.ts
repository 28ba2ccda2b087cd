import {
  digestOf,
  formatTimestamp,
  parseStrict,
  type Digest,
  type JsonObject,
} from '@countersign/canonical';
import { newUlid, verifySignature } from '@countersign/crypto-node';
import { createVerifier, parseEvidence, parseTrust, type Verifier } from '@countersign/verify';
import type { Answer } from '../support/http-person.ts';
import type { IamTarget } from './iam-target.ts';
import type { MachineClient } from './machine-client.ts';

export const IAM_INTERFACE: Digest = digestOf('countersign/executor/v1', {
  v: 'countersign.executor-interface.v1',
  interface: 'countersign.executor.iam-policy.v1',
  write: 'CreatePolicyVersion with SetAsDefault and exactly the approved text',
  before: 'the live text equals the approved one',
  after: 'the text read back equals the approved one',
});

export function policyDigest(document: string): Digest {
  return digestOf('countersign/precondition/v1', document);
}

export type Executed =
  | { readonly outcome: 'executed'; readonly shortId: string; readonly version: string }
  | { readonly outcome: 'refused'; readonly code: string };

interface PolicyAction {
  readonly tenant: string;
  readonly action_id: string;
  readonly params: { readonly before: string; readonly after: string };
}

/**
 * Changes one managed policy under a binding, in the order of the executor contract: verify offline, compare the live
 * state, claim the use, write exactly the approved text, read back, tag, report.
 */
export class IamExecutor {
  readonly #client: MachineClient;
  readonly #target: IamTarget;
  readonly #verifier: Verifier;

  constructor(parts: { client: MachineClient; target: IamTarget; trust: Uint8Array }) {
    this.#client = parts.client;
    this.#target = parts.target;
    this.#verifier = createVerifier({ trust: parseTrust(parts.trust), verifySignature });
  }

  /** @param actionBytes the action made of the parameters that would be sent: whatever the agent handed over. */
  async execute(actionBytes: Uint8Array): Promise<Executed> {
    const action = parseStrict(actionBytes) as unknown as PolicyAction;
    const evidence = parseEvidence(await this.#client.evidence(action.action_id));
    const live = await this.#target.read();
    const verified = await this.#verifier.verifyForExecution(evidence, {
      nowMs: Date.now(),
      action: actionBytes,
      executor: { id: this.#client.id, interfaceDigest: IAM_INTERFACE },
      preconditions: { 'policy.before': policyDigest(live.document) },
      allowDemo: true,
    });
    if (verified.outcome !== 'VALID') return refused(verified.code);
    const { entry, leaf } = evidence.binding;
    const useId = newUlid(Date.now());
    const claim = await this.#client.send('uses', 'use', {
      v: 'countersign.use.v1',
      tenant: action.tenant,
      action_id: action.action_id,
      use_id: useId,
      action_digest: entry.action_digest,
      binding: leaf,
      executor: this.#client.id,
      claimed_at: formatTimestamp(Date.now()),
    });
    if (claim.status >= 300) return refused(claim.body['code']);
    const use = await this.#verifier.verifyUse({
      entry: (claim.body['entry'] as { text: string }).text,
      receipt: String(claim.body['receipt']),
      binding: { entry, leaf },
      useId,
      nowMs: Date.now(),
    });
    if (use.outcome !== 'VALID' || use.shortId === undefined) return refused(use.code);
    return this.#write(action, { useId, shortId: use.shortId, actionDigest: entry.action_digest });
  }

  async #write(
    action: PolicyAction,
    use: { useId: string; shortId: string; actionDigest: Digest },
  ): Promise<Executed> {
    const startedAt = formatTimestamp(Date.now());
    const version = await this.#target.write(action.params.after);
    await this.#target.tag('countersign-use', use.shortId);
    const now = await this.#target.read();
    const report: JsonObject = {
      v: 'countersign.report.v1',
      tenant: action.tenant,
      action_id: action.action_id,
      use_id: use.useId,
      action_digest: use.actionDigest,
      executor: this.#client.id,
      result: now.document === action.params.after ? 'succeeded' : 'failed',
      target_ref: `${this.#target.policyArn} ${version}`,
      before_digest: policyDigest(action.params.before),
      after_digest: policyDigest(now.document),
      started_at: startedAt,
      ended_at: formatTimestamp(Date.now()),
    };
    const reported: Answer = await this.#client.send('reports', 'report', report);
    if (reported.status >= 300) return refused(reported.body['code']);
    return { outcome: 'executed', shortId: use.shortId, version };
  }
}

function refused(code: unknown): Executed {
  return { outcome: 'refused', code: String(code) };
}
