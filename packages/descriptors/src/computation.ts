import type { JsonObject } from '@countersign/canonical';
import type { ActionEnvelope } from './action.ts';
import type { DisplayLine } from './display.ts';

export interface Computed {
  readonly lines: readonly DisplayLine[];
  readonly warnings: readonly string[];
}

/**
 * What the renderer works out from the params of one type, so that no agent has to be believed.
 * MUST be a pure function of the action, and MUST show each of its `shows` in full: fields, and arrays
 * that may have no items.
 */
export interface Computation {
  readonly shows: readonly string[];
  /**
   * What the schema cannot say. Params have passed the schema.
   * @throws {DescriptorError}
   */
  readonly check?: (params: JsonObject) => void;
  readonly compute: (params: JsonObject, envelope: ActionEnvelope) => Computed;
}
