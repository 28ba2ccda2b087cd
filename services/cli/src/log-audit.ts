import {
  AuditError,
  LogAudit,
  type AuditFindings,
  type AuditOptions,
  type TileSource,
} from '@countersign/audit';
import { verifySignatureAside } from '@countersign/crypto-node';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import type { Trust } from '@countersign/verify';
import { AuditMirror } from './audit-mirror.ts';
import { FolderSource, HttpSource, ReadAhead } from './audit-source.ts';
import type { AuditState, AuditStateFile } from './audit-state.ts';
import { CliError, EXIT, cliError } from './cli-error.ts';
import { POLICY_ENGINE } from './policy-engine.ts';

/** How often what was checked is written down. */
const SAVE_EVERY_MS = 1_000;

export interface LogAuditOptions {
  /** Address of the log, or path of a folder. */
  readonly log: { readonly url: string; readonly token?: string } | { readonly folder: string };
  readonly trust: Trust;
  /** Digest of the trust file and of how it is read: what was checked by another one is checked again. */
  readonly trustDigest: string;
  readonly allowDemo: boolean;
  readonly nearMs: number;
  readonly keep?: string;
  readonly state?: AuditStateFile;
  readonly isFull: boolean;
  readonly interrupted: AbortSignal;
  readonly nowMs: () => number;
  readonly onProgress: (checked: number, size: number) => void;
  readonly onEntry?: AuditOptions['onEntry'];
}

/** What an audit came to. schemas/formats/audit.md §1 */
export type AuditOutcome =
  | { readonly outcome: 'VALID'; readonly findings: AuditFindings }
  | {
      readonly outcome: 'REFUSED' | 'INDETERMINATE';
      readonly code: string;
      readonly index?: number;
      readonly detail: string;
      /** Two signed notes, where they prove it without the log. */
      readonly evidence: readonly string[];
      /** Where both signed heads are kept. */
      readonly proof?: string;
    };

/** An audit of one log with what it keeps on disk. It may be run again, and then goes on with what is new. */
export class KeptAudit {
  readonly #options: LogAuditOptions;
  readonly #mirror: AuditMirror | undefined;
  readonly #audit: LogAudit;
  #state: AuditState;
  #savedMs = 0;

  private constructor(
    options: LogAuditOptions,
    parts: {
      readonly source: TileSource;
      readonly mirror?: AuditMirror;
      readonly state: AuditState;
    },
  ) {
    const { trust, allowDemo, nearMs, trustDigest, isFull, onEntry } = options;
    const { seen, checked } = parts.state;
    const from = isFull || checked?.trust !== trustDigest ? undefined : checked;
    this.#options = options;
    this.#mirror = parts.mirror;
    this.#state = parts.state;
    this.#audit = new LogAudit({
      source: parts.source,
      trust,
      allowDemo,
      nearMs,
      descriptors: BUILTIN_DESCRIPTORS,
      policyEngine: POLICY_ENGINE,
      verifySignature: verifySignatureAside,
      ...(seen !== undefined && { seen }),
      ...(from !== undefined && { from }),
      ...(onEntry !== undefined && { onEntry }),
      onHead: (head) => {
        parts.mirror?.noteHead(head);
        return Promise.resolve();
      },
      ...(parts.mirror !== undefined && { onFiles: (files) => this.#keep(files) }),
      onChecked: (reached, size) => this.#checked(reached, size),
    });
  }

  /** @throws CliError of what is on disk: DATA_FOREIGN, FOREIGN_LEDGER, DATA_DAMAGED, … */
  static async open(options: LogAuditOptions): Promise<KeptAudit> {
    const { log, keep, trust, interrupted } = options;
    const served =
      'folder' in log ? new FolderSource(log.folder) : new HttpSource({ ...log, interrupted });
    const state = (await options.state?.read()) ?? {};
    if (keep === undefined) {
      const source = 'folder' in log ? served : new ReadAhead(served);
      return new KeptAudit(options, { source, state });
    }
    const mirror = await AuditMirror.open(keep, served, trust);
    return new KeptAudit(options, { source: new ReadAhead(mirror), mirror, state });
  }

  /** @throws CliError where nothing can be said of the log: LEDGER_UNREACHABLE, INTERRUPTED, READ_SCOPE, … */
  async run(): Promise<AuditOutcome> {
    try {
      const findings = await this.#audit.run();
      await this.#end(findings);
      return { outcome: 'VALID', findings };
    } catch (error) {
      return await this.#refused(error);
    }
  }

  /** What was checked, then its checkpoint, then that it was seen: whoever stops between has less, never more. */
  async #end({ head, signedBy }: AuditFindings): Promise<void> {
    await this.#mirror?.end(signedBy);
    const { trustDigest: trust } = this.#options;
    this.#state = { seen: head, checked: { size: head.size, root: head.root, trust } };
    await this.#options.state?.write(this.#state);
  }

  async #keep(files: Parameters<AuditMirror['keep']>[0]): Promise<void> {
    await this.#mirror?.keep(files);
  }

  async #checked(
    reached: { readonly size: number; readonly root: Uint8Array },
    size: number,
  ): Promise<void> {
    const { onProgress, interrupted, nowMs, trustDigest: trust } = this.#options;
    onProgress(reached.size, size);
    if (reached.size > (this.#state.checked?.size ?? 0)) {
      this.#state = { ...this.#state, checked: { ...reached, trust } };
    }
    const isDue = reached.size > 0 && nowMs() - this.#savedMs >= SAVE_EVERY_MS;
    if (isDue || interrupted.aborted) {
      this.#savedMs = nowMs();
      await this.#options.state?.write(this.#state);
    }
    if (interrupted.aborted) {
      throw cliError('INTERRUPTED', `interrupted with ${reached.size} of ${size} entries checked`, {
        hint: 'run it again: it goes on from there',
      });
    }
  }

  async #refused(error: unknown): Promise<AuditOutcome> {
    if (!(error instanceof AuditError)) throw error;
    const { code, index, message, evidence } = error;
    const [held, offered] = evidence;
    const proof =
      held === undefined || offered === undefined
        ? undefined
        : await this.#options.state?.keepConflict([held, offered]);
    const isIndeterminate = new CliError(code, message).exitCode === EXIT.indeterminate;
    return {
      outcome: isIndeterminate ? 'INDETERMINATE' : 'REFUSED',
      code,
      ...(index !== undefined && { index }),
      detail: message,
      evidence,
      ...(proof !== undefined && { proof }),
    };
  }
}
