export type DescriptorErrorCode =
  | 'UNKNOWN_MEMBER'
  | 'SCHEMA_INVALID'
  | 'UNRESOLVED_REFERENCE'
  | 'MONEY_FORMAT'
  | 'UNSAFE_TEXT'
  | 'RENDER_REFUSED'
  | 'UNRENDERABLE'
  | 'LIMIT_EXCEEDED'
  | 'UNKNOWN_TYPE';

/**
 * The one error of this package. Messages name places, limits and expectations, never values: an action
 * may hold what must not reach a log.
 */
export class DescriptorError extends Error {
  override readonly name = 'DescriptorError';
  readonly code: DescriptorErrorCode;

  constructor(code: DescriptorErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
