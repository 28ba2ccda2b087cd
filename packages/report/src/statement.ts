import {
  canonicalBytes,
  CanonicalError,
  isDigest,
  isJsonObject,
  isTimestamp,
  isUlid,
  parseStrict,
  type Digest,
  type Json,
  type JsonObject,
} from '@countersign/canonical';
import { ReportError } from './report-error.ts';

const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
const PREDICATE_TYPE = 'urn:countersign:verification:v1';
const LIMITS = { maxBytes: 131_072, maxDepth: 8, maxMembers: 1_000 };
const APPROVALS_MAX = 16;
const TEXT_MAX = 400;

interface StatedApproval {
  readonly person: string;
  /** In whose place; undefined in their own. */
  readonly principal?: string | undefined;
  readonly proofClass: string;
}

/** Somebody's word that they have verified evidence with a trust file, and what came of it: schemas/formats/statement.md. */
export interface VerificationStatement {
  readonly actionId: string;
  readonly actionDigest: Digest;
  readonly origin: string;
  readonly genesis: Digest;
  readonly binding: { readonly index: number; readonly leaf: Digest };
  readonly boundAt: string;
  /** Of the file as it was verified; undefined where there was none. */
  readonly evidence: { readonly name: string; readonly sha256: string } | undefined;
  readonly trustSha256: string;
  readonly outcome: 'VALID' | 'REFUSED' | 'INDETERMINATE';
  readonly code: string | undefined;
  readonly level: string;
  /** Empty unless VALID. */
  readonly approvals: readonly StatedApproval[];
  readonly verifiedAt: string;
  readonly verifier: string;
}

/** An in-toto Statement v1, in canonical form. */
export function formatStatement(of: VerificationStatement): Uint8Array {
  return canonicalBytes({
    _type: STATEMENT_TYPE,
    subject: [{ name: of.actionId, digest: { sha256: hexOf(of.actionDigest) } }],
    predicateType: PREDICATE_TYPE,
    predicate: {
      ledger: { origin: of.origin, genesis: of.genesis },
      binding: { index: of.binding.index, leaf: of.binding.leaf, bound_at: of.boundAt },
      evidence:
        of.evidence === undefined
          ? null
          : { name: of.evidence.name, digest: { sha256: of.evidence.sha256 } },
      trust: { digest: { sha256: of.trustSha256 } },
      outcome: of.outcome,
      ...(of.code !== undefined && { code: of.code }),
      level: of.level,
      approvals: of.approvals.map(({ person, principal, proofClass }) => ({
        person,
        ...(principal !== undefined && { for: principal }),
        proof_class: proofClass,
      })),
      verified_at: of.verifiedAt,
      verifier: of.verifier,
    },
  });
}

/** @throws ReportError STATEMENT_FORMAT, PREDICATE_TYPE */
export function parseStatement(bytes: Uint8Array): VerificationStatement {
  const statement = objectIn(jsonOf(bytes));
  const { _type: type, subject, predicateType, predicate } = statement;
  if (type !== STATEMENT_TYPE) throw malformed('_type');
  if (predicateType !== PREDICATE_TYPE) {
    throw new ReportError('PREDICATE_TYPE', `expected ${PREDICATE_TYPE}`);
  }
  const [only, ...more] = listIn(subject, 'subject');
  if (more.length > 0) throw malformed('subject');
  const { name, digest } = objectIn(only);
  if (typeof name !== 'string' || !isUlid(name)) throw malformed('subject.name');
  const actionDigest = `sha256:${sha256In(digest, 'subject.digest')}`;
  if (!isDigest(actionDigest)) throw malformed('subject.digest');
  return { actionId: name, actionDigest, ...predicateIn(objectIn(predicate)) };
}

const PREDICATE = [
  'ledger',
  'binding',
  'evidence',
  'trust',
  'outcome',
  'level',
  'approvals',
  'verified_at',
  'verifier',
];

