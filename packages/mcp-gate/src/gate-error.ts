/** What the gate refuses by itself; codes of the ledger and of verifiers pass as they are. docs/mcp-gate.md, "Codes". */
export type GateErrorCode =
  | 'CONFIG_INVALID'
  | 'MESSAGE_INVALID'
  | 'MESSAGE_AMBIGUOUS'
  | 'BATCH_GATED'
  | 'CALL_INVALID'
  | 'TOOL_UNKNOWN'
  | 'TOOL_CHANGED'
  | 'UPSTREAM_FAILED'
  | 'UPSTREAM_GONE'
  | 'TOO_MANY_CALLS';

export class GateError extends Error {
  override readonly name = 'GateError';
  readonly code: GateErrorCode;

  constructor(code: GateErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
