import { CanonicalError, type CanonicalErrorCode } from '@countersign/canonical';
import { DescriptorError, type DescriptorErrorCode } from '@countersign/descriptors';
import { HumanProofError } from '@countersign/human-proof';
import type { RefusalCode } from './refusal-code.ts';

/** What a refusal of a request tells besides its code. */
export interface RefusalTells {
  /** Until when there is no use in asking again. */
  readonly until?: string;
  /** The request that is open already. */
  readonly open?: string;
}

/** The one error of this package. Messages name places and expectations, never payloads. */
export class BindingError extends Error {
  override readonly name = 'BindingError';
  readonly code: RefusalCode;
  readonly tells: RefusalTells;

  constructor(
    code: RefusalCode,
    message: string,
    options?: ErrorOptions & { readonly tells?: RefusalTells },
  ) {
    super(message, options);
    this.code = code;
    this.tells = options?.tells ?? {};
  }
}

const CANONICAL_CODES: Record<CanonicalErrorCode, RefusalCode> = {
  DUPLICATE_KEY: 'DUPLICATE_KEY',
  NUMBER_OUT_OF_PROFILE: 'NUMBER_OUT_OF_PROFILE',
  TEXT_ENCODING: 'TEXT_ENCODING',
  LIMIT_EXCEEDED: 'LIMIT_EXCEEDED',
  JSON_SYNTAX: 'JSON_SYNTAX',
  NOT_CANONICAL: 'NOT_CANONICAL',
  DIGEST_FORMAT: 'SCHEMA_INVALID',
  ENCODING_FORMAT: 'SCHEMA_INVALID',
  ULID_FORMAT: 'SCHEMA_INVALID',
  TIME_FORMAT: 'SCHEMA_INVALID',
};

/** A type that nobody described has no policy either: attack row F04. */
const DESCRIPTOR_CODES: Record<DescriptorErrorCode, RefusalCode> = {
  UNKNOWN_MEMBER: 'UNKNOWN_MEMBER',
  SCHEMA_INVALID: 'SCHEMA_INVALID',
  UNRESOLVED_REFERENCE: 'UNRESOLVED_REFERENCE',
  MONEY_FORMAT: 'MONEY_FORMAT',
  UNSAFE_TEXT: 'UNSAFE_TEXT',
  RENDER_REFUSED: 'RENDER_REFUSED',
  UNRENDERABLE: 'UNRENDERABLE',
  LIMIT_EXCEEDED: 'LIMIT_EXCEEDED',
  UNKNOWN_TYPE: 'NO_POLICY',
};

/** The code of a refusal by this package or by one below it; undefined for anything else, which is a bug. */
export function refusalCodeOf(error: unknown): RefusalCode | undefined {
  if (error instanceof BindingError) return error.code;
  if (error instanceof HumanProofError) return error.code;
  if (error instanceof CanonicalError) return CANONICAL_CODES[error.code];
  if (error instanceof DescriptorError) return DESCRIPTOR_CODES[error.code];
  return undefined;
}

/** Runs a parser and turns the refusals of the packages below into this package's. */
export function refusing<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof BindingError) throw error;
    const code = refusalCodeOf(error);
    if (code === undefined || !(error instanceof Error)) throw error;
    throw new BindingError(code, error.message, { cause: error });
  }
}

/** Something that our own code guarantees did not hold. The process must not go on with this state. */
export function invariant(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`invariant broken: ${what}`);
}
