import { digestBytes, utf8, type Digest, type Json } from '@countersign/canonical';
import { exactJsonText } from '@countersign/descriptors';
import type { ActionContent } from '@countersign/sdk';

/** The program whose tools they are: schemas/formats/action-types.md, "generic.tool_call". */
export interface ToolProgram {
  readonly name: string;
  readonly version: string;
  /** Of what was deployed: an image, a bundle, a lock file. */
  readonly digest: Digest;
}

export interface ToolDescription {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the arguments. */
  readonly schema: Json;
}

const LIFE_S = 86_400;

/** A call of a tool as a `generic.tool_call`: name, digest of its description, and the arguments whole. */
export function toolCallContent(
  program: ToolProgram,
  tool: ToolDescription,
  args: unknown,
): ActionContent {
  const { name, version, digest } = program;
  return {
    type: 'generic.tool_call',
    typeVersion: 1,
    params: {
      server: { name, version, origin: { kind: 'launch', digest } },
      tool: {
        name: tool.name,
        descriptor_digest: digestBytes('countersign/mcp-tool/v1', utf8(exactJsonText({ ...tool }))),
      },
      arguments: exactJsonText(args as Json),
    },
    lifeS: LIFE_S,
  };
}
