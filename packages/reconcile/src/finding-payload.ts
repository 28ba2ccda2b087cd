import { canonicalBytes, saltedDigest, type JsonObject } from '@countersign/canonical';
import type { Finding } from './reconcile.ts';

export interface PayloadParts {
  readonly tenant: string;
  /**
   * A secret of at least 16 bytes, the same for the same value: so finding the same again makes the same bytes, and nobody
   * without that secret can try which record it was.
   */
  readonly saltOf: (value: Uint8Array) => Uint8Array;
}

const NAME = /^[a-z][a-z0-9._-]{0,63}$/;
/** Of a system whose record has a name that may not stand in the log. */
const UNNAMED = 'lines';

/** What an operator signs of a finding: schemas/formats/entries.md §3. Of what the target recorded only a digest is in it. */
export function findingPayload(finding: Finding, parts: PayloadParts): Uint8Array {
  const { finding: code, kind, use, effect, differs } = finding;
  return canonicalBytes({
    v: 'countersign.finding.v1',
    tenant: parts.tenant,
    finding: code,
    kind,
    ...(use !== undefined && { use: { action_id: use.actionId, use_id: use.useId } }),
    ...(effect !== undefined && { record: recordOf(finding, effect, parts) }),
    ...(differs !== undefined && { differs }),
  });
}

function recordOf(
  { kind, target }: Finding,
  { record, id, at }: NonNullable<Finding['effect']>,
  { saltOf }: PayloadParts,
): JsonObject {
  const value = { record, id, at, kind, target };
  return {
    source: NAME.test(record) ? record : UNNAMED,
    digest: saltedDigest('countersign/value/v1', saltOf(canonicalBytes(value)), value),
  };
}
