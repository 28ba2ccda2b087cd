import { join } from 'node:path';
import type { Digest, JsonObject } from '@countersign/canonical';
import { guard, LedgerClient, type Guard, type RunResult, type RunStore } from '@countersign/sdk';
import { fileRunStore } from '@countersign/sdk/file-store';
import type { Executor } from './bound-use.ts';
import { CliError } from './cli-error.ts';
import type { CliContext } from './context.ts';
import { makeOwnFolders } from './folder-modes.ts';
import { actionIn } from './given-evidence.ts';
import type { LedgerAccess } from './ledger-access.ts';
import { refusingAsCommand } from './ledger-client.ts';
import { POLICY_ENGINE } from './policy-engine.ts';

export interface ApprovedRunParts {
  readonly access: LedgerAccess;
  readonly context: CliContext;
  readonly executor: Executor;
  /** Where the runs of this kind are remembered. */
  readonly folder: string;
}

/** What somebody has asked for and persons have approved, for one of our executors to run by a guard. */
export class ApprovedRun {
  /** As the ledger tells it: the guard holds it against the evidence. */
  readonly action: JsonObject;
  readonly #parts: ApprovedRunParts;
  readonly #ledger: LedgerClient;

  private constructor(action: JsonObject, ledger: LedgerClient, parts: ApprovedRunParts) {
    this.action = action;
    this.#ledger = ledger;
    this.#parts = parts;
  }

  /** @throws CliError what the ledger refuses, CONTENT_ERASED, ACTION_DIGEST_MISMATCH */
  static async open(actionId: string, parts: ApprovedRunParts): Promise<ApprovedRun> {
    const { access, context, executor } = parts;
    const { nowMs, randomBytes } = context;
    const { thumbprint: keyId, sign } = executor.key;
    const reader = { keyId, sign };
    const ledger = new LedgerClient({ url: access.client.url, reader, nowMs, randomBytes });
    const action = actionIn(await refusingAsCommand(() => ledger.evidence(actionId)), actionId);
    if (action === undefined) {
      throw new CliError('CONTENT_ERASED', 'expected what the action says, which was erased');
    }
    return new ApprovedRun(action, ledger, parts);
  }

  /**
   * The guard of a run, once the ledger has heard of those that were cut off: it lets nothing that waits for them go on before.
   *
   * @param run the name of the run at hand: its own call knows better what to do with what is left of it
   * @throws CliError DATA_PERMISSIONS where others could take records of runs away
   */
  async guarded(
    run: string,
    interfaceDigest: Digest,
  ): Promise<{ readonly guarded: Guard; readonly left: readonly RunResult[] }> {
    const { access, context, executor, folder } = this.#parts;
    const { action_id: actionId } = this.action as { readonly action_id: string };
    const records = join(folder, 'runs');
    await makeOwnFolders(access.requestsFolder, folder, records);
    const guarded = guard({
      ledger: this.#ledger,
      trust: access.trust,
      policyEngine: POLICY_ENGINE,
      allowDemo: access.allowDemo,
      executor: { ...executor, interfaceDigest },
      store: othersOpen(fileRunStore(records), `${actionId}.${run}`),
      nowMs: context.nowMs,
    });
    return { guarded, left: await guarded.settle() };
  }
}

function othersOpen(store: RunStore, own: string): RunStore {
  return { ...store, open: async () => (await store.open()).filter((run) => run !== own) };
}