function predicateIn(
  predicate: JsonObject,
): Omit<VerificationStatement, 'actionId' | 'actionDigest'> {
  const { ledger, binding, evidence, trust, outcome, code, level } = closed(predicate, PREDICATE, [
    'code',
  ]);
  const { origin, genesis } = closed(ledger, ['origin', 'genesis']);
  const { index, leaf, bound_at: boundAt } = closed(binding, ['index', 'leaf', 'bound_at']);
  const approvals = listIn(predicate['approvals'], 'approvals').map(approvalIn);
  const isValid = outcome === 'VALID';
  if (isValid !== (code === undefined) || (approvals.length > 0 && !isValid)) {
    throw malformed('code');
  }
  return {
    origin: textIn(origin, 'origin'),
    genesis: digestIn(genesis, 'genesis'),
    binding: { index: positionIn(index), leaf: digestIn(leaf, 'leaf') },
    boundAt: timeIn(boundAt, 'bound_at'),
    evidence: evidence === null ? undefined : evidenceIn(evidence),
    trustSha256: sha256In(closed(trust, ['digest'])['digest'], 'trust'),
    outcome: outcomeIn(outcome),
    code: code === undefined ? undefined : textIn(code, 'code'),
    level: textIn(level, 'level'),
    approvals,
    verifiedAt: timeIn(predicate['verified_at'], 'verified_at'),
    verifier: textIn(predicate['verifier'], 'verifier'),
  };
}

function evidenceIn(json: Json | undefined): NonNullable<VerificationStatement['evidence']> {
  const { name, digest } = closed(json, ['name', 'digest']);
  return { name: textIn(name, 'evidence.name'), sha256: sha256In(digest, 'evidence.digest') };
}

function approvalIn(json: Json): StatedApproval {
  const approval = closed(json, ['person', 'proof_class'], ['for']);
  const { person, for: principal, proof_class: proofClass } = approval;
  return {
    person: textIn(person, 'person'),
    ...(principal !== undefined && { principal: textIn(principal, 'for') }),
    proofClass: textIn(proofClass, 'proof_class'),
  };
}

function jsonOf(bytes: Uint8Array): Json {
  try {
    return parseStrict(bytes, LIMITS);
  } catch (error) {
    if (!(error instanceof CanonicalError)) throw error;
    throw malformed('the text', error);
  }
}

function objectIn(json: Json | undefined): JsonObject {
  if (!isJsonObject(json)) throw malformed('an object');
  return json;
}

/** These members, and no others. */
function closed(
  json: Json | undefined,
  required: readonly string[],
  optional: readonly string[] = [],
): JsonObject {
  const object = objectIn(json);
  const names = Object.keys(object);
  const isClosed = names.every((name) => required.includes(name) || optional.includes(name));
  if (isClosed && required.every((name) => names.includes(name))) return object;
  throw malformed(required.join(', '));
}

function listIn(json: Json | undefined, name: string): readonly Json[] {
  if (!Array.isArray(json) || json.length > APPROVALS_MAX) throw malformed(name);
  return json as readonly Json[];
}

function textIn(json: Json | undefined, name: string): string {
  if (typeof json === 'string' && json !== '' && json.length <= TEXT_MAX) return json;
  throw malformed(name);
}

function timeIn(json: Json | undefined, name: string): string {
  const text = textIn(json, name);
  if (isTimestamp(text)) return text;
  throw malformed(name);
}

function digestIn(json: Json | undefined, name: string): Digest {
  const text = textIn(json, name);
  if (isDigest(text)) return text;
  throw malformed(name);
}

function positionIn(json: Json | undefined): number {
  if (typeof json === 'number' && Number.isSafeInteger(json) && json >= 0) return json;
  throw malformed('index');
}

function outcomeIn(json: Json | undefined): VerificationStatement['outcome'] {
  if (json === 'VALID' || json === 'REFUSED' || json === 'INDETERMINATE') return json;
  throw malformed('outcome');
}

/** Of a DigestSet of in-toto. */
function sha256In(json: Json | undefined, name: string): string {
  const { sha256 } = objectIn(json);
  if (typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256)) return sha256;
  throw malformed(name);
}

function hexOf(digest: Digest): string {
  return digest.slice('sha256:'.length);
}

function malformed(what: string, cause?: unknown): ReportError {
  return new ReportError('STATEMENT_FORMAT', `expected a statement of a verification: ${what}`, {
    cause,
  });
}
