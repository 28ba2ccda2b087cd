import { AuditError, LogAudit, type AuditFindings, type AuditOptions } from '@countersign/audit';
import { canonicalBytes } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import { parseTrust } from '@countersign/verify';
import type { DecidedLog } from './decided-log.ts';
import { POLICY_ENGINE } from './policy-engine.ts';

export type LogFiles = ReadonlyMap<string, Uint8Array>;

/** An audit of files in memory, by the trust file of this log. */
export function auditOf(
  log: DecidedLog,
  files: LogFiles,
  more: Partial<AuditOptions> = {},
): LogAudit {
  return new LogAudit({
    source: {
      checkpoint: () => Promise.resolve(Buffer.from(files.get('checkpoint') ?? []).toString()),
      read: (path) => {
        const bytes = files.get(path);
        const missing = new AuditError('TILE_MISSING', `${path}: expected this tile`);
        return bytes === undefined ? Promise.reject(missing) : Promise.resolve(bytes);
      },
    },
    trust: parseTrust(canonicalBytes(log.trust())),
    allowDemo: false,
    descriptors: BUILTIN_DESCRIPTORS,
    policyEngine: POLICY_ENGINE,
    verifySignature,
    nearMs: 3_600_000,
    ...more,
  });
}

export async function audited(log: DecidedLog, files?: LogFiles): Promise<AuditFindings> {
  return auditOf(log, files ?? (await log.files())).run();
}

export interface AuditRefusal {
  readonly code: string;
  readonly index: number | undefined;
  readonly message: string;
  readonly evidence: readonly string[];
}

/** Why an audit refuses. */
export async function auditRefusal(
  log: DecidedLog,
  files: LogFiles,
  more: Partial<AuditOptions> = {},
): Promise<AuditRefusal> {
  try {
    await auditOf(log, files, more).run();
  } catch (error) {
    if (!(error instanceof AuditError)) throw error;
    const { code, index, message, evidence } = error;
    return { code, index, message, evidence };
  }
  throw new Error('expected the audit to refuse');
}
