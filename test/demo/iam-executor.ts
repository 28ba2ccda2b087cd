import { digestOf, type Digest } from '@countersign/canonical';
import {
  guard,
  type ExecutionResult,
  type Guard,
  type HeldKey,
  type LedgerClient,
  type RunResult,
  type VerifiedAction,
} from '@countersign/sdk';
import type { IamTarget } from './iam-target.ts';

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

/** Changes one managed policy under a binding: writes exactly the approved text, tags it, reads it back. */
export class IamExecutor {
  readonly #target: IamTarget;
  readonly #guard: Guard;

  constructor(parts: {
    ledger: LedgerClient;
    id: string;
    key: HeldKey;
    target: IamTarget;
    trust: Uint8Array;
  }) {
    const { ledger, id, key, target, trust } = parts;
    this.#target = target;
    this.#guard = guard({
      ledger,
      trust,
      executor: { id, audience: target.account, key, interfaceDigest: IAM_INTERFACE },
      allowDemo: true,
    });
  }

  /** @param action made of the parameters that would be sent: whatever the agent handed over. */
  execute(action: Uint8Array): Promise<RunResult> {
    const preconditions = async (): Promise<Record<string, Digest>> => ({
      'policy.before': policyDigest((await this.#target.read()).document),
    });
    return this.#guard.run({ action, preconditions }, (verified) => this.#write(verified));
  }

  async #write({ params, shortId }: VerifiedAction): Promise<ExecutionResult> {
    const { before, after } = params as { readonly before: string; readonly after: string };
    const version = await this.#target.write(after);
    await this.#target.tag('countersign-use', shortId);
    const now = await this.#target.read();
    return {
      result: now.document === after ? 'succeeded' : 'failed',
      targetRef: `${this.#target.policyArn} ${version}`,
      beforeDigest: policyDigest(before),
      afterDigest: policyDigest(now.document),
    };
  }
}
