export type { AskedCall, CallOutcome, GatedTool, ToolGate } from './asked-call.ts';
export { toolCallContent, type ToolDescription, type ToolProgram } from './tool-call-content.ts';
