import type { EffectKind, TargetEffect } from '@countersign/reconcile';
import { fromUtf8 } from '@countersign/canonical';
import { ConnectorError } from '../connector-error.ts';

/** What one file of a target system tells. */
export interface TargetRecord {
  readonly effects: readonly TargetEffect[];
  /** Which kinds of change such a record tells of, whether or not there were any. */
  readonly kinds: readonly EffectKind[];
  /** The newest time in it, RFC 3339 in UTC: until then it can be complete. Empty for a record without lines. */
  readonly until: string;
}

const MAX_BYTES = 256 * 1024 * 1024;

/** @throws {ConnectorError} RECORD_LIMIT */
export function recordText(bytes: Uint8Array): string {
  if (bytes.length <= MAX_BYTES) return fromUtf8(bytes);
  throw new ConnectorError('RECORD_LIMIT', `expected a record of at most ${MAX_BYTES} bytes`);
}

/** @throws {ConnectorError} RECORD_FORMAT; what was read is not repeated */
export function parseRecord(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ConnectorError('RECORD_FORMAT', `${where}: expected JSON`);
  }
}

/** A member of whatever a foreign system has written, or undefined where it has another shape. */
export function memberAt(json: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((at, name) => {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined;
    return (at as Record<string, unknown>)[name];
  }, json);
}

export function textAtPath(json: unknown, path: string): string | undefined {
  const value = memberAt(json, path);
  return typeof value === 'string' ? value : undefined;
}

export function newest(times: readonly string[]): string {
  return times.reduce((late, time) => (time > late ? time : late), '');
}

/** @throws {ConnectorError} RECORD_FORMAT */
export function utcTime(text: string | undefined, where: string): string {
  const time = new Date(text ?? '');
  if (!Number.isNaN(time.getTime())) return time.toISOString();
  throw new ConnectorError('RECORD_FORMAT', `${where}: expected a time`);
}
