import { digestBytes, utf8, type Digest, type Json } from '@countersign/canonical';
import { exactJsonText } from '@countersign/descriptors';
import { isObject } from './client-message.ts';
import { GateError } from './gate-error.ts';

/** Asks the server for its tools, now and whole. */
export type ListTools = () => Promise<readonly unknown[]>;

/**
 * What the server says of its tools, and what it said first. A tool that says something else by now is another tool, whatever
 * name it has (attack row A09): nobody looked at that one.
 */
export class ToolCatalogue {
  readonly #list: ListTools;
  /** From the configuration, else as each was seen first. */
  readonly #pins: Map<string, Digest>;
  #latest: ReadonlyMap<string, Digest> | undefined;

  constructor(list: ListTools, pins: Readonly<Record<string, Digest>>) {
    this.#list = list;
    this.#pins = new Map(Object.entries(pins));
  }

  /** The server has said that its tools are others now. */
  forget(): void {
    this.#latest = undefined;
  }

  /** A list that went to the client, which may be a part of it. */
  observe(tools: readonly unknown[]): void {
    this.#latest = new Map([...(this.#latest ?? []), ...this.#pinned(tools)]);
  }

  /** The digest of a tool as it was described last; `undefined` when the server has to be asked. */
  known(tool: string): Digest | undefined {
    const digest = this.#latest?.get(tool);
    if (digest !== undefined) this.#assertPinned(tool, digest);
    return digest;
  }

  /**
   * The digest of a tool as the server describes it now.
   *
   * @throws GateError TOOL_UNKNOWN, TOOL_CHANGED, UPSTREAM_FAILED, UPSTREAM_GONE
   */
  async current(tool: string): Promise<Digest> {
    this.#latest = this.#pinned(await this.#list());
    const digest = this.#latest.get(tool);
    if (digest === undefined) {
      throw new GateError('TOOL_UNKNOWN', 'expected a tool that the server lists');
    }
    this.#assertPinned(tool, digest);
    return digest;
  }

  #pinned(tools: readonly unknown[]): Map<string, Digest> {
    const digests = digestsOf(tools);
    for (const [tool, digest] of digests) {
      if (!this.#pins.has(tool)) this.#pins.set(tool, digest);
    }
    return digests;
  }

  #assertPinned(tool: string, digest: Digest): void {
    if (this.#pins.get(tool) === digest) return;
    throw new GateError(
      'TOOL_CHANGED',
      'expected the tool as it was pinned; its description or schema is another one now',
    );
  }
}

/** By name. What has no name cannot be called. */
export function digestsOf(tools: readonly unknown[]): Map<string, Digest> {
  const digests = new Map<string, Digest>();
  for (const tool of tools) {
    if (!isObject(tool) || typeof tool['name'] !== 'string') continue;
    const { name } = tool;
    const digest = toolDigest(tool);
    // Two of one name: which of them is called is not known, so neither is the one that was pinned.
    digests.set(name, digests.has(name) ? toolDigest([digests.get(name), digest]) : digest);
  }
  return digests;
}

/** schemas/formats/action-types.md, tag countersign/mcp-tool/v1 */
function toolDigest(tool: unknown): Digest {
  return digestBytes('countersign/mcp-tool/v1', utf8(exactJsonText(tool as Json)));
}
