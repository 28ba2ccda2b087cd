import {
  canonicalText,
  isDigest,
  isJsonObject,
  isTimestamp,
  isUlid,
  parseCanonical,
  utf8,
  type Digest,
  type Json,
} from '@countersign/canonical';
import type { ExecutionResult } from './run-result.ts';
import type { RunPart, RunStore } from './run-store.ts';
import { SdkError, sdkError } from './sdk-error.ts';

/** schemas/formats/run-record.md §2. It holds no content of the action, only digests. */
export interface ClaimRecord {
  readonly v: 'countersign.run-claim.v1';
  readonly tenant: string;
  readonly action_id: string;
  readonly action_digest: Digest;
  readonly executor: string;
  readonly use_id: string;
  /** The signed use: sending it again is the same claim. */
  readonly frame: string;
  readonly claimed_at: string;
}

export interface StartRecord {
  readonly v: 'countersign.run-start.v1';
  readonly use_id: string;
  readonly started_at: string;
}

export interface ReportRecord {
  readonly v: 'countersign.run-report.v1';
  readonly use_id: string;
  readonly result: ExecutionResult['result'];
  /** False when the use was claimed and nothing was started on it. */
  readonly started: boolean;
  /** The signed report: sending it again is the same report. */
  readonly frame: string;
}

/** The ledger has the report. */
export interface SentRecord {
  readonly v: 'countersign.run-sent.v1';
  readonly use_id: string;
}

interface Records {
  readonly claim: ClaimRecord;
  readonly start: StartRecord;
  readonly report: ReportRecord;
  readonly sent: SentRecord;
}

export type RunRecords = { readonly [Part in RunPart]?: Records[Part] };

const LIMITS = { maxBytes: 65_536, maxDepth: 2, maxMembers: 16 };

type MemberCheck = (json: Json | undefined) => boolean;

const text: MemberCheck = (json) => typeof json === 'string' && json !== '';
const ulid: MemberCheck = (json) => typeof json === 'string' && isUlid(json);
const digest: MemberCheck = (json) => typeof json === 'string' && isDigest(json);
const time: MemberCheck = (json) => typeof json === 'string' && isTimestamp(json);
const flag: MemberCheck = (json) => typeof json === 'boolean';
const oneOf =
  (...words: readonly string[]): MemberCheck =>
  (json) =>
    words.some((word) => word === json);

const SHAPES: Readonly<Record<RunPart, Readonly<Record<string, MemberCheck>>>> = {
  claim: {
    v: oneOf('countersign.run-claim.v1'),
    tenant: text,
    action_id: ulid,
    action_digest: digest,
    executor: text,
    use_id: ulid,
    frame: text,
    claimed_at: time,
  },
  start: { v: oneOf('countersign.run-start.v1'), use_id: ulid, started_at: time },
  report: {
    v: oneOf('countersign.run-report.v1'),
    use_id: ulid,
    result: oneOf('succeeded', 'failed', 'unknown'),
    started: flag,
    frame: text,
  },
  sent: { v: oneOf('countersign.run-sent.v1'), use_id: ulid },
};

/** @throws SdkError RECORD_DAMAGED */
export function parseRunPart<Part extends RunPart>(part: Part, json: string): Records[Part] {
  let value: Json;
  try {
    value = parseCanonical(utf8(json.replace(/\n$/, '')), LIMITS);
  } catch (error) {
    throw sdkError('RECORD_DAMAGED', `expected the ${part} of a run`, { cause: error });
  }
  const shape = Object.entries(SHAPES[part]);
  const isOfShape =
    isJsonObject(value) &&
    Object.keys(value).length === shape.length &&
    shape.every(([name, check]) => check(value[name]));
  if (!isOfShape) throw sdkError('RECORD_DAMAGED', `expected the ${part} of a run`);
  return value as unknown as Records[Part];
}

/** @throws SdkError RECORD_DAMAGED */
export async function readRun(store: RunStore, run: string): Promise<RunRecords> {
  const read = async <Part extends RunPart>(part: Part): Promise<Records[Part] | undefined> => {
    const json = await store.read(run, part);
    return json === undefined ? undefined : parseRunPart(part, json);
  };
  const [claim, start, report, sent] = [
    await read('claim'),
    await read('start'),
    await read('report'),
    await read('sent'),
  ];
  if (claim === undefined && (start ?? report ?? sent) !== undefined) {
    throw sdkError('RECORD_DAMAGED', `${run}: expected the claim of this run`);
  }
  return {
    ...(claim !== undefined && { claim }),
    ...(start !== undefined && { start }),
    ...(report !== undefined && { report }),
    ...(sent !== undefined && { sent }),
  };
}

/** False when it is there already: somebody else may be at this run. */
export function writeRunPart<Part extends RunPart>(
  to: { readonly store: RunStore; readonly run: string },
  part: Part,
  record: Records[Part],
): Promise<boolean> {
  return to.store.create(to.run, part, `${canonicalText(record as unknown as Json)}\n`);
}

const NAME = /^[a-z0-9-]{1,32}$/;

/** @throws SdkError ACTION_INVALID */
export function runName(actionId: string, name: string): string {
  if (NAME.test(name)) return `${actionId}.${name}`;
  throw new SdkError('ACTION_INVALID', 'expected a name of a run: a to z, 0 to 9 and hyphens');
}
