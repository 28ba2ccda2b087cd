import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ToolGate, ToolProgram } from '@countersign/adapters';
import { fromUtf8, type JsonObject } from '@countersign/canonical';
import type { AnsweredEntry, InputAnswer } from '@countersign/projector';
import { guard, type RunStore } from '@countersign/sdk';
import { fileRunStore } from '@countersign/sdk/file-store';
import { HttpLedger } from './http-ledger.ts';
import { commandPolicy, TENANT, type Deciding } from './parties.ts';

const INTERFACE_DIGEST = `sha256:${'ab'.repeat(32)}` as const;

export const PROGRAM: ToolProgram = {
  name: 'orders',
  version: '1.4.0',
  digest: `sha256:${'c3'.repeat(32)}`,
};

/** A ledger for tools of an agent framework, the persons who decide, and the memory of an executor on a disk. */
export class ToolLedger {
  readonly at: HttpLedger;
  readonly #folder: string;

  private constructor(at: HttpLedger, folder: string) {
    this.at = at;
    this.#folder = folder;
  }

  static async start(): Promise<ToolLedger> {
    const types = ['generic.command', 'generic.tool_call'];
    const at = await HttpLedger.start({ policy: commandPolicy({ types }) });
    return new ToolLedger(at, await mkdtemp(join(tmpdir(), 'tool-ledger-')));
  }

  /** What a process has of the ledger when it starts: nothing of an earlier one but the disk. */
  gate(store: RunStore = fileRunStore(this.#folder)): ToolGate {
    const { parties } = this.at.ledger;
    const { agent, executor, tenant } = parties;
    const executorKey = {
      thumbprint: executor.thumbprint,
      sign: (message: Uint8Array) => executor.sign(message),
    };
    const who = { id: executor.id, audience: 'host:build-1' };
    return {
      ledger: this.at.client(agent),
      guard: guard({
        ledger: this.at.client(executor),
        trust: this.at.trustFile(),
        executor: { ...who, key: executorKey, interfaceDigest: INTERFACE_DIGEST },
        store,
        nowMs: () => this.at.ledger.clock.nowMs(),
      }),
      parties: {
        tenant,
        agent: { id: agent.id, key_thumbprint: agent.thumbprint },
        executor: { ...who, descriptor_digest: INTERFACE_DIGEST },
      },
      key: { thumbprint: agent.thumbprint, sign: (message) => agent.sign(message) },
    };
  }

  async decide(actionId: string, deciding: Deciding = {}): Promise<InputAnswer> {
    const admission = await this.#entry(actionId, 'request-admitted');
    return this.at.ledger.decide({ action: {}, actionId, admission }, deciding);
  }

  /** Claims a use of a binding without a look at its evidence. */
  async claim(actionId: string): Promise<InputAnswer> {
    const binding = await this.#entry(actionId, 'binding-made');
    return this.at.ledger.use({ actionId, binding });
  }

  async #entry(actionId: string, type: string): Promise<AnsweredEntry> {
    const entries = await this.at.ledger.store.entriesOf(TENANT, actionId);
    const found = entries.find((each) => each.type === type);
    if (found === undefined) throw new Error(`expected ${type} of ${actionId}`);
    const { leaf, index, at, bytes } = found;
    return {
      index,
      leaf: leaf as AnsweredEntry['leaf'],
      type,
      at,
      text: fromUtf8(bytes),
      receipt: '',
    };
  }

  /** What the persons see of it. */
  async paramsOf(actionId: string): Promise<JsonObject> {
    const content = await this.at.ledger.store.content(TENANT, actionId);
    const action = content.find(({ kind }) => kind === 'action')?.text ?? '{}';
    return (JSON.parse(action) as { params: JsonObject }).params;
  }

  /** Types of what the log holds of an action. */
  async logged(actionId: string): Promise<string[]> {
    return (await this.at.ledger.store.entriesOf(TENANT, actionId)).map(({ type }) => type);
  }

  async discard(): Promise<void> {
    await this.at.discard();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
