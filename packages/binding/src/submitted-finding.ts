import type { Digest } from '@countersign/canonical';
import { digest, tenant, ulid } from './field-shape.ts';
import { parseCanonicalObject } from './json-bytes.ts';
import { list, matching, object, tag, variant, type Members, type Shape } from './shape.ts';
import { SIGNED_PAYLOAD_LIMITS } from './use-claim.ts';

/** What comes out of comparing the uses of a log with what targets have recorded. */
export const RECONCILED_FINDINGS = [
  'UNBOUND_EXECUTION',
  'NO_EFFECT_OBSERVED',
  'EFFECT_DIFFERS',
  'DUPLICATE_EFFECT',
] as const;

export type ReconciledFinding = (typeof RECONCILED_FINDINGS)[number];

/** One record of a target. Its digest is salted, since the record names people and accounts. */
export interface FoundRecord {
  readonly source: string;
  readonly digest: Digest;
}

/**
 * What an operator says was found: schemas/formats/entries.md §3. It names no time of its own, so that finding the same
 * again makes the same bytes.
 */
export interface SubmittedFinding {
  readonly v: 'countersign.finding.v1';
  readonly tenant: string;
  readonly finding: ReconciledFinding;
  /** Of effect, as `access-key-created`. */
  readonly kind: string;
  readonly use?: { readonly action_id: string; readonly use_id: string };
  readonly record?: FoundRecord;
  /** Names of what is not as it was approved, never the values. */
  readonly differs?: readonly string[];
}

type Present<K extends keyof SubmittedFinding> = Required<Pick<SubmittedFinding, K>>;
type Common = Omit<SubmittedFinding, 'use' | 'record' | 'differs'>;

const DIFFERENCES_MAX = 16;
const name: Shape<string> = matching(
  /^[a-z][a-z0-9._-]{0,63}$/,
  'a name of 1 to 64 small letters, digits, points, dashes and underscores',
);

function common(finding: ReconciledFinding): Members<Common> {
  return { v: tag('countersign.finding.v1'), tenant, finding: tag(finding), kind: name };
}

const use: Members<Present<'use'>> = {
  use: object<Present<'use'>['use']>({ action_id: ulid, use_id: ulid }),
};
const record: Members<Present<'record'>> = {
  record: object<FoundRecord>({ source: name, digest }),
};
const differs: Members<Present<'differs'>> = {
  differs: list(name, { min: 1, max: DIFFERENCES_MAX }),
};

/** Of each code, what it is about and nothing else. */
const submittedFinding: Shape<SubmittedFinding> = variant<SubmittedFinding>('finding', {
  UNBOUND_EXECUTION: object<Common & Present<'record'>>({
    ...common('UNBOUND_EXECUTION'),
    ...record,
  }),
  NO_EFFECT_OBSERVED: object<Common & Present<'use'>>({ ...common('NO_EFFECT_OBSERVED'), ...use }),
  EFFECT_DIFFERS: object<Common & Present<'use' | 'record' | 'differs'>>({
    ...common('EFFECT_DIFFERS'),
    ...use,
    ...record,
    ...differs,
  }),
  DUPLICATE_EFFECT: object<Common & Present<'use' | 'record'>>({
    ...common('DUPLICATE_EFFECT'),
    ...use,
    ...record,
  }),
});

/** @throws BindingError NOT_CANONICAL, TYPE_CONFUSION, UNKNOWN_MEMBER, SCHEMA_INVALID, and the codes of the gate */
export function parseSubmittedFinding(payload: Uint8Array): SubmittedFinding {
  return submittedFinding(parseCanonicalObject(payload, SIGNED_PAYLOAD_LIMITS), 'finding');
}
