import { digestOf, type Digest, type JsonObject } from '@countersign/canonical';
import { batchedType } from '@countersign/descriptors';

/**
 * What `countersign exec` promises about how it runs a command. Its digest is in the authority and in every action, so a
 * version of this program that runs commands in another way is another executor interface (attack row A09).
 */
const EXEC_INTERFACE: JsonObject = {
  v: 'countersign.executor-interface.v1',
  interface: 'countersign.executor.command.v1',
  program: 'a private copy of the approved bytes',
  interpreter: 'the approved file, checked right before the start',
  environment: 'the approved variables and COUNTERSIGN_USE, nothing inherited',
  input: 'the approved bytes, from memory',
  start: 'once, after a recorded use, not after its start_by',
  stop: 'the whole process group when the time is over',
};

export const EXEC_INTERFACE_DIGEST: Digest = digestOf('countersign/executor/v1', EXEC_INTERFACE);

export const EXEC_EXECUTOR = 'local-exec';
export const EXEC_AUDIENCE = 'local';

/** Runs the calls that `countersign mcp-gate` holds; its interface is that package's. */
export const MCP_GATE_EXECUTOR = 'local-mcp-gate';

const COMMAND_TYPES: ReadonlySet<unknown> = new Set(['emergency.command', 'generic.command']);

/** Whether an action of this type is a command, or a batch of them: they are run in one way, whatever allowed them. */
export function isCommandType(type: unknown): boolean {
  return COMMAND_TYPES.has(typeof type === 'string' ? (batchedType(type) ?? type) : type);
}
